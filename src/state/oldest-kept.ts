/**
 * The oldest of what some pools keep, for a Sweep: which they are is found by the indexes, how large they are is asked
 * before any is read, and no more is read than a worker can bear. Everything here is a function of what is stored, for a
 * Sweep removes what it is shown.
 */
import type { Task } from '../protocol/documents.ts';
import { type Entity, parseEntityRef } from '../protocol/entities.ts';
import type { ShardKeys } from './keys.ts';
import type { Redis } from './redis.ts';
import { pairs, parse } from './replies.ts';
import { OLDEST_BYTES, type OldestFound, type Remembered } from './shard-store.ts';

type Kind = 'finals' | 'ended';

interface Kept extends Remembered {
  readonly pool: string;
  readonly kind: Kind;
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
    const finals = new Map<string, Remembered[]>(pools.map((pool) => [pool, []]));
    const ended = new Map<string, Remembered[]>(pools.map((pool) => [pool, []]));
    const lists = { finals, ended };
    for (const { pool, kind, id, at } of page) lists[kind].get(pool)?.push({ id, at });
    const tasks: Task[] = [];
    const entities: Entity[] = [];
    for (const [i, json] of (await this.#documentsOf(page)).entries()) {
      if (json === null) continue;
      if (page[i]?.kind === 'finals') tasks.push(parse<Task>(json));
      else entities.push(parse<Entity>(json));
    }
    return { finals, ended, beyond: await this.#beyond(lists), tasks, entities };
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
      KINDS.map(async (kind) => {
        const key = this.#indexOf(pool, kind);
        const range = await this.#redis.zrangebyscore(key, '-inf', until, 'WITHSCORES', 'LIMIT', 0, most);
        return pairs(range).map(([id, at]) => ({ pool, kind, id, at: Number(at) }));
      }),
    );
    return (await Promise.all(ranges)).flat();
  }

  async #sizesOf(kept: readonly Kept[]): Promise<number[]> {
    const sizes: number[] = [];
    for (let i = 0; i < kept.length; i += DOCUMENTS_AT_ONCE) {
      const some = kept.slice(i, i + DOCUMENTS_AT_ONCE).map((one) => {
        const { hash, field } = this.#placeOf(one);
        return this.#redis.hstrlen(hash, field);
      });
      for (const size of await Promise.all(some)) sizes.push(size);
    }
    return sizes;
  }

  async #documentsOf(kept: readonly Kept[]): Promise<(string | null)[]> {
    const documents: (string | null)[] = [];
    for (let i = 0; i < kept.length; i += DOCUMENTS_AT_ONCE) {
      const some = kept.slice(i, i + DOCUMENTS_AT_ONCE).map((one) => {
        const { hash, field } = this.#placeOf(one);
        return this.#redis.hget(hash, field);
      });
      for (const json of await Promise.all(some)) documents.push(json);
      this.#onPiece();
    }
    return documents;
  }

  /** Where pools have more than is shown: when the next of it ended. */
  async #beyond(lists: Readonly<Record<Kind, ReadonlyMap<string, readonly Remembered[]>>>) {
    const beyond = { finals: new Map<string, number>(), ended: new Map<string, number>() };
    const asked = KINDS.flatMap((kind) =>
      [...lists[kind]].map(async ([pool, { length }]) => {
        const next = await this.#redis.zrange(
          this.#indexOf(pool, kind),
          String(length),
          String(length),
          'WITHSCORES',
        );
        if (next[1] !== undefined) beyond[kind].set(pool, Number(next[1]));
      }),
    );
    await Promise.all(asked);
    return beyond;
  }

  #indexOf(pool: string, kind: Kind): string {
    return kind === 'finals' ? this.#keys.finals(pool) : this.#keys.endedEntities(pool);
  }

  #placeOf({ pool, kind, id }: Kept): { readonly hash: string; readonly field: string } {
    const ref = kind === 'ended' ? parseEntityRef(id) : undefined;
    if (ref === undefined) return { hash: this.#keys.tasks(pool), field: id };
    return { hash: this.#keys.entities(pool, ref.kind), field: ref.id };
  }
}

const KINDS: readonly Kind[] = ['finals', 'ended'];

function byAge(a: Kept, b: Kept): number {
  if (a.at !== b.at) return a.at - b.at;
  if (a.pool !== b.pool) return a.pool < b.pool ? -1 : 1;
  if (a.kind !== b.kind) return a.kind === 'finals' ? -1 : 1;
  return a.id < b.id ? -1 : 1;
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
