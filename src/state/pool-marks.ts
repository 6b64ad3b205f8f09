/**
 * The marks that hold in a pool as queries read them: before the documents, so that what they end is either still stored and
 * seen as ended, or told and stored as such.
 */
import type { Deadline } from '../lib/deadline.ts';
import { type MarksOfPool, memberAsOf, taskAsOf } from '../protocol/as-of.ts';
import { COMMONS_POOL, type Member, type Pool, type Task, type TaskState } from '../protocol/documents.ts';
import { EVERYWHERE, type Fence, fenceKey, parseFenceKey } from '../protocol/marks.ts';
import { COMMONS } from '../protocol/names.ts';
import type { ShardKeys } from './keys.ts';
import type { Redis } from './redis.ts';
import { parse } from './replies.ts';

/** Documents of void claims that are read at once. They are as large as decisions. */
const CLAIMS_AT_ONCE = 16;
const MEMBERS_AT_ONCE = 500;
const HELD = ['assigned', 'running'] as const;
/** States in which nobody holds a task that has not ended. */
export const UNHELD = ['blocked', 'scheduled', 'pending'] as const;

/** Fields of the hash of fences in which those of an agent in a pool stand. */
export function fenceKeysOf(pool: string, agent: string): readonly [string, string] {
  return [fenceKey(pool, agent), fenceKey(EVERYWHERE, agent)];
}

/** Fences as they are stored, in the order of the log. */
export function inOrder(stored: readonly unknown[]): readonly Fence[] {
  const lists = stored.flatMap((json) => (typeof json === 'string' ? parse<Fence[]>(json) : []));
  return lists.sort((a, b) => a.place - b.place);
}

/** As the hash of a shard holds them: by their keys, as JSON. */
export type StoredFences = Readonly<Record<string, string>>;

/** The fences of one agent, in all pools of a shard. */
export interface FencesOfAgent {
  readonly in: (pool: string) => readonly Fence[];
}

export async function fencesOfAgent(redis: Redis, keys: ShardKeys, agent: string): Promise<FencesOfAgent> {
  const stored = await redis.hgetall(keys.fences);
  return { in: (pool) => inOrder(fenceKeysOf(pool, agent).map((key) => stored[key])) };
}

export class PoolMarks implements MarksOfPool {
  /** Undefined where there is no such pool. */
  readonly doc: Pool | undefined;
  /** The pool has its turn among those that owe consequences, whatever of. */
  readonly hasTurn: boolean;
  readonly #redis: Redis;
  readonly #keys: ShardKeys;
  readonly #pool: string;
  readonly #fences: ReadonlyMap<string, readonly Fence[]>;

  static async read(redis: Redis, keys: ShardKeys, pool: string): Promise<PoolMarks> {
    const [fences, turn, json] = await Promise.all([
      redis.hgetall(keys.fences),
      redis.hexists(keys.turns, pool),
      redis.hget(keys.pools, pool),
    ]);
    const doc = json === null ? (pool === COMMONS ? COMMONS_POOL : undefined) : parse<Pool>(json);
    return new PoolMarks(redis, keys, { pool, doc, hasTurn: turn === 1, fences });
  }

  /** Of what was read: `fences` are those of the shard. */
  constructor(
    redis: Redis,
    keys: ShardKeys,
    read: {
      readonly pool: string;
      readonly doc: Pool | undefined;
      readonly hasTurn: boolean;
      readonly fences: StoredFences;
    },
  ) {
    this.#redis = redis;
    this.#keys = keys;
    this.#pool = read.pool;
    this.doc = read.doc;
    this.hasTurn = read.hasTurn;
    this.#fences = fencesIn(read.pool, read.fences);
  }

  get closedAt(): number | undefined {
    return this.doc?.closedAt;
  }

  get areNone(): boolean {
    return this.#fences.size === 0;
  }

  fencesOf = (agent: string): readonly Fence[] => this.#fences.get(agent) ?? [];

  /** Where tasks stand that may be in one of these states, although they are stored in another. */
  sourcesOf(states: readonly TaskState[]): readonly string[] {
    const keys = this.#keys;
    const wanted = new Set(states);
    const isEnding = this.closedAt !== undefined && wanted.has('cancelled');
    const held = wanted.has('pending') || isEnding ? [...this.#fences.keys()] : [];
    return [
      ...held.flatMap((agent) => HELD.map((state) => keys.tasksOf(this.#pool, agent, state))),
      ...(isEnding ? UNHELD.map((state) => keys.tasksIn(this.#pool, state)) : []),
    ];
  }

  /** Memberships that are stored and void. */
  async countVoidMembers(): Promise<number> {
    const agents = [...this.#fences.keys()];
    let count = 0;
    for (let from = 0; from < agents.length; from += MEMBERS_AT_ONCE) {
      const some = agents.slice(from, from + MEMBERS_AT_ONCE);
      // biome-ignore lint/plugin/no-spread: MEMBERS_AT_ONCE
      for (const json of await this.#redis.hmget(this.#keys.members(this.#pool), ...some)) {
        if (json !== null && memberAsOf(parse<Member>(json), this) === undefined) count++;
      }
    }
    return count;
  }

  /** Tasks that are stored as held, by claims that are void: as they are stored, and as they are. */
  async *voidClaims(deadline: Deadline): AsyncGenerator<{ readonly stored: Task; readonly seen: Task }> {
    const keys = this.#keys;
    for (const agent of this.#fences.keys()) {
      for (const state of HELD) {
        const ids = await this.#redis.zrange(keys.tasksOf(this.#pool, agent, state), 0, '-1');
        for (let from = 0; from < ids.length; from += CLAIMS_AT_ONCE) {
          deadline.check();
          const some = ids.slice(from, from + CLAIMS_AT_ONCE);
          // biome-ignore lint/plugin/no-spread: CLAIMS_AT_ONCE
          for (const json of await this.#redis.hmget(keys.tasks(this.#pool), ...some)) {
            if (json === null) continue;
            const stored = parse<Task>(json);
            const seen = taskAsOf(stored, this);
            if (seen !== stored) yield { stored, seen };
          }
        }
      }
    }
  }

  /** Does anything follow here that has not been told? What a ban from everywhere voids is owed by no pool of its own. */
  async isOwing(deadline: Deadline): Promise<boolean> {
    if (this.hasTurn || (await this.countVoidMembers()) > 0) return true;
    for await (const _ of this.voidClaims(deadline)) return true;
    return false;
  }
}

/** By agent. */
function fencesIn(pool: string, stored: StoredFences): Map<string, readonly Fence[]> {
  const lists = new Map<string, string[]>();
  for (const [key, json] of Object.entries(stored)) {
    const { pool: where, agent } = parseFenceKey(key);
    if (where !== pool && where !== EVERYWHERE) continue;
    lists.set(agent, [...(lists.get(agent) ?? []), json]);
  }
  return new Map([...lists].map(([agent, list]) => [agent, inOrder(list)]));
}
