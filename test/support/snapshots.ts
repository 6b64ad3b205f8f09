/** Snapshots of a system under test: waiting for them, and damaging them in every way that is known. */
import { headers } from 'nats';
import { SnapshotBucket, type StoredSnapshot } from '../../src/bus/snapshot-bucket.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import type { Space } from './system.ts';
import { until } from './until.ts';

export async function bucketOf({ system, ns }: Space): Promise<SnapshotBucket> {
  return await SnapshotBucket.open(system.nats, system.jsm, subjects(ns));
}

/** The good ones of a shard, the furthest first. */
export async function sealed(space: Space, shard: number): Promise<StoredSnapshot[]> {
  return (await (await bucketOf(space)).list(shard)).filter(({ seal }) => seal !== undefined);
}

export function positionOf(snapshot: StoredSnapshot | undefined): number {
  return snapshot?.seal?.summary.position.seq ?? 0;
}

/** On a machine that is busy a snapshot takes seconds, and the worker rests nine times as long after each. */
const LONG_MS = 60_000;

/** Resolves when the newest snapshot of the shard is of all that its log holds now. */
export async function snapshotted(space: Space, shard: number, count = 1): Promise<StoredSnapshot[]> {
  const last = await space.lastInLog(shard);
  return await until(
    `${count} snapshots of shard ${shard}, one of ${last}`,
    async () => {
      const found = await sealed(space, shard);
      return found.length >= count && positionOf(found[0]) >= last && found;
    },
    LONG_MS,
  );
}

/** Takes the last piece of a snapshot's content away. */
export async function removeChunk({ system, ns }: Space, { content }: StoredSnapshot): Promise<void> {
  const stream = subjects(ns).streams.snapshots;
  const subject = chunks(ns, content);
  const last = await system.jsm.streams.getMessage(stream, { last_by_subj: subject });
  if (last === null) throw new Error('the snapshot has no content');
  await system.jsm.streams.deleteMessage(stream, last.seq);
}

/** Changes one byte in the middle of the last piece. */
export async function flipByte(space: Space, snapshot: StoredSnapshot): Promise<void> {
  const { system, ns } = space;
  const subject = chunks(ns, snapshot.content);
  const last = await system.jsm.streams.getMessage(subjects(ns).streams.snapshots, { last_by_subj: subject });
  if (last === null) throw new Error('the snapshot has no content');
  const data = Uint8Array.from(last.data);
  const middle = Math.floor(data.length / 2);
  data[middle] = (data[middle] ?? 0) ^ 1;
  await removeChunk(space, snapshot);
  await system.nats.request(subject, data);
}

/** Lets the object's own description say something else. */
export async function changeHead(
  { system, ns }: Space,
  { name }: StoredSnapshot,
  // biome-ignore lint/suspicious/noExplicitAny: a head is whatever JSON the object store keeps.
  change: (head: any) => void,
): Promise<void> {
  const { snapshotHeads, streams } = subjects(ns);
  const subject = snapshotHeads.replace('>', Buffer.from(name).toString('base64url'));
  const padded = subject + '='.repeat((4 - (Buffer.from(name).toString('base64url').length % 4)) % 4);
  const head = await system.jsm.streams.getMessage(streams.snapshots, { last_by_subj: padded });
  if (head === null) throw new Error('the snapshot has no head');
  const said = JSON.parse(head.string());
  change(said);
  const rollup = headers();
  rollup.set('Nats-Rollup', 'sub');
  await system.nats.request(padded, JSON.stringify(said), { headers: rollup, timeout: 5_000 });
}

/** Lets the seal say something else. */
export async function changeSeal(
  space: Space,
  snapshot: StoredSnapshot,
  // biome-ignore lint/suspicious/noExplicitAny: a seal that lies may have any form.
  change: (seal: any) => void,
): Promise<void> {
  await changeHead(space, snapshot, (head) => {
    const seal = JSON.parse(head.metadata['converge-seal']);
    change(seal);
    head.metadata['converge-seal'] = JSON.stringify(seal);
  });
}

function chunks(ns: string, content: string): string {
  return subjects(ns).snapshotChunks.replace('>', content);
}
