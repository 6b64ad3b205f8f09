/** Which messages of which shard were stamped ahead of the true time, and whether a shard has applied them already. */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import type { LogMessage } from '../../bus/log-message.ts';
import { scanLog } from '../../bus/log-scan.ts';
import { parseDecisionSubject, type Subjects } from '../../protocol/subjects.ts';
import { decodeMessages } from '../../workers/shard/decide-batch.ts';
import { type AheadRange, findAhead, undoubted, withoutSaid } from '../../workers/time/find-ahead.ts';
import { AHEAD_BOUND_MS } from '../../workers/time/log-time.ts';

export interface ShardRange extends AheadRange {
  readonly shard: number;
  /** The shard stands at the first of them or behind it: they are applied. */
  readonly isApplied: boolean;
}

export interface Search {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly subjects: Subjects;
  /** Where each shard stands. */
  readonly positions: readonly number[];
  /** Look at everything that the log holds, not only at what is not applied yet. */
  readonly whole: boolean;
  readonly now: number;
}

export async function findRanges(search: Search): Promise<ShardRange[]> {
  const { connection, jsm, subjects, positions, whole, now } = search;
  const { namespace, logStreams } = subjects;
  const shards = positions.length;
  const claims = positions.map((): { seq: number; at: number }[] => []);
  const clocks = positions.map((): LogMessage[] => []);
  for (const [index, stream] of logStreams.entries()) {
    const own = positions.filter((_position, shard) => shard % logStreams.length === index);
    const lowest = own.reduce((least, position) => Math.min(least, position), Number.MAX_SAFE_INTEGER);
    for await (const message of scanLog(connection, jsm, stream, whole ? 1 : lowest + 1)) {
      const shard = parseDecisionSubject(namespace, message.subject)?.shard;
      if (shard === undefined || (!whole && message.seq <= (positions[shard] ?? 0))) continue;
      if (message.subject === subjects.clocks(shard)) clocks[shard]?.push(message);
      // Of a long log only what is ahead is kept in mind.
      const [stamped] = undoubted(decodeMessages([message], { namespace, shard, shards }));
      if (stamped !== undefined && stamped.at > now + AHEAD_BOUND_MS) claims[shard]?.push(stamped);
    }
  }
  return positions.flatMap((position, shard) => {
    const said = decodeMessages(clocks[shard] ?? [], { namespace, shard, shards });
    const range = findAhead(withoutSaid(claims[shard] ?? [], said), now, AHEAD_BOUND_MS);
    return range === undefined ? [] : [{ ...range, shard, isApplied: position >= range.from }];
  });
}
