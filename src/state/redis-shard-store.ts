import { readFileSync } from 'node:fs';
import { ShardLostError } from '../lib/errors.ts';
import { type Ban, LIVE_STATES, type Member, type Pool, type Task } from '../protocol/documents.ts';
import {
  type Entity,
  type EntityKind,
  type EntityRef,
  type Group,
  parseEntityRef,
  type Retained,
} from '../protocol/entities.ts';
import { pushAll } from '../protocol/lists.ts';
import type { Fence } from '../protocol/marks.ts';
import type { Offer } from '../protocol/offers.ts';
import { standingSchema } from '../protocol/settings.ts';
import { stillNamed } from '../protocol/still-named.ts';
import { briefly } from './briefly.ts';
import { encodeCommit } from './encode-commit.ts';
import type { ShardKeys } from './keys.ts';
import { readKnownClock } from './known-clock.ts';
import { OldestKept } from './oldest-kept.ts';
import { NO_GUARD, Pages } from './pages.ts';
import { Reads } from './reads.ts';
import type { Redis } from './redis.ts';
import { parse } from './replies.ts';
import { ScriptWriter, type WriteSize } from './script-writer.ts';
import {
  type Found,
  type LoadGuard,
  type Lookup,
  OLDEST_BYTES,
  type RememberedOutcome,
  type ShardCommit,
  type ShardStore,
  type StoredPool,
  type StoredPosition,
  type StoredShard,
} from './shard-store.ts';

const SCRIPT = readFileSync(new URL('./commit.lua', import.meta.url), 'utf8');

export class RedisShardStore implements ShardStore {
  readonly #writer: ScriptWriter;
  readonly #reads: Redis;
  readonly #keys: ShardKeys;
  /** Called for each piece of the state that is read, as a sign of progress. */
  readonly #onPiece: () => void;
  readonly #oldest: OldestKept;

  /** Two connections: one for commits that never repeats a command, one for reads. */
  constructor(commits: Redis, reads: Redis, keys: ShardKeys, onPiece: () => void = () => undefined) {
    this.#onPiece = onPiece;
    this.#writer = new ScriptWriter(commits, SCRIPT);
    this.#reads = reads;
    this.#keys = keys;
    this.#oldest = new OldestKept(reads, keys, onPiece);
  }

  async position(): Promise<StoredPosition> {
    // biome-ignore lint/plugin/no-spread: three fields
    return positionOf(await this.#reads.hmget(this.#keys.meta, ...POSITION_FIELDS));
  }

  /** Where the shard stands, and log time there: of one moment. */
  async progress(): Promise<StoredPosition & { readonly now: number }> {
    // biome-ignore lint/plugin/no-spread: three fields
    const [now, ...position] = await this.#reads.hmget(this.#keys.meta, 'now', ...POSITION_FIELDS);
    return { ...positionOf(position), now: Number(now ?? 0) };
  }

  /** Reads everything, in pages; again, when another worker was still writing meanwhile. */
  async load(guard: LoadGuard = NO_GUARD): Promise<StoredShard> {
    for (;;) {
      const before = await this.position();
      guard.expect(Number((await this.#reads.hget(this.#keys.meta, 'bytes')) ?? 0));
      const pages = new Pages(this.#reads, () => {
        this.#onPiece();
        guard.page();
      });
      const shard = await this.#loadAt(before, pages);
      const after = await this.position();
      if (before.seq === after.seq && before.hash === after.hash) return shard;
    }
  }

  async #loadAt(position: StoredPosition, pages: Pages): Promise<StoredShard> {
    const keys = this.#keys;
    const [
      [now, clock, settings, outcomeBytes, endedBytes],
      names,
      sequences,
      count,
      oldest,
      bans,
      buckets,
      turns,
      fences,
    ] = await Promise.all([
      this.#reads.hmget(keys.meta, 'now', 'clock', 'settings', 'outcomeBytes', 'endedBytes'),
      this.#reads.zrange(keys.poolNames, 0, '-1'),
      this.#reads.hgetall(keys.sequences),
      this.#reads.llen(keys.outcomeOrder),
      this.#reads.lindex(keys.outcomeOrder, 0),
      this.#reads.hvals(keys.bans),
      this.#reads.hgetall(keys.buckets),
      this.#reads.hgetall(keys.turns),
      this.#reads.hgetall(keys.fences),
    ]);
    const stored: StoredPool[] = [];
    for (const doc of await pages.documents<Pool>(keys.pools, names)) {
      this.#onPiece();
      stored.push(await this.#loadPool(doc, Number(sequences[doc.pool] ?? 0), pages));
    }
    return {
      position,
      now: Number(now ?? 0),
      clock: readKnownClock(clock ?? undefined),
      settings: settings == null ? undefined : standingSchema.parse(JSON.parse(settings)),
      pools: stored,
      outcomes: {
        count,
        bytes: Number(outcomeBytes ?? 0),
        oldestAt: oldest === null ? undefined : parseRemembered(oldest).at,
      },
      bans: bans.map((json) => parse<Ban>(json)),
      buckets: new Map(Object.entries(buckets).map(([key, fullAt]) => [key, Number(fullAt)])),
      turns: new Map(Object.entries(turns).map(([pool, turn]) => [pool, Number(turn)])),
      endedBytes: Number(endedBytes ?? 0),
      fences: new Map(Object.entries(fences).map(([key, json]) => [key, parse<Fence[]>(json)])),
    };
  }

  async #loadPool(doc: Pool, sequence: number, pages: Pages): Promise<StoredPool> {
    const keys = this.#keys;
    const { pool } = doc;
    const [agents, offers, tasks, collective, refs, ...ids] = await Promise.all([
      this.#reads.zrange(keys.memberNames(pool), 0, '-1'),
      this.#reads.zrange(keys.offerNames(pool), 0, '-1'),
      this.#retained(pool, 'tasks'),
      this.#retained(pool, 'collective'),
      this.#reads.zrange(keys.liveEntities(pool), 0, '-1'),
      ...LIVE_STATES.map((state) => this.#reads.zrange(keys.entitiesIn(pool, 'task', state), 0, '-1')),
    ]);
    const entities: Entity[] = await pages.documents<Task>(keys.entities(pool, 'task'), ids.flat());
    pushAll(
      entities,
      await this.#entities(
        pool,
        refs.flatMap((ref) => parseEntityRef(ref) ?? []),
        pages,
      ),
    );
    pushAll(entities, await this.#entities(pool, stillNamed(entities), pages));
    return {
      doc,
      sequence,
      members: await pages.documents<Member>(keys.members(pool), agents),
      offers: await pages.documents<Offer>(keys.offers(pool), offers),
      entities,
      retained: { tasks, collective },
    };
  }

  async #entities(pool: string, refs: readonly EntityRef[], pages: Pages): Promise<Entity[]> {
    const entities: Entity[] = [];
    for (const [kind, ids] of idsByKind(refs))
      pushAll(entities, await pages.documents<Entity>(this.#keys.entities(pool, kind), ids));
    return entities;
  }

  async #retained(pool: string, group: Group): Promise<Retained> {
    const key = this.#keys.ended(pool, group);
    const [count, oldest] = await Promise.all([
      this.#reads.zcard(key),
      this.#reads.zrange(key, 0, '0', 'WITHSCORES'),
    ]);
    return { count, oldestAt: oldest[1] === undefined ? undefined : Number(oldest[1]) };
  }

  /**
   * One write to Redis for all of it where nothing is found, as for most that is new: at a low rate a batch is a decision or two, and
   * writes are what it costs. What is found is read in pieces, each as large as a worker can bear.
   */
  async lookup(wanted: Lookup): Promise<Found> {
    const reads = new Reads(this.#reads);
    const sized = [...wanted.entities].flatMap(([pool, refs]) =>
      [...idsByKind(refs)].map(([kind, ids]) => this.#sizesBy(reads, this.#keys.entities(pool, kind), ids)),
    );
    // Behind the others: had anyone written before one of them was read, it would say so.
    const asked = [this.#outcomesBy(reads, wanted.outcomes), this.#positionBy(reads), reads.send()] as const;
    const [[outcomes, position], places] = await Promise.all([Promise.all(asked), Promise.all(sized)]);
    const found = places.flat();
    if (found.length === 0) return { outcomes, entities: [], position };
    const entities: Entity[] = [];
    for (const piece of piecesOf(found)) {
      this.#onPiece();
      for (const json of await this.#documentsAt(piece))
        if (json !== null) entities.push(briefly(parse<Entity>(json)));
    }
    return { outcomes, entities, position: await this.position() };
  }

  /** Of those that there are. */
  async #sizesBy(reads: Reads, hash: string, ids: readonly string[]): Promise<Sized[]> {
    const sizes = await reads.sizes(hash, ids);
    return ids.flatMap((id, i) => {
      const bytes = sizes[i] ?? 0;
      return bytes === 0 ? [] : [{ hash, id, bytes }];
    });
  }

  async #documentsAt(piece: readonly Sized[]): Promise<(string | null)[]> {
    const reads = new Reads(this.#reads);
    const fields = [...byHash(piece)].map(([hash, ids]) => reads.fields(hash, ids));
    const [documents] = await Promise.all([Promise.all(fields), reads.send()]);
    return documents.flat();
  }

  async #positionBy(reads: Reads): Promise<StoredPosition> {
    return positionOf(await reads.fields(this.#keys.meta, POSITION_FIELDS));
  }

  async outcomes(wanted: readonly string[]): Promise<Map<string, string>> {
    const reads = new Reads(this.#reads);
    const outcomes = this.#outcomesBy(reads, wanted);
    return (await Promise.all([outcomes, reads.send()]))[0];
  }

  async #outcomesBy(reads: Reads, wanted: readonly string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const [recent, receipts] = await Promise.all([
      reads.fields(this.#keys.outcomes, wanted),
      reads.fields(this.#keys.receipts, wanted),
    ]);
    for (const [i, key] of wanted.entries()) {
      const json = recent[i] ?? receipts[i];
      if (json != null) found.set(key, json);
    }
    return found;
  }

  async oldest(pools: readonly string[], most: number, outcomes: number): ReturnType<ShardStore['oldest']> {
    const kept = await this.#oldest.read(pools, most);
    const order = outcomes === 0 ? [] : await this.#reads.lrange(this.#keys.outcomeOrder, 0, outcomes - 1);
    const position = pools.length === 0 && outcomes === 0 ? undefined : await this.position();
    return { ...kept, position, outcomes: order.map(parseRemembered) };
  }

  async commit(commit: ShardCommit): Promise<WriteSize> {
    const { answer, size } = await this.#writer.write(encodeCommit(this.#keys, commit));
    if (answer === 'moved') {
      throw new ShardLostError(`the shard is no longer at position ${commit.expected.seq}`);
    }
    return size;
  }

  async unpublished(): Promise<{ seq: number; payload: string }[]> {
    const entries = Object.entries(await this.#reads.hgetall(this.#keys.outbox));
    return entries.map(([seq, payload]) => ({ seq: Number(seq), payload })).sort((a, b) => a.seq - b.seq);
  }

  async clearPublished(positions: readonly number[]): Promise<void> {
    if (positions.length > 0)
      await this.#reads.call('HDEL', [this.#keys.outbox].concat(positions.map(String)));
  }

  async setHalted(reason: string | undefined): Promise<void> {
    if (reason === undefined) await this.#reads.del(this.#keys.halted);
    else await this.#reads.set(this.#keys.halted, reason);
  }
}

function parseRemembered(entry: string): RememberedOutcome {
  const [at, bytes, id = ''] = entry.split('|', 3);
  return { id, at: Number(at), bytes: Number(bytes) };
}

const POSITION_FIELDS = ['seq', 'hash', 'log'] as const;

function positionOf([seq, hash, log]: readonly (string | null)[]): StoredPosition {
  return { seq: Number(seq ?? 0), hash: hash ?? undefined, logIdentity: log ?? undefined };
}

/** A document that is there, and how large it is. */
interface Sized {
  readonly hash: string;
  readonly id: string;
  readonly bytes: number;
}

/** Each no larger than {@link OLDEST_BYTES}, unless a single one is. */
function piecesOf(all: readonly Sized[]): readonly (readonly Sized[])[] {
  const pieces: Sized[][] = [];
  let left = 0;
  for (const one of all) {
    if (one.bytes > left || pieces.length === 0) {
      pieces.push([]);
      left = OLDEST_BYTES;
    }
    pieces.at(-1)?.push(one);
    left -= one.bytes;
  }
  return pieces;
}

function byHash(all: readonly Sized[]): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const { hash, id } of all) {
    const known = ids.get(hash);
    if (known === undefined) ids.set(hash, [id]);
    else known.push(id);
  }
  return ids;
}

function idsByKind(refs: readonly EntityRef[]): Map<EntityKind, string[]> {
  const byKind = new Map<EntityKind, string[]>();
  for (const { kind, id } of refs) {
    const ids = byKind.get(kind);
    if (ids === undefined) byKind.set(kind, [id]);
    else ids.push(id);
  }
  return byKind;
}
