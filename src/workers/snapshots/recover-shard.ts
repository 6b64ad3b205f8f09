/**
 * Brings a shard back whose state the store has lost, before it is loaded: the newest good snapshot, from which the log
 * is read on; without one the beginning of the log, as long as nothing was trimmed off it; without either nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { JetStreamManager } from '@nats-io/jetstream';
import { nuid } from 'nats';
import type { Logger } from 'pino';
import { logIdentityOf } from '../../bus/layout.ts';
import { readMessage, verifiable } from '../../bus/log-reader.ts';
import { clockMessages } from '../../bus/log-scan.ts';
import { NatsTrimMarks } from '../../bus/nats-trim-marks.ts';
import type { SnapshotBucket, StoredSnapshot } from '../../bus/snapshot-bucket.ts';
import { findStream } from '../../bus/streams.ts';
import { verifyLog } from '../../bus/verify-log.ts';
import { LogDivergedError, SnapshotDamagedError } from '../../lib/errors.ts';
import type { SnapshotSeal } from '../../protocol/snapshots.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { ShardKeys } from '../../state/keys.ts';
import { readKnownClock } from '../../state/known-clock.ts';
import type { Redis } from '../../state/redis.ts';
import { LOST, type ShardStore, type StoredPosition } from '../../state/shard-store.ts';
import { ShardRestore } from '../../state/snapshots/restore.ts';
import { SnapshotSource } from '../../state/snapshots/source.ts';
import type { Alarms } from '../health/alarms.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import { expectKnownClock } from '../time/known-clock.ts';
import { readContent } from './content.ts';
import { lateClock } from './late-clock.ts';
import { type LossOptions, lossOf } from './loss.ts';
import { readBack } from './take-snapshot.ts';

export interface RecoverOptions {
  readonly jsm: JetStreamManager;
  readonly subjects: Subjects;
  readonly bucket: SnapshotBucket;
  readonly store: ShardStore;
  readonly keys: ShardKeys;
  /** Writes must not be repeated behind our back: the connection for commits. */
  readonly commits: Redis;
  readonly reads: Redis;
  readonly shard: number;
  readonly shards: number;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  readonly alarms?: Pick<Alarms, 'raise' | 'clear'>;
  /** Called for each piece that is restored. */
  readonly onPiece?: () => void;
}

/** Where the state was taken from; undefined when the store has it. */
export type Recovered = { readonly snapshot: string; readonly position: number } | 'log' | undefined;

export async function recoverShard(options: RecoverOptions): Promise<Recovered> {
  const { store, bucket, shard, logger } = options;
  const stored = await store.position();
  const lost = await lossOf(lossPorts(options), stored);
  const snapshots = await bucket.list(shard);
  await expectSnapshotsOf(options, snapshots, lost.logIdentity);
  if (!lost.isLost) return undefined;
  const reasons: string[] = [];
  for (const snapshot of snapshots) {
    const { seal, name } = snapshot;
    const why = await refusalOf(options, snapshot, lost.logIdentity);
    if (why === undefined && seal !== undefined && seal.summary.position.seq > stored.seq) {
      try {
        await restoreFrom(options, snapshot, seal, stored);
        return { snapshot: name, position: seal.summary.position.seq };
      } catch (error) {
        if (!(error instanceof SnapshotDamagedError)) throw error;
        reasons.push(damaged(options, name, error.message));
      }
    } else reasons.push(damaged(options, name, why ?? 'it is older than the present state'));
  }
  const none =
    reasons.length === 0 ? 'there is no snapshot' : `no snapshot is usable (${reasons.join('; ')})`;
  if (!lost.isLogWhole) throw new LogDivergedError(`the log has been trimmed and ${none}`);
  const now = await store.position();
  if (now.seq === LOST) await (await begin(options, now)).giveUp();
  if (reasons.length > 0)
    logger.warn({ reasons }, 'no snapshot is usable: applying the log from its beginning');
  return 'log';
}

function lossPorts({ jsm, subjects, shard, alarms }: RecoverOptions): LossOptions {
  const stream = subjects.logOf(shard);
  return {
    shard,
    alarms,
    marks: new NatsTrimMarks(jsm, subjects),
    async identity() {
      const info = await findStream(jsm, stream);
      return info && logIdentityOf(info);
    },
    read: (seq) => readMessage(jsm, stream, seq),
  };
}

/** A good snapshot of another log means that two systems were mixed: which one is right, a person has to say. */
async function expectSnapshotsOf(
  { bucket, shard, subjects }: RecoverOptions,
  snapshots: readonly StoredSnapshot[],
  logIdentity: string,
): Promise<void> {
  for (const snapshot of snapshots) {
    const { seal, name } = snapshot;
    if (seal === undefined || seal.summary.position.logIdentity === logIdentity) continue;
    const { summary } = seal;
    if (summary.namespace !== subjects.namespace || summary.shard !== shard) continue;
    try {
      await checked(bucket, snapshot, seal);
    } catch (error) {
      if (error instanceof SnapshotDamagedError) continue;
      throw error;
    }
    throw new LogDivergedError(
      `snapshot ${name} comes from another log, ${summary.position.logIdentity}; this log is ${logIdentity}`,
    );
  }
}

/** Why a snapshot cannot be used; undefined when it can. Throws when the log does not continue one that is good. */
async function refusalOf(
  options: RecoverOptions,
  snapshot: StoredSnapshot,
  logIdentity: string,
): Promise<string | undefined> {
  const { jsm, subjects, shard, shards, bucket } = options;
  const { seal } = snapshot;
  if (seal === undefined) return 'it has no seal';
  const { summary } = seal;
  if (summary.namespace !== subjects.namespace || summary.shard !== shard || summary.shards !== shards) {
    return `it is of shard ${summary.shard} of ${summary.shards} in ${summary.namespace}`;
  }
  const { position } = summary;
  if (position.logIdentity !== logIdentity) {
    return `it comes from another log, ${position.logIdentity}`;
  }
  const stream = subjects.logOf(shard);
  const clocks = await clockMessages(jsm, stream, subjects.clocks(shard), position.seq);
  const place = { namespace: subjects.namespace, shard, shards };
  const known = readKnownClock(summary.meta.clock);
  const late = lateClock(clocks, place, position.seq, known);
  if (late !== undefined) return late;
  try {
    await verifyLog(verifiable({ jsm, stream, shard, marks: new NatsTrimMarks(jsm, subjects) }), position);
    expectKnownClock(known, clocks, position.seq);
    return undefined;
  } catch (error) {
    if (!(error instanceof LogDivergedError)) throw error;
    // Either the log went back, which nothing here may pass over, or the seal says what is not so.
    try {
      await checked(bucket, snapshot, seal);
    } catch (damage) {
      if (damage instanceof SnapshotDamagedError) return damage.message;
      throw damage;
    }
    throw error;
  }
}

async function checked(bucket: SnapshotBucket, snapshot: StoredSnapshot, seal: SnapshotSeal): Promise<void> {
  const { sha256, summary } = await readBack(bucket, snapshot);
  expectSealed(seal, { sha256, summary });
}

function expectSealed(seal: SnapshotSeal, found: Pick<SnapshotSeal, 'sha256' | 'summary'>): void {
  if (found.sha256 !== seal.sha256) throw new SnapshotDamagedError('its content does not match its seal');
  if (!isDeepStrictEqual(found.summary, seal.summary)) {
    throw new SnapshotDamagedError('its seal contradicts its content');
  }
}

async function restoreFrom(
  options: RecoverOptions,
  snapshot: StoredSnapshot,
  seal: SnapshotSeal,
  stored: StoredPosition,
): Promise<void> {
  const { bucket, store, logger } = options;
  const started = performance.now();
  // An attempt with a newer one that was damaged has left the shard in the middle of a restoration.
  const now = await store.position();
  const restore = await begin(options, now.seq === LOST ? now : stored);
  const pieces = readContent(bucket.read(snapshot));
  for (;;) {
    const next = await pieces.next();
    if (next.done === true) {
      expectSealed(seal, next.value);
      await restore.finish(next.value.summary);
      break;
    }
    options.onPiece?.();
    for (const line of next.value) {
      if (line.is === 'record') await restore.add(line.record);
      else if (line.is === 'replacements') await restore.replace();
    }
  }
  const { position } = seal.summary;
  const durationMs = Math.round(performance.now() - started);
  logger.warn(
    { snapshot: snapshot.name, position: position.seq, durationMs },
    'the state was lost: restored a snapshot, reading the log from there',
  );
}

async function begin({ commits, reads, keys }: RecoverOptions, seen: StoredPosition): Promise<ShardRestore> {
  return await ShardRestore.begin(commits, keys, new SnapshotSource(reads, keys), seen, nuid.next());
}

function damaged({ logger, metrics }: RecoverOptions, snapshot: string, reason: string): string {
  metrics.snapshotsRefused.inc();
  logger.error({ snapshot, reason }, 'could not use a snapshot: trying the one before it');
  return `${snapshot}: ${reason}`;
}
