/**
 * The oldest of what some pools keep, for a Sweep: which they are is found by the indexes, how large they are is asked
 * before any is read, and no more is read than a worker can bear. Everything here is a function of what is stored, for a
 * Sweep removes what it is shown.
 */
import { type Entity, GROUPS, KINDS, ofGroups } from '../protocol/entities.ts';
import { endedMember, parseEndedMember, type ShardKeys } from './keys.ts';
import type { Redis } from './redis.ts';
import { pairs, parse } from './replies.ts';
import { OLDEST_BYTES, type OldestFound, type Remembered } from './shard-store.ts';

interface Kept extends Remembered {
  readonly pool: string;
}

/** Pools whose indexes are read together. They begin with one, which says how far back the others have to be read. */
const MOST_POOLS_AT_ONCE = 16;
const DOCUMENTS_AT_ONCE = 500;

export class OldestKept {
  readonly #redis: Redis;
  readonly #keys: ShardKeys;
  readonly #onPiece: () => void;

  constructor(redis: Redis, keys: ShardKeys, onPiece: () => void) {
    this.#redis = redis;
    this.#keys = keys;
    this.#onPiece = onPiece;
  }

  async read(pools: readonly string[], most: number): Promise<Omit<OldestFound, 'position' | 'outcomes'>> {
    const kept = await this.#firstOf(pools, most);
    const page = kept.slice(0, fitting(await this.#sizesOf(kept)));
    const ended = ofGroups(() => new Map<string, Remembered[]>(pools.map((pool) => [pool, []])));
    for (const { pool, kind, id, at } of page) ended[KINDS[kind].group].get(pool)?.push({ kind, id, at });
    const documents = await this.#documentsOf(page);
    const entities = documents.flatMap((json) => (json === null ? [] : parse<Entity>(json)));
    return { ended, beyond: await this.#beyond(ended), entities };
  }

  /** Of all pools together, oldest first. */
  async #firstOf(pools: readonly string[], most: number): Promise<readonly Kept[]> {
    let first: Kept[] = [];
    let together = 1;
    for (let at = 0; at < pools.length; at += together) {
      if (at > 0) together = Math.min(MOST_POOLS_AT_ONCE, 2 * together);
      const some = pools.slice(at, at + together);
      const until = first.length < most ? '+inf' : String(first.at(-1)?.at ?? '+inf');
      first = first.concat(await this.#untilIn(some, until, most));
      first = first.sort(byAge).slice(0, most);
      this.#onPiece();
    }
    return first;
  }

  async #untilIn(pools: readonly string[], until: string, most: number): Promise<Kept[]> {
    const ranges = pools.flatMap((pool) =>
      GROUPS.map(async (group) => {
        const key = this.#keys.ended(pool, group);
        const range = await this.#redis.zrangebyscore(key, '-inf', until, 'WITHSCORES', 'LIMIT', 0, most);
        return pairs(range).flatMap(([member, at]) => {
          const ref = parseEndedMember(group, member);
          return ref === undefined ? [] : { pool, ...ref, at: Number(at) };
        });
      }),
    );
    return (await Promise.all(ranges)).flat();
  }

  async #sizesOf(kept: readonly Kept[]): Promise<number[]> {
    const sizes: number[] = [];
    for (let i = 0; i < kept.length; i += DOCUMENTS_AT_ONCE) {
      const some = kept
        .slice(i, i + DOCUMENTS_AT_ONCE)
        .map(({ pool, kind, id }) => this.#redis.hstrlen(this.#keys.entities(pool, kind), id));
      for (const size of await Promise.all(some)) sizes.push(size);
    }
    return sizes;
  }

  async #documentsOf(kept: readonly Kept[]): Promise<(string | null)[]> {
    const documents: (string | null)[] = [];
    for (let i = 0; i < kept.length; i += DOCUMENTS_AT_ONCE) {
      const some = kept
        .slice(i, i + DOCUMENTS_AT_ONCE)
        .map(({ pool, kind, id }) => this.#redis.hget(this.#keys.entities(pool, kind), id));
      for (const json of await Promise.all(some)) documents.push(json);
      this.#onPiece();
    }
    return documents;
  }

  /** Where pools have more than is shown: when the next of it ended. */
  async #beyond(ended: OldestFound['ended']): Promise<OldestFound['beyond']> {
    const beyond = ofGroups(() => new Map<string, number>());
    const asked = GROUPS.flatMap((group) =>
      [...ended[group]].map(async ([pool, { length }]) => {
        const next = await this.#redis.zrange(
          this.#keys.ended(pool, group),
          String(length),
          String(length),
          'WITHSCORES',
        );
        if (next[1] !== undefined) beyond[group].set(pool, Number(next[1]));
      }),
    );
    await Promise.all(asked);
    return beyond;
  }
}

/** As the indexes say it: by time, pool, tasks before the rest, and their names. */
function byAge(a: Kept, b: Kept): number {
  if (a.at !== b.at) return a.at - b.at;
  if (a.pool !== b.pool) return a.pool < b.pool ? -1 : 1;
  const [groupOfA, groupOfB] = [KINDS[a.kind].group, KINDS[b.kind].group];
  if (groupOfA !== groupOfB) return groupOfA === 'tasks' ? -1 : 1;
  return endedMember(a) < endedMember(b) ? -1 : 1;
}

/** How many of the first are no larger than {@link OLDEST_BYTES} together; one at least. */
function fitting(sizes: readonly number[]): number {
  let bytes = 0;
  const end = sizes.findIndex((size, i) => {
    bytes += size;
    return i > 0 && bytes > OLDEST_BYTES;
  });
  return end === -1 ? sizes.length : end;
}
