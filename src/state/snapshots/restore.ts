/**
 * Puts a shard back into the store from the records of a snapshot. While that goes on the shard stands at position -1,
 * under the token of the restoring worker: no commit matches it, and another restore takes it over. The true position is
 * written last, so that a restoration that broke off is never taken for a state.
 */
import { readFileSync } from 'node:fs';
import { ShardLostError, SnapshotDamagedError } from '../../lib/errors.ts';
import type { DocumentChange, EntityChange } from '../../protocol/document-change.ts';
import { claimClass, isClaimable, type Member, type Pool } from '../../protocol/documents.ts';
import type { Entities, EntityKind } from '../../protocol/entities.ts';
import type { Offer } from '../../protocol/offers.ts';
import type { SnapshotSummary } from '../../protocol/snapshots.ts';
import { keysLike } from '../digest.ts';
import { writeKept } from '../documents-to-writes.ts';
import { writeFences } from '../fence-writes.ts';
import { classHash, rememberedEntry, type ShardKeys } from '../keys.ts';
import { Operations } from '../operations.ts';
import type { Redis } from '../redis.ts';
import { parse } from '../replies.ts';
import { ScriptWriter } from '../script-writer.ts';
import type { StoredPosition } from '../shard-store.ts';
import { entityOf, type KeptRecord, partsOf, type RecordId, type RecordKind } from './records.ts';
import type { SnapshotSource } from './source.ts';

const SCRIPT = readFileSync(new URL('./restore.lua', import.meta.url), 'utf8');
/** Takes the shard out of whatever state it was seen in. */
const BEGIN = `
local held = redis.call('HMGET', KEYS[1], 'seq', 'hash')
if (held[1] or '0') ~= ARGV[1] or (held[2] or '') ~= ARGV[2] then return 'moved' end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'seq', '-1', 'hash', ARGV[3])
return 'written'`;

const PIECE = 500;
const PIECE_CHARS = 1_000_000;
const KEYS_AT_ONCE = 500;

interface Remembered {
  readonly seq: number;
  readonly entry: string;
}

export class ShardRestore {
  readonly #redis: Redis;
  readonly #writer: ScriptWriter;
  readonly #keys: ShardKeys;
  readonly #source: SnapshotSource;
  readonly #token: string;
  /** The order of outcomes is that of the log, which stands in each. */
  readonly #outcomes = new Map<string, Remembered>();
  /** Pool → claim classes that its tasks had. */
  readonly #classes = new Map<string, Set<string>>();
  #waiting: KeptRecord[] = [];
  #waitingChars = 0;
  /** From the first replacement on what stands in the store already has to be looked at. */
  #isReplacing = false;

  /** Begins where the shard was seen to stand. Throws {@link ShardLostError} when it does not stand there any more. */
  static async begin(
    redis: Redis,
    keys: ShardKeys,
    source: SnapshotSource,
    seen: StoredPosition,
    token: string,
  ): Promise<ShardRestore> {
    const answer = await redis.eval(BEGIN, 1, keys.meta, String(seen.seq), seen.hash ?? '', token);
    if (answer !== 'written') throw new ShardLostError('another worker is writing or restoring the shard');
    const restore = new ShardRestore(redis, keys, source, token);
    await restore.#clear();
    return restore;
  }

  private constructor(redis: Redis, keys: ShardKeys, source: SnapshotSource, token: string) {
    this.#redis = redis;
    this.#writer = new ScriptWriter(redis, SCRIPT);
    this.#keys = keys;
    this.#source = source;
    this.#token = token;
  }

  async add(record: KeptRecord): Promise<void> {
    this.#waiting.push(record);
    this.#waitingChars += record.value?.length ?? 0;
    if (this.#waiting.length >= PIECE || this.#waitingChars >= PIECE_CHARS) await this.#flush();
  }

  /** Documents that are added from here on replace earlier ones. */
  async replace(): Promise<void> {
    await this.#flush();
    this.#isReplacing = true;
  }

  /** The state is whole: from now on the shard stands where the snapshot was taken. */
  async finish({ meta, counts }: SnapshotSummary): Promise<void> {
    await this.#flush();
    await this.#writeOutcomeOrder();
    await this.#writeClasses();
    await this.#checkCounts(counts);
    const writes = new Operations();
    for (const [field, value] of Object.entries(meta)) writes.add('HSET', this.#keys.meta, field, value);
    await this.#write(writes);
  }

  /** There is nothing to restore after all: the shard begins at the beginning. */
  async giveUp(): Promise<void> {
    const writes = new Operations();
    writes.add('UNLINK', this.#keys.meta);
    await this.#write(writes);
  }

  async #clear(): Promise<void> {
    const { meta, statePattern, outbox, commit } = this.#keys;
    const left = (await keysLike(this.#redis, statePattern)).filter((key) => key !== meta);
    left.push(outbox, commit);
    for (let i = 0; i < left.length; i += KEYS_AT_ONCE) {
      const writes = new Operations();
      for (const key of left.slice(i, i + KEYS_AT_ONCE)) writes.add('UNLINK', key);
      await this.#write(writes);
    }
  }

  async #flush(): Promise<void> {
    const records = this.#waiting;
    if (records.length === 0) return;
    this.#waiting = [];
    this.#waitingChars = 0;
    const before = this.#isReplacing ? await this.#standing(records) : undefined;
    const writes = new Operations();
    for (const record of records) this.#encode(record, before?.get(record.id), writes);
    await this.#write(writes);
  }

  async #standing(records: readonly KeptRecord[]): Promise<Map<RecordId, string>> {
    const documents = records.map(({ id }) => id).filter((id) => isDocument(partsOf(id).kind));
    const standing = await this.#source.records(documents);
    return new Map(standing.flatMap(({ id, value }) => (value === undefined ? [] : [[id, value] as const])));
  }

  #encode({ id, value }: KeptRecord, before: string | undefined, writes: Operations): void {
    const keys = this.#keys;
    const { kind, words } = partsOf(id);
    const [first = ''] = words;
    if (isDocument(kind)) {
      const change = changeOf(kind, words, before, value);
      this.#noteClasses(change);
      writeKept(keys, change, value, writes);
      return;
    }
    switch (kind) {
      case 'S':
        encodeField(keys.sequences, first, value, writes);
        return;
      case 'N':
        encodeField(keys.bans, first, value, writes);
        return;
      case 'K':
        encodeField(keys.buckets, first, value, writes);
        return;
      case 'W':
        encodeField(keys.turns, first, value, writes);
        return;
      case 'F':
        writeFences(keys, first, value, writes);
        return;
      case 'O':
        this.#noteOutcome(first, value);
        encodeField(keys.outcomes, first, value, writes);
        return;
      case 'R': {
        if (value === undefined) {
          writes.add('HDEL', keys.receipts, first);
          writes.add('HDEL', keys.receiptCounts, first);
          return;
        }
        const space = value.indexOf(' ');
        writes.add('HSET', keys.receiptCounts, first, value.slice(0, space));
        writes.add('HSET', keys.receipts, first, value.slice(space + 1));
        return;
      }
      case 'B':
        if (value !== undefined) writes.add('HSET', keys.outbox, first, parse<string>(value));
        return;
      default:
        // The compiler refuses a kind that is copied and not restored.
        kind satisfies never;
    }
  }

  #noteOutcome(key: string, value: string | undefined): void {
    if (value === undefined) {
      this.#outcomes.delete(key);
      return;
    }
    const outcome = document<{ readonly seq: number; readonly at: number }>(value);
    if (outcome === undefined) return;
    const { seq, at } = outcome;
    this.#outcomes.set(key, { seq, entry: rememberedEntry(at, key, value) });
  }

  #noteClasses(change: DocumentChange): void {
    if (change.kind !== 'task') return;
    for (const task of [change.before, change.after]) {
      if (task === undefined || !isClaimable(task)) continue;
      const known = this.#classes.get(task.pool);
      if (known === undefined) this.#classes.set(task.pool, new Set([claimClass(task)]));
      else known.add(claimClass(task));
    }
  }

  async #writeOutcomeOrder(): Promise<void> {
    const order = [...this.#outcomes.values()].sort((a, b) => a.seq - b.seq);
    for (let i = 0; i < order.length; i += KEYS_AT_ONCE) {
      const writes = new Operations();
      const entries = order.slice(i, i + KEYS_AT_ONCE).map(({ entry }) => entry);
      writes.addAll('RPUSH', this.#keys.outcomeOrder, entries);
      await this.#write(writes);
    }
  }

  async #writeClasses(): Promise<void> {
    const keys = this.#keys;
    for (const [pool, classes] of this.#classes) {
      const all = [...classes];
      for (let start = 0; start < all.length; start += KEYS_AT_ONCE) {
        const some = all.slice(start, start + KEYS_AT_ONCE);
        const counts = await Promise.all(
          some.map((name) => this.#redis.zcard(keys.pending(pool, classHash(name)))),
        );
        const writes = new Operations();
        for (const [i, name] of some.entries()) {
          if ((counts[i] ?? 0) > 0) writes.add('HSET', keys.pendingClasses(pool), classHash(name), name);
        }
        await this.#write(writes);
      }
    }
  }

  async #checkCounts(expected: Readonly<Record<string, number>>): Promise<void> {
    const { counts } = await this.#source.end([]);
    for (const [kind, count] of Object.entries(expected)) {
      if (counts[kind] !== count) {
        throw new SnapshotDamagedError(
          `${counts[kind] ?? 0} of kind ${kind} were restored, but the snapshot has ${count}`,
        );
      }
    }
  }

  async #write(writes: Operations): Promise<void> {
    const { keys, args } = writes.encode([this.#keys.meta]);
    if (args.length === 0) return;
    const { answer } = await this.#writer.write({ keys, args: [this.#token].concat(args) });
    if (answer !== 'written') throw new ShardLostError('another worker is restoring the shard');
  }
}

function encodeField(hash: string, field: string, value: string | undefined, writes: Operations): void {
  if (value === undefined) writes.add('HDEL', hash, field);
  else writes.add('HSET', hash, field, value);
}

const DOCUMENTS = ['P', 'M', 'A', 'T', 'E'] as const;
type DocumentKind = (typeof DOCUMENTS)[number];

function isDocument(kind: RecordKind): kind is DocumentKind {
  return DOCUMENTS.some((each) => each === kind);
}

function changeOf(
  kind: DocumentKind,
  words: readonly string[],
  before: string | undefined,
  after: string | undefined,
): DocumentChange {
  const [pool = ''] = words;
  switch (kind) {
    case 'P':
      return { kind: 'pool', pool, before: document<Pool>(before), after: document<Pool>(after) };
    case 'M':
      return { kind: 'member', pool, before: document<Member>(before), after: document<Member>(after) };
    case 'A':
      return { kind: 'offer', pool, before: document<Offer>(before), after: document<Offer>(after) };
    case 'T':
    case 'E':
      return entityChange(entityOf(kind, words).kind, pool, before, after);
  }
}

function entityChange<K extends EntityKind>(
  kind: K,
  pool: string,
  before: string | undefined,
  after: string | undefined,
): EntityChange<K> {
  return { kind, pool, before: document<Entities[K]>(before), after: document<Entities[K]>(after) };
}

function document<T>(json: string | undefined): T | undefined {
  if (json === undefined) return undefined;
  try {
    return parse<T>(json);
  } catch {
    throw new SnapshotDamagedError('a document is not JSON');
  }
}
