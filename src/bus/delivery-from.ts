import { type ConsumerConfig, DeliverPolicy } from '@nats-io/jetstream';
import { shardOf } from '../protocol/shard.ts';
import type { Subjects } from '../protocol/subjects.ts';

/**
 * Where a consumer of events begins: with the message at a position, or what was stored at a time or later. Neither: with
 * the next one that is stored.
 */
export function deliveryFrom(
  next: number | undefined,
  since: number | undefined,
): Pick<ConsumerConfig, 'deliver_policy'> & Partial<ConsumerConfig> {
  if (next !== undefined) return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: next };
  if (since === undefined) return { deliver_policy: DeliverPolicy.New };
  if (since <= 0) return { deliver_policy: DeliverPolicy.All };
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(since).toISOString() };
}

/** The packs of one pool; of all where none is named. A server takes no filter that is wider than a subject of the stream. */
export function poolFilter(
  subjects: Subjects,
  shards: number,
  pool: string | undefined,
): Pick<ConsumerConfig, 'filter_subject'> {
  return pool === undefined ? {} : { filter_subject: subjects.events(shardOf(pool, shards), pool) };
}
