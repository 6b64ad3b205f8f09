/**
 * One shard as a store keeps it: the documents as the texts that were committed. Everything that Redis has an index for
 * is found here by looking at all documents, so that the two have nothing in common but what they must answer.
 */
import { ShardLostError } from '../../../src/lib/errors.ts';
import { changedId, type DocumentChange } from '../../../src/protocol/document-change.ts';
import type { Ban, Member, Origin, Pool } from '../../../src/protocol/documents.ts';
import {
  type Entity,
  type EntityRef,
  entityRef,
  type Group,
  ofGroups,
  parseEntityRef,
  type Retained,
} from '../../../src/protocol/entities.ts';
import type { Fence } from '../../../src/protocol/marks.ts';
import type { Offer } from '../../../src/protocol/offers.ts';
import { type Standing, standingSchema } from '../../../src/protocol/settings.ts';
import { stillNamed } from '../../../src/protocol/still-named.ts';
import { briefly } from '../../../src/state/briefly.ts';
import type { KnownClock } from '../../../src/state/known-clock.ts';
import {
  type Found,
  LOST,
  type Lookup,
  OLDEST_BYTES,
  type Remembered,
  type RememberedOutcome,
  type ShardCommit,
  type ShardStore,
  type StoredPool,
  type StoredPosition,
  type StoredShard,
} from '../../../src/state/shard-store.ts';

/** A document as it was written; read when somebody asks. */
class Written<T extends object> {
  readonly json: string;
  #document: T | undefined;

  constructor(json: string) {
    this.json = json;
  }

  get document(): T {
    this.#document ??= JSON.parse(this.json) as T;
    return this.#document;
  }
}

type Documents<T extends object> = Map<string, Written<T>>;

interface PoolContent {
  readonly members: Documents<Member>;
  readonly offers: Documents<Offer>;
  /** By `<kind>/<id>`. */
  readonly entities: Documents<Entity>;
  /** Claim classes with pending tasks. */
  readonly classes: Set<string>;
}

interface Content {
  position: StoredPosition;
  now: number;
  clock: KnownClock | undefined;
  settings: Standing | undefined;
  endedBytes: number;
  nextDue: number | undefined;
  commitId: string | undefined;
  halted: string | undefined;
  readonly pools: Documents<Pool>;
  readonly sequences: Map<string, number>;
  readonly contents: Map<string, PoolContent>;
  readonly bans: Map<string, Ban>;
  readonly buckets: Map<string, number>;
  readonly turns: Map<string, number>;
  readonly fences: Map<string, readonly Fence[]>;
  readonly outcomes: Map<string, string>;
  outcomeOrder: readonly RememberedOutcome[];
  readonly receipts: Map<string, string>;
  readonly receiptCounts: Map<string, number>;
  readonly outbox: Map<number, string>;
}

/** A consistent copy of a shard, to go back to. */
export interface ShardCopy {
  readonly content: Content;
}

export class MemoryShard {
  #content = emptyContent();

  position(): StoredPosition {
    return this.#content.position;
  }

  /** Log time at the position. */
  get now(): number {
    return this.#content.now;
  }

  /** The newest Clock that it knows. */
  get clock(): KnownClock | undefined {
    return this.#content.clock;
  }

  /** A commit broke off in the middle. */
  get isLost(): boolean {
    return this.#content.position.seq === LOST;
  }

  get nextDue(): number | undefined {
    return this.#content.nextDue;
  }

  get settings(): Standing | undefined {
    return this.#content.settings;
  }

  /** What all that has ended takes, as the last commit said it. */
  get endedBytes(): number {
    return this.#content.endedBytes;
  }

  /** The same, counted from the documents that are there. */
  endedBytesOfDocuments(): number {
    let bytes = 0;
    for (const { entities } of this.#content.contents.values()) {
      for (const { document } of entities.values())
        if (document.finishedAt !== undefined) bytes += sizeOfEnded(document);
    }
    return bytes;
  }

  get halted(): string | undefined {
    return this.#content.halted;
  }

  /** Pools that owe consequences. */
  get owing(): number {
    return this.#content.turns.size;
  }

  get outboxSize(): number {
    return this.#content.outbox.size;
  }

  copy(): ShardCopy {
    return { content: copyOf(this.#content) };
  }

  restore({ content }: ShardCopy): void {
    this.#content = copyOf(content);
  }

  empty(): void {
    this.#content = emptyContent();
  }

  load(): StoredShard {
    const { position, now, clock, settings, pools, outcomeOrder, bans, buckets, turns, fences, endedBytes } =
      this.#content;
    return {
      position,
      now,
      clock,
      settings,
      pools: [...pools.keys()].map((pool) => this.#loadPool(pool)),
      outcomes: {
        count: outcomeOrder.length,
        bytes: outcomeOrder.reduce((sum, { bytes }) => sum + bytes, 0),
        oldestAt: outcomeOrder[0]?.at,
      },
      bans: [...bans.values()],
      buckets: new Map(buckets),
      turns: new Map(turns),
      endedBytes,
      fences: new Map(fences),
    };
  }

  #loadPool(pool: string): StoredPool {
    const { pools, sequences } = this.#content;
    const doc = pools.get(pool)?.document;
    if (doc === undefined) throw new Error(`no pool ${pool}`);
    const { members, offers, entities } = this.#contentOf(pool);
    const all = [...entities].map(([ref, { document }]) => ({ ref, document }));
    const live = all.filter(({ document }) => document.finishedAt === undefined);
    const named = new Set(
      stillNamed(live.map(({ document }) => document)).map(({ kind, id }) => entityRef(kind, id)),
    );
    const over = all.filter(({ ref, document }) => document.finishedAt !== undefined && named.has(ref));
    return {
      doc,
      sequence: sequences.get(pool) ?? 0,
      members: [...members.values()].map(({ document }) => document),
      offers: [...offers.values()].map(({ document }) => document),
      entities: [...live, ...over].map(({ document }) => document),
      retained: ofGroups((group) => summary(endedOf(entities, group))),
    };
  }

  lookup({ outcomes, entities }: Lookup): Found {
    return {
      position: this.#content.position,
      outcomes: this.outcomes(outcomes),
      entities: [...entities].flatMap(([pool, refs]) => this.#entitiesOf(pool, refs).map(briefly)),
    };
  }

  outcomes(keys: readonly string[]): Map<string, string> {
    const { outcomes, receipts } = this.#content;
    const found = new Map<string, string>();
    for (const key of keys) {
      const json = outcomes.get(key) ?? receipts.get(key);
      if (json !== undefined) found.set(key, json);
    }
    return found;
  }

  oldest(
    pools: readonly string[],
    most: number,
    outcomes: number,
  ): Awaited<ReturnType<ShardStore['oldest']>> {
    const all = pools.flatMap((pool) => this.#keptIn(pool)).sort(byAge);
    const shown = withRoom(all.slice(0, most));
    const ended = ofGroups(() => new Map<string, Remembered[]>(pools.map((pool) => [pool, []])));
    const beyond = ofGroups(() => new Map<string, number>());
    for (const { pool, kind, id, at } of shown) ended[groupOf(kind)].get(pool)?.push({ kind, id, at });
    for (const { pool, kind, at } of all.slice(shown.length).reverse()) {
      beyond[groupOf(kind)].set(pool, at);
    }
    const entities = shown.flatMap(({ pool, ...ref }) => this.#entitiesOf(pool, [ref]));
    const { position, outcomeOrder } = this.#content;
    return { position, ended, beyond, outcomes: outcomeOrder.slice(0, outcomes), entities };
  }

  #keptIn(pool: string): Kept[] {
    const { entities } = this.#contentOf(pool);
    return (['tasks', 'collective'] as const)
      .flatMap((group) => endedOf(entities, group))
      .map((kept) => {
        const json = entities.get(entityRef(kept.kind, kept.id))?.json ?? '';
        return { ...kept, pool, bytes: Buffer.byteLength(json) };
      });
  }

  #entitiesOf(pool: string, refs: readonly EntityRef[]): Entity[] {
    const { entities } = this.#contentOf(pool);
    return refs.flatMap(({ kind, id }) => entities.get(entityRef(kind, id))?.document ?? []);
  }

  /** Answers where the shard stood before; undefined when this very commit had been applied already. */
  commit(commit: ShardCommit): StoredPosition | undefined {
    const content = this.#content;
    const { seq } = content.position;
    const { expected, next } = commit;
    if (seq === next.seq && content.commitId === commit.id) return undefined;
    if (!this.expects(commit)) {
      throw new ShardLostError(`the shard is no longer at position ${expected.seq}`);
    }
    const before = content.position;
    content.position = { seq: next.seq, hash: next.hash, logIdentity: next.logIdentity };
    content.now = next.now;
    content.clock = next.clock;
    content.settings = standingSchema.parse(JSON.parse(JSON.stringify(commit.settings)));
    content.nextDue = commit.nextDue;
    content.endedBytes = commit.endedBytes;
    content.commitId = commit.id;
    for (const change of commit.changes) this.#write(change);
    this.#writeSequences(commit);
    this.#writeClasses(commit);
    for (const [agent, ban] of commit.bans) put(content.bans, agent, ban);
    for (const [key, fullAtUs] of commit.buckets) put(content.buckets, key, fullAtUs);
    for (const [pool, turn] of commit.turns) put(content.turns, pool, turn);
    for (const [key, list] of commit.fences) put(content.fences, key, list.length === 0 ? undefined : list);
    this.#writeOutcomes(commit);
    if (commit.outbox !== undefined) content.outbox.set(next.seq, commit.outbox);
    this.clearPublished(commit.published);
    return before;
  }

  /** It stands where the commit expects it. */
  expects({ expected, next }: ShardCommit): boolean {
    const { seq, hash, logIdentity } = this.#content.position;
    const isThere = seq === expected.seq && (hash ?? '') === (expected.hash ?? '');
    return isThere && (logIdentity ?? next.logIdentity) === next.logIdentity;
  }

  /** A commit that breaks off in the middle: some of it is written, and the shard is lost until it is brought back. */
  breakOff({ id, changes, next }: ShardCommit): void {
    for (const change of changes.slice(0, changes.length / 2)) this.#write(change);
    this.#content.position = { seq: LOST, hash: id, logIdentity: next.logIdentity };
  }

  unpublished(): { seq: number; payload: string }[] {
    return [...this.#content.outbox]
      .map(([seq, payload]) => ({ seq, payload }))
      .sort((a, b) => a.seq - b.seq);
  }

  clearPublished(positions: readonly number[]): void {
    for (const position of positions) this.#content.outbox.delete(position);
  }

  setHalted(reason: string | undefined): void {
    this.#content.halted = reason;
  }

  /** All that is a function of the log, as `key field → value`: two shards that applied the same log have the same. */
  dump(): Map<string, string> {
    const { position, now, settings, nextDue, endedBytes, contents, ...rest } = this.#content;
    const dump = new Map<string, string>([
      [
        'meta',
        JSON.stringify([position.seq, position.hash, position.logIdentity, now, nextDue ?? null, endedBytes]),
      ],
      ['settings', JSON.stringify(settings)],
      ['outcome-order', JSON.stringify(rest.outcomeOrder.map(({ id, at, bytes }) => `${at}|${bytes}|${id}`))],
    ]);
    for (const [pool, { json }] of rest.pools) dump.set(`pool ${pool}`, json);
    for (const [agent, ban] of rest.bans) dump.set(`ban ${agent}`, JSON.stringify(ban));
    for (const [key, fullAtUs] of rest.buckets) dump.set(`bucket ${key}`, String(fullAtUs));
    for (const [pool, turn] of rest.turns) dump.set(`turn ${pool}`, String(turn));
    for (const [key, list] of rest.fences) dump.set(`fence ${key}`, JSON.stringify(list));
    for (const [pool, sequence] of rest.sequences) dump.set(`sequence ${pool}`, String(sequence));
    for (const [key, json] of rest.outcomes) dump.set(`outcome ${key}`, json);
    for (const [key, json] of rest.receipts) dump.set(`receipt ${key}`, json);
    for (const [key, count] of rest.receiptCounts) dump.set(`receipt-count ${key}`, String(count));
    for (const [pool, { members, offers, entities, classes }] of contents) {
      for (const [agent, { json }] of members) dump.set(`member ${pool} ${agent}`, json);
      for (const [key, { json }] of offers) dump.set(`offer ${pool} ${key}`, json);
      for (const [ref, { json }] of entities) dump.set(`entity ${pool} ${ref}`, json);
      for (const claimClass of classes) dump.set(`class ${pool} ${claimClass}`, '');
    }
    return dump;
  }

  #contentOf(pool: string): PoolContent {
    let content = this.#content.contents.get(pool);
    if (content === undefined) {
      content = { members: new Map(), offers: new Map(), entities: new Map(), classes: new Set() };
      this.#content.contents.set(pool, content);
    }
    return content;
  }

  #write(change: DocumentChange): void {
    const { pool } = change;
    switch (change.kind) {
      case 'pool':
        this.#put(this.#content.pools, pool, change.before, change.after);
        break;
      case 'member':
        write(this.#contentOf(pool).members, changedId(change), change.after);
        break;
      case 'offer':
        write(this.#contentOf(pool).offers, changedId(change), change.after);
        break;
      default: {
        const ref = entityRef(change.kind, changedId(change));
        const { entities } = this.#contentOf(pool);
        this.#put<Entity>(entities, ref, change.before, change.after);
      }
    }
  }

  /** With the last thing that a decision created goes its receipt. */
  #put<T extends { readonly pool: string; readonly origin: Origin }>(
    documents: Documents<T>,
    id: string,
    before: T | undefined,
    after: T | undefined,
  ): void {
    write(documents, id, after);
    if (before === undefined || isSameOrigin(before.origin, after?.origin)) return;
    const { pool } = before;
    const key = `${pool}.${before.origin.agent}.${before.origin.decisionId}`;
    const { receipts, receiptCounts } = this.#content;
    const left = (receiptCounts.get(key) ?? 0) - 1;
    if (left > 0) receiptCounts.set(key, left);
    else {
      receiptCounts.delete(key);
      receipts.delete(key);
    }
  }

  #writeSequences({ changes, sequences }: ShardCommit): void {
    const removed = new Set(
      changes.flatMap((change) =>
        change.kind === 'pool' && change.after === undefined ? [change.pool] : [],
      ),
    );
    for (const pool of removed) this.#content.sequences.delete(pool);
    for (const [pool, sequence] of sequences) {
      if (!removed.has(pool)) this.#content.sequences.set(pool, sequence);
    }
  }

  #writeClasses({ classes }: ShardCommit): void {
    for (const [pool, changed] of classes) {
      const kept = this.#contentOf(pool).classes;
      for (const [claimClass, hasTasks] of changed) {
        if (hasTasks) kept.add(claimClass);
        else kept.delete(claimClass);
      }
    }
  }

  #writeOutcomes({ outcomes, forgotten }: ShardCommit): void {
    const content = this.#content;
    const added: RememberedOutcome[] = [];
    for (const { key, json, at, created } of outcomes) {
      content.outcomes.set(key, json);
      added.push({ id: key, at, bytes: Buffer.byteLength(key) + Buffer.byteLength(json) });
      if (created === 0) continue;
      content.receipts.set(key, json);
      content.receiptCounts.set(key, created);
    }
    if (added.length > 0) content.outcomeOrder = [...content.outcomeOrder, ...added];
    if (forgotten.length === 0) return;
    for (const key of forgotten) content.outcomes.delete(key);
    content.outcomeOrder = content.outcomeOrder.slice(forgotten.length);
  }
}

function emptyContent(): Content {
  return {
    position: { seq: 0, hash: undefined, logIdentity: undefined },
    now: 0,
    clock: undefined,
    settings: undefined,
    endedBytes: 0,
    nextDue: undefined,
    commitId: undefined,
    halted: undefined,
    pools: new Map(),
    sequences: new Map(),
    contents: new Map(),
    bans: new Map(),
    buckets: new Map(),
    turns: new Map(),
    fences: new Map(),
    outcomes: new Map(),
    outcomeOrder: [],
    receipts: new Map(),
    receiptCounts: new Map(),
    outbox: new Map(),
  };
}

function copyOf(content: Content): Content {
  const contents = [...content.contents].map(([pool, of]): [string, PoolContent] => [
    pool,
    {
      members: new Map(of.members),
      offers: new Map(of.offers),
      entities: new Map(of.entities),
      classes: new Set(of.classes),
    },
  ]);
  return {
    ...content,
    pools: new Map(content.pools),
    sequences: new Map(content.sequences),
    contents: new Map(contents),
    bans: new Map(content.bans),
    buckets: new Map(content.buckets),
    turns: new Map(content.turns),
    fences: new Map(content.fences),
    outcomes: new Map(content.outcomes),
    receipts: new Map(content.receipts),
    receiptCounts: new Map(content.receiptCounts),
    outbox: new Map(content.outbox),
  };
}

function write<T extends object>(documents: Documents<T>, id: string, after: T | undefined): void {
  if (after === undefined) documents.delete(id);
  else documents.set(id, new Written<T>(JSON.stringify(after)));
}

function put<T>(all: Map<string, T>, key: string, after: T | undefined): void {
  if (after === undefined) all.delete(key);
  else all.set(key, after);
}

function endedOf(entities: Documents<Entity>, group: Group): Remembered[] {
  const ended: Remembered[] = [];
  for (const [name, { document }] of entities) {
    const ref = parseEntityRef(name);
    if (ref === undefined || document.finishedAt === undefined || groupOf(ref.kind) !== group) continue;
    ended.push({ ...ref, at: document.finishedAt });
  }
  return ended.sort((a, b) => a.at - b.at || (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** Tasks are kept apart from what agents decide together. */
function groupOf(kind: EntityRef['kind']): Group {
  return kind === 'task' ? 'tasks' : 'collective';
}

function nameOf({ kind, id }: EntityRef): string {
  return entityRef(kind, id);
}

/** 1,000 bytes beside the document, and its members: name, value, and four characters around them. */
function sizeOfEnded(document: object): number {
  return Object.entries(document).reduce(
    (bytes, [name, value]) => bytes + name.length + 4 + Buffer.byteLength(JSON.stringify(value)),
    1_002,
  );
}

interface Kept extends Remembered {
  readonly pool: string;
  readonly bytes: number;
}

function byAge(a: Kept, b: Kept): number {
  const places = [a, b].map((one) => `${one.pool}\n${one.kind === 'task' ? 0 : 1}\n${nameOf(one)}`);
  return a.at - b.at || ((places[0] ?? '') < (places[1] ?? '') ? -1 : 1);
}

/** As many of the first as are read at once; one at least. */
function withRoom(kept: readonly Kept[]): readonly Kept[] {
  let bytes = 0;
  return kept.filter((one, i) => {
    bytes += one.bytes;
    return i === 0 || bytes <= OLDEST_BYTES;
  });
}

function summary(kept: readonly Remembered[]): Retained {
  return { count: kept.length, oldestAt: kept[0]?.at };
}

function isSameOrigin(a: Origin, b: Origin | undefined): boolean {
  return a.agent === b?.agent && a.decisionId === b.decisionId;
}
