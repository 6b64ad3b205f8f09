/**
 * The shards: owned, not halted, moving. One moment tells a busy shard from a stalled one as little as it tells a
 * handover from a shard that nobody wants, so whatever looks wrong is looked at again for a while.
 */

import { sleep } from '../../lib/timers.ts';
import { least } from '../../protocol/lists.ts';
import { formatDuration } from '../durations.ts';
import { type Check, fail, ok, shardList, warn } from './check.ts';
import type { ShardLook } from './shard-look.ts';

export interface ShardEvidence {
  /** Which log each stream is; a shard is in one of them. */
  readonly logs: readonly string[];
  /** The last position of each, read after the second look. */
  readonly lastSeqs: readonly number[];
  /** By shard: the last message that its log held at the beginning. */
  readonly ends: readonly number[];
  readonly first: readonly ShardLook[];
  /** The same shards some seconds later, where the first look raised doubts. */
  readonly second: readonly ShardLook[];
}

/** Longer than a lease lasts by default: by then a shard that lost its worker has another one. */
const CERTAIN_WITHIN_MS = 4_000;
const AGAIN_MS = 100;

export interface EvidenceSources {
  readonly logs: readonly string[];
  readonly isAnyoneAlive: boolean;
  ends(): Promise<readonly number[]>;
  look(): Promise<readonly ShardLook[]>;
  lastSeqs(): Promise<readonly number[]>;
}

/** Looks again until nothing is in doubt, or the time is over. */
export async function gatherEvidence(sources: EvidenceSources): Promise<ShardEvidence> {
  const { logs, isAnyoneAlive } = sources;
  const ends = await sources.ends();
  const first = await sources.look();
  let second = first;
  const deadline = performance.now() + CERTAIN_WITHIN_MS;
  while (isAnyoneAlive && performance.now() < deadline) {
    if (!second.some((now) => isDoubtful(now, first[now.shard], ends))) break;
    await sleep(AGAIN_MS);
    second = await sources.look();
  }
  // Read last: what is applied by then was in the log before.
  return { logs, lastSeqs: await sources.lastSeqs(), ends, first, second };
}

/** Waiting can answer it: a shard that is halted will not change by itself. */
function isDoubtful(now: ShardLook, before: ShardLook | undefined, ends: readonly number[]): boolean {
  if (now.halted !== undefined) return false;
  return now.owner === undefined || isBehind(now, ends) || isOutboxStuck(now, before);
}

function isBehind({ shard, position }: ShardLook, ends: readonly number[]): boolean {
  return position < (ends[shard] ?? 0);
}

function isOutboxStuck(now: ShardLook, before: ShardLook | undefined): boolean {
  return now.oldestInOutbox !== undefined && now.oldestInOutbox === before?.oldestInOutbox;
}

export function shardChecks(evidence: ShardEvidence, now: number): Check[] {
  return [
    ownerCheck(evidence),
    haltedCheck(evidence),
    originCheck(evidence),
    positionCheck(evidence),
    outboxCheck(evidence),
    dueCheck(evidence, now),
  ];
}

function ownerCheck({ second }: ShardEvidence): Check {
  const unowned = second.filter(({ owner }) => owner === undefined).map(({ shard }) => shard);
  if (unowned.length > 0) return fail('shard-owners', `no worker owns ${shardList(unowned)}`);
  const owners = new Set(second.map(({ owner }) => owner));
  return ok(
    'shard-owners',
    `${second.length} shards on ${owners.size} ${owners.size === 1 ? 'worker' : 'workers'}`,
  );
}

function haltedCheck({ second }: ShardEvidence): Check {
  const halted = second.filter(({ halted }) => halted !== undefined);
  if (halted.length === 0) return ok('shard-halts', 'none is halted');
  const [one] = halted;
  return fail('shard-halts', `halted: ${shardList(halted.map(({ shard }) => shard))}: ${one?.halted}`);
}

/** State and log must belong together: a position in one log means nothing in another. */
function originCheck({ second, logs, lastSeqs }: ShardEvidence): Check {
  const name = 'shard-origins';
  const created = logs.join(', ');
  const foreign = second.filter(
    ({ shard, logIdentity }) => logIdentity !== undefined && logIdentity !== logs[shard % logs.length],
  );
  if (foreign.length > 0) {
    const shards = shardList(foreign.map(({ shard }) => shard));
    return fail(name, `the state of ${shards} comes from another log than this one, created ${created}`);
  }
  const beyond = second.filter(({ shard, position }) => position > (lastSeqs[shard % logs.length] ?? 0));
  if (beyond.length > 0) {
    const shards = shardList(beyond.map(({ shard }) => shard));
    return fail(
      name,
      `the state of ${shards} is ahead of the log, which ends at ${lastSeqs.join(', ')}: it was rolled back`,
    );
  }
  return ok(name, `the state comes from this log, created ${created}`);
}

function positionCheck({ first, second, ends }: ShardEvidence): Check {
  const name = 'shard-positions';
  const behind = second.filter((look) => isBehind(look, ends));
  if (behind.length === 0) return ok(name, 'all messages of the log are applied');
  const stalled = behind.filter(({ shard, position }) => position === first[shard]?.position);
  if (stalled.length === 0) return warn(name, `behind, but moving: ${placesOf(behind, ends)}`);
  return fail(name, `stalled: ${placesOf(stalled, ends)}`);
}

const MOST_PLACES = 8;

function placesOf(looks: readonly ShardLook[], ends: readonly number[]): string {
  const places = looks
    .slice(0, MOST_PLACES)
    .map(({ shard, position }) => `shard ${shard} at ${position} of ${ends[shard] ?? 0}`);
  const others = looks.length - places.length;
  return places.join(', ') + (others > 0 ? ` and ${others} more` : '');
}

function outboxCheck({ first, second }: ShardEvidence): Check {
  const waiting = second.reduce((sum, { outbox }) => sum + outbox, 0);
  const detail = `${waiting} ${waiting === 1 ? 'batch' : 'batches'} not confirmed as published`;
  const stuck = second.filter((look) => look !== first[look.shard] && isOutboxStuck(look, first[look.shard]));
  if (stuck.length === 0) return ok('outboxes', detail);
  const shards = shardList(stuck.map(({ shard }) => shard));
  return warn('outboxes', `${detail}; no progress on ${shards}: is the events stream full?`);
}

const OVERDUE_MS = 10_000;

function dueCheck({ second }: ShardEvidence, now: number): Check {
  const overdue = second.filter(({ dueAt }) => dueAt !== undefined && dueAt + OVERDUE_MS < now);
  if (overdue.length === 0) return ok('shard-dues', 'nothing is overdue');
  const since = least(overdue.map(({ dueAt }) => dueAt ?? now)) ?? now;
  const shards = shardList(overdue.map(({ shard }) => shard));
  return warn(
    'shard-dues',
    `entities that fell due ${formatDuration(now - since)} ago are not swept on ${shards}`,
  );
}
