/**
 * How agents stand to a pool, as it is stored: what queries ask before they read anything else of it. Always the same
 * reads in one round trip, whether there is such a pool or not, so that the time of the answer does not tell.
 */

import { memberAsOf } from '../protocol/as-of.ts';
import type { Delegation } from '../protocol/delegations.ts';
import { COMMONS_POOL, type Member, type Pool, presenceEnds } from '../protocol/documents.ts';
import { COMMONS } from '../protocol/names.ts';
import { shardOf } from '../protocol/shard.ts';
import type { Standing } from '../protocol/visibility.ts';
import { type ShardKeys, shardKeys } from './keys.ts';
import { fenceKeysOf, inOrder } from './pool-marks.ts';
import { Reads } from './reads.ts';
import type { Redis } from './redis.ts';
import { parse } from './replies.ts';

/** Delegations to one agent in a pool that are looked at: those that were granted first. */
const MOST_DELEGATIONS = 64;

export interface PoolStanding extends Standing {
  readonly doc: Pool | undefined;
  /** Log time of the shard: by it presence lapses and delegations expire, as in decisions. */
  readonly now: number;
  /** Live delegations by which the agent may act for others in the pool, in order of granting. */
  readonly delegatedTo: readonly string[];
}

type Replies = readonly (readonly [error: Error | null, reply: unknown])[];

export class PoolStandings {
  readonly #redis: Redis;
  readonly #namespace: string;
  readonly #shards: number;

  constructor(redis: Redis, namespace: string, shards: number) {
    this.#redis = redis;
    this.#namespace = namespace;
    this.#shards = shards;
  }

  async standing(pool: string, agent: string): Promise<PoolStanding> {
    const keys = this.#keysOf(pool);
    const asked = this.#redis.pipeline();
    // Before the membership that they may void: what is told meanwhile is gone from both.
    // biome-ignore lint/plugin/no-spread: two keys
    asked.hmget(keys.fences, ...fenceKeysOf(pool, agent));
    asked.hget(keys.pools, pool);
    asked.hget(keys.members(pool), agent);
    asked.hexists(keys.bans, agent);
    asked.zrange(keys.delegatedTo(pool, agent), 0, String(MOST_DELEGATIONS - 1));
    asked.hget(keys.meta, 'now');
    const [fences, docJson, memberJson, ban, delegatedTo, at] = repliesOf(await asked.exec());
    const now = Number(at ?? 0);
    const doc = typeof docJson === 'string' ? parse<Pool>(docJson) : implicit(pool);
    const stored = typeof memberJson === 'string' ? parse<Member>(memberJson) : undefined;
    const member =
      stored && memberAsOf(stored, { fencesOf: () => inOrder(Array.isArray(fences) ? fences : []) });
    return {
      doc,
      now,
      isMember: member !== undefined && (presenceEnds(member) ?? Number.POSITIVE_INFINITY) > now,
      isBanned: ban === 1 || doc?.banned?.includes(agent) === true,
      delegatedTo: Array.isArray(delegatedTo) ? delegatedTo.map(String) : [],
    };
  }

  /** Documents of delegations, without those that there are not. */
  async delegations(pool: string, ids: readonly string[]): Promise<readonly Delegation[]> {
    if (ids.length === 0) return [];
    const reads = new Reads(this.#redis);
    const found = reads.documents<Delegation>(this.#keysOf(pool).entities(pool, 'delegation'), ids);
    return (await Promise.all([found, reads.send()]))[0];
  }

  #keysOf(pool: string): ShardKeys {
    return shardKeys(this.#namespace, shardOf(pool, this.#shards));
  }
}

/** `commons` exists without having been created. */
function implicit(pool: string): Pool | undefined {
  return pool === COMMONS ? COMMONS_POOL : undefined;
}

function repliesOf(replies: Replies | null): readonly unknown[] {
  return (replies ?? []).map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
}
