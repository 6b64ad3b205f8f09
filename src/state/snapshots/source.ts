/** Reads what a snapshot keeps of a shard, in bounded pieces, while the shard is being written. */
import { ENTITY_KINDS, type EntityKind, KINDS } from '../../protocol/entities.ts';
import type { ShardKeys } from '../keys.ts';
import type { Redis } from '../redis.ts';
import { pairs } from '../replies.ts';
import { entityOf, type KeptRecord, partsOf, type RecordId, recordId } from './records.ts';

/** Fields read at once, and of entities by group: an auction can have several hundred KB. */
const PIECE = 500;
const PIECE_OF_ENTITIES = { tasks: PIECE, collective: 16 };
/** Of how many pools everything is counted: it is one round trip, in which the shard waits. */
const COUNTED_POOLS = 500;

export interface SnapshotEnd {
  /** The shard's own hash, read before and after all else. */
  readonly before: Readonly<Record<string, string>>;
  readonly after: Readonly<Record<string, string>>;
  readonly records: readonly KeptRecord[];
  readonly outbox: readonly KeptRecord[];
  readonly counts: Readonly<Record<string, number>>;
}

export class SnapshotSource {
  readonly #redis: Redis;
  readonly #keys: ShardKeys;

  constructor(redis: Redis, keys: ShardKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** Everything there is; of what is written meanwhile each thing may be from before or after, or missing. */
  async *everything(): AsyncGenerator<KeptRecord[]> {
    const keys = this.#keys;
    const pools: string[] = [];
    for await (const found of this.#scan(keys.pools, recordId.pool, PIECE)) {
      for (const { id } of found) pools.push(id.slice(2));
      yield found;
    }
    yield* this.#scan(keys.sequences, recordId.sequence, PIECE);
    yield* this.#scan(keys.bans, recordId.ban, PIECE);
    yield* this.#scan(keys.buckets, recordId.bucket, PIECE);
    yield* this.#scan(keys.turns, recordId.turn, PIECE);
    yield* this.#scan(keys.fences, recordId.fence, PIECE);
    yield* this.#scan(keys.outcomes, recordId.outcome, PIECE);
    for await (const found of this.#scan(keys.receipts, recordId.receipt, PIECE)) {
      yield await this.#withCounts(found);
    }
    for (const pool of pools) {
      yield* this.#scan(keys.members(pool), (agent) => recordId.member(pool, agent), PIECE);
      yield* this.#scan(keys.offers(pool), (key) => recordId.offer(pool, key), PIECE);
      for (const kind of ENTITY_KINDS) {
        const key = keys.entities(pool, kind);
        const piece = PIECE_OF_ENTITIES[KINDS[kind].group];
        yield* this.#scan(key, (id) => recordId.entity(pool, kind, id), piece);
      }
    }
  }

  /** These as they stand now; without a value where there is none. */
  async records(ids: readonly RecordId[]): Promise<KeptRecord[]> {
    const byHash = new Map<string, { readonly field: string; readonly id: RecordId }[]>();
    for (const id of ids) {
      const place = this.#placeOf(id);
      const others = byHash.get(place.hash);
      if (others === undefined) byHash.set(place.hash, [{ field: place.field, id }]);
      else others.push({ field: place.field, id });
    }
    const read = await Promise.all([...byHash].map(([hash, wanted]) => this.#read(hash, wanted)));
    const { receipts } = this.#keys;
    return (
      await Promise.all(
        [...byHash.keys()].map((hash, i) =>
          hash === receipts ? this.#withCounts(read[i] ?? []) : (read[i] ?? []),
        ),
      )
    ).flat();
  }

  /** The last of it: what is left to read, what is owed, and the shard's own hash around it. */
  async end(ids: readonly RecordId[]): Promise<SnapshotEnd> {
    const keys = this.#keys;
    const before = await this.#redis.hgetall(keys.meta);
    const [records, owed, counts] = await Promise.all([
      this.records(ids),
      this.#redis.hgetall(keys.outbox),
      this.#counts(),
    ]);
    const outbox = Object.entries(owed).map(([seq, payload]) => ({
      id: recordId.outbox(seq),
      value: JSON.stringify(payload),
    }));
    return { before, after: await this.#redis.hgetall(keys.meta), records, outbox, counts };
  }

  async *#scan(key: string, idOf: (field: string) => RecordId, count: number): AsyncGenerator<KeptRecord[]> {
    let cursor = '0';
    do {
      const [next, flat] = await this.#redis.hscan(key, cursor, 'COUNT', count);
      if (flat.length > 0) yield pairs(flat).map(([field, value]) => ({ id: idOf(field), value }));
      cursor = next;
    } while (cursor !== '0');
  }

  async #read(
    hash: string,
    wanted: readonly { readonly field: string; readonly id: RecordId }[],
  ): Promise<KeptRecord[]> {
    const records: KeptRecord[] = [];
    for (let i = 0; i < wanted.length; i += PIECE) {
      const piece = wanted.slice(i, i + PIECE);
      // biome-ignore lint/plugin/no-spread: PIECE
      const values = await this.#redis.hmget(hash, ...piece.map(({ field }) => field));
      for (const [at, { id }] of piece.entries()) records.push({ id, value: values[at] ?? undefined });
    }
    return records;
  }

  /** A receipt goes with the number of things that are left of it. Read apart, one can be missing: it was touched then. */
  async #withCounts(receipts: readonly KeptRecord[]): Promise<KeptRecord[]> {
    if (receipts.length === 0) return [];
    const counts: (string | null)[] = [];
    for (let i = 0; i < receipts.length; i += PIECE) {
      const fields = receipts.slice(i, i + PIECE).map(({ id }) => id.slice(2));
      // biome-ignore lint/plugin/no-spread: PIECE
      for (const count of await this.#redis.hmget(this.#keys.receiptCounts, ...fields)) counts.push(count);
    }
    return receipts.map(({ id, value }, i) => {
      const count = counts[i];
      return { id, value: value === undefined || count == null ? undefined : `${count} ${value}` };
    });
  }

  async #counts(): Promise<Record<string, number>> {
    const keys = this.#keys;
    const names = await this.#redis.hkeys(keys.pools);
    const ofShard = {
      S: keys.sequences,
      O: keys.outcomes,
      R: keys.receipts,
      N: keys.bans,
      K: keys.buckets,
      W: keys.turns,
      F: keys.fences,
    };
    const counted = Object.entries(ofShard).map(
      async ([kind, key]) => [kind, await this.#redis.hlen(key)] as const,
    );
    const counts = { P: names.length, ...Object.fromEntries(await Promise.all(counted)) };
    if (names.length > COUNTED_POOLS) return counts;
    const others = ENTITY_KINDS.filter((kind) => kind !== 'task');
    const all = (kinds: readonly EntityKind[]) =>
      this.#sum(names.flatMap((pool) => kinds.map((kind) => keys.entities(pool, kind))));
    const [members, offers, tasks, entities] = await Promise.all([
      this.#sum(names.map((pool) => keys.members(pool))),
      this.#sum(names.map((pool) => keys.offers(pool))),
      all(['task']),
      all(others),
    ]);
    return { ...counts, M: members, A: offers, T: tasks, E: entities };
  }

  async #sum(hashes: readonly string[]): Promise<number> {
    const lengths = await Promise.all(hashes.map((hash) => this.#redis.hlen(hash)));
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  #placeOf(id: RecordId): { hash: string; field: string } {
    const keys = this.#keys;
    const { kind, words } = partsOf(id);
    const [first = '', second = ''] = words;
    switch (kind) {
      case 'P':
        return { hash: keys.pools, field: first };
      case 'S':
        return { hash: keys.sequences, field: first };
      case 'M':
        return { hash: keys.members(first), field: second };
      case 'A':
        return { hash: keys.offers(first), field: second };
      case 'T':
      case 'E': {
        const { pool, kind: ofEntity, id: field } = entityOf(kind, words);
        return { hash: keys.entities(pool, ofEntity), field };
      }
      case 'O':
        return { hash: keys.outcomes, field: first };
      case 'R':
        return { hash: keys.receipts, field: first };
      case 'B':
        return { hash: keys.outbox, field: first };
      case 'N':
        return { hash: keys.bans, field: first };
      case 'K':
        return { hash: keys.buckets, field: first };
      case 'W':
        return { hash: keys.turns, field: first };
      case 'F':
        return { hash: keys.fences, field: first };
    }
  }
}
