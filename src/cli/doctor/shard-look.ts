/** How one shard stands at one moment: what its log holds and what has become of it. */

import type { JetStreamManager } from '@nats-io/jetstream';
import { messageOfStream } from '../../bus/whole-stream.ts';
import { least } from '../../protocol/lists.ts';
import { memoryBounds } from '../../protocol/memory.ts';
import { DEFAULT_SETTINGS, type Standing, standingSchema } from '../../protocol/settings.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { shardKeys } from '../../state/keys.ts';
import { workerNameOf } from '../../state/lease.ts';
import type { Redis } from '../../state/redis.ts';

export interface ShardLook {
  readonly shard: number;
  /** Last message of the log that is applied; 0 before the first. */
  readonly position: number;
  /** Creation time of the log that the state comes from. */
  readonly logIdentity: string | undefined;
  readonly owner: string | undefined;
  readonly halted: string | undefined;
  /** Batches whose publication is not confirmed, and where the oldest of them stands. */
  readonly outbox: number;
  readonly oldestInOutbox: number | undefined;
  /** Since when something is due that no sweep has settled, milliseconds since the epoch. */
  readonly dueAt: number | undefined;
  /** The shard's own time. */
  readonly at: number;
  /** Pools that owe consequences. */
  readonly owing: number;
  /** Live bytes of the shard, and their limit. */
  readonly bytes: number;
  readonly mostBytes: number;
  /** It accepts nothing more that adds to it. */
  readonly isPressed: boolean;
  /** Owners that vanished before they had done anything with it. */
  readonly strikes: number;
}

export async function lookAtShards(
  redis: Redis,
  namespace: string,
  shards: readonly number[],
): Promise<ShardLook[]> {
  return await Promise.all(shards.map((shard) => lookAt(redis, namespace, shard)));
}

async function lookAt(redis: Redis, namespace: string, shard: number): Promise<ShardLook> {
  const keys = shardKeys(namespace, shard);
  const [[seq, log, due, now, bytes, settings], owner, halted, outbox, owing, strikes] = await Promise.all([
    redis.hmget(keys.meta, 'seq', 'log', 'due', 'now', 'bytes', 'settings'),
    redis.get(keys.lease),
    redis.get(keys.halted),
    redis.hkeys(keys.outbox),
    redis.hlen(keys.turns),
    redis.hget(keys.taken, 'strikes'),
  ]);
  const standing = standingOf(settings ?? undefined);
  return {
    shard,
    position: Number(seq ?? 0),
    at: Number(now ?? 0),
    logIdentity: log ?? undefined,
    owner: owner === null ? undefined : workerNameOf(owner),
    halted: halted ?? undefined,
    outbox: outbox.length,
    oldestInOutbox: least(outbox.map(Number)),
    dueAt: due == null || due === '' ? undefined : Number(due),
    owing,
    bytes: Number(bytes ?? 0),
    mostBytes: memoryBounds(standing).shardBytes,
    isPressed: standing.pressure === true,
    strikes: Number(strikes ?? 0),
  };
}

/** A newer build's settings may be others: then those that hold by default are shown. */
function standingOf(text: string | undefined): Standing {
  const found = text === undefined ? undefined : standingSchema.safeParse(JSON.parse(text)).data;
  return found ?? DEFAULT_SETTINGS;
}

const AT_ONCE = 64;

/** The last message of each shard; 0 where its log holds none. */
export async function endsOfShards(
  jsm: JetStreamManager,
  subjects: Subjects,
  shards: number,
): Promise<number[]> {
  const ends: number[] = [];
  for (let first = 0; first < shards; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, shards - first) }, (_, i) => first + i);
    ends.push(
      // biome-ignore lint/plugin/no-spread: AT_ONCE
      ...(await Promise.all(
        some.map(async (shard) => {
          const subject = subjects.shardLog(shard);
          const query = { last_by_subj: subject };
          const message = await messageOfStream(jsm, subjects.logOf(shard), query);
          return message?.seq ?? 0;
        }),
      )),
    );
  }
  return ends;
}
