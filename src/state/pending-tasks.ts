/**
 * The pending tasks that an agent may claim, best first, over many pools: a merge of the queues of all claim classes
 * that the agent is eligible for. Whether it is, is decided once for a class; of each class just as many tasks are read as
 * the page needs. Nothing is left out: what takes longer than the asker waits ends with its deadline.
 */
import type { Deadline } from '../lib/deadline.ts';
import { memberAsOf } from '../protocol/as-of.ts';
import {
  COMMONS_POOL,
  claimClass,
  isClaimable,
  type Member,
  type Pool,
  satisfies,
  type Task,
} from '../protocol/documents.ts';
import { EVERYWHERE } from '../protocol/marks.ts';
import { COMMONS } from '../protocol/names.ts';
import type { Page, QueryOf } from '../protocol/queries.ts';
import { parsePendingMember, type ShardKeys } from './keys.ts';
import { PageBuilder } from './page-builder.ts';
import { fenceKeysOf, fenceRange, inOrder, PoolMarks } from './pool-marks.ts';
import type { Redis } from './redis.ts';
import { pairs, parse } from './replies.ts';

/** Pools and classes that are asked about in one write to Redis, and entries that are read of a class at once. */
const AT_ONCE = 500;
const REFILL = 32;

/** Where a task stands in the order of all pools. */
interface Place {
  readonly priority: number;
  readonly submittedAt: number;
  readonly pool: string;
  readonly order: number;
}

interface Entry extends Place {
  readonly taskId: string;
}

/** The tasks of one claim class that have not been given out, in order. */
interface Queue {
  readonly pool: string;
  readonly key: string;
  /** How many entries were read from the place where reading began. */
  read: number;
  isDry: boolean;
  waiting: Entry[];
}

/** What an agent may claim in a pool: by which queues, and how its marks stand. */
interface OfPool {
  readonly pool: string;
  readonly classes: readonly string[];
  /** Log time. */
  readonly at: number;
  readonly marks: PoolMarks;
  readonly capabilities: ReadonlySet<string>;
}

export class PendingTasks {
  readonly #redis: Redis;
  readonly #keysOf: (pool: string) => ShardKeys;

  constructor(redis: Redis, keysOf: (pool: string) => ShardKeys) {
    this.#redis = redis;
    this.#keysOf = keysOf;
  }

  /** Undefined for a cursor that is none of ours. */
  async page(
    pools: readonly string[],
    { agent, capabilities, limit, cursor }: QueryOf<'pending-tasks'>,
    deadline: Deadline,
  ): Promise<Page<Task> | undefined> {
    const after = cursor === undefined ? undefined : parseCursor(cursor);
    if (cursor !== undefined && after === undefined) return undefined;
    const queues: Queue[] = [];
    const now = new Map<string, number>();
    const everywhere = await this.#fencedEverywhere(pools);
    const marks = new Map<string, PoolMarks>();
    for (const some of slices(pools, AT_ONCE)) {
      deadline.check();
      for (const found of await this.#classesIn(some, agent, capabilities, everywhere)) {
        const { pool, classes, at } = found;
        now.set(pool, at);
        marks.set(pool, found.marks);
        for (const key of classes) queues.push({ pool, key, read: 0, isDry: false, waiting: [] });
        if (!found.marks.areNone) queues.push(await givenUp(found, after, deadline));
      }
    }
    for (const some of slices(queues, AT_ONCE)) {
      deadline.check();
      await this.#refill(some, 1, after);
    }
    return await this.#merged(queues, limit, { now, marks }, after, deadline);
  }

  /** How many fences hold in all pools, by the key of those of each shard in which there are pools of these. */
  async #fencedEverywhere(pools: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const keys = new Set(pools.map((pool) => this.#keysOf(pool).fenceKeys));
    const { first, end } = fenceRange(EVERYWHERE);
    const counted = [...keys].map(
      async (key) => [key, await this.#redis.zlexcount(key, first, end)] as const,
    );
    return new Map(await Promise.all(counted));
  }

  /** Keys of the pending tasks that the agent may claim, for each of the pools in which there are any. */
  async #classesIn(
    pools: readonly string[],
    agent: string,
    given: readonly string[] | undefined,
    everywhere: ReadonlyMap<string, number>,
  ): Promise<OfPool[]> {
    const busy = await this.#poolsWithPending(pools, everywhere);
    const asked = this.#redis.pipeline();
    for (const { pool } of busy) {
      const keys = this.#keysOf(pool);
      // Before the membership that they may void.
      // biome-ignore lint/plugin/no-spread: two keys
      asked.hmget(keys.fences, ...fenceKeysOf(pool, agent));
      asked.hget(keys.pools, pool);
      asked.hget(keys.members(pool), agent);
      asked.hgetall(keys.pendingClasses(pool));
      asked.hget(keys.meta, 'now');
    }
    const replies = valuesOf(await asked.exec());
    const found: OfPool[] = [];
    for (const [i, { pool, fenced }] of busy.entries()) {
      const [fences, docJson, memberJson, classes, at] = replies.slice(5 * i, 5 * i + 5);
      const keys = this.#keysOf(pool);
      const doc =
        typeof docJson === 'string' ? parse<Pool>(docJson) : pool === COMMONS ? COMMONS_POOL : undefined;
      const marks = new PoolMarks(this.#redis, keys, { pool, doc, hasTurn: false, fenced });
      const standing = { fencesOf: () => inOrder(Array.isArray(fences) ? fences : []) };
      const member =
        typeof memberJson === 'string' ? memberAsOf(parse<Member>(memberJson), standing) : undefined;
      const capabilities = claimsWith(pool, doc, member, given);
      if (capabilities === undefined || classes === null || typeof classes !== 'object') continue;
      const eligible = Object.entries(classes).filter(([, name]) => isEligible(String(name), capabilities));
      const queues = eligible.map(([hash]) => keys.pending(pool, hash));
      found.push({ pool, classes: queues, at: Number(at ?? 0), marks, capabilities });
    }
    return found;
  }

  /** Where fences have ended claims, tasks may be pending that no queue has yet. */
  async #poolsWithPending(
    pools: readonly string[],
    everywhere: ReadonlyMap<string, number>,
  ): Promise<{ readonly pool: string; readonly fenced: number }[]> {
    const asked = this.#redis.pipeline();
    for (const pool of pools) {
      const keys = this.#keysOf(pool);
      const { first, end } = fenceRange(pool);
      asked.zlexcount(keys.fenceKeys, first, end);
      asked.exists(keys.pendingClasses(pool));
    }
    const replies = valuesOf(await asked.exec());
    return pools.flatMap((pool, i) => {
      const [own, isBusy] = replies.slice(2 * i, 2 * i + 2);
      const fenced = Number(own) + (everywhere.get(this.#keysOf(pool).fenceKeys) ?? 0);
      return isBusy === 1 || fenced > 0 ? [{ pool, fenced }] : [];
    });
  }

  /** The next entries of each queue that has none waiting. */
  async #refill(queues: readonly Queue[], count: number, after: Place | undefined): Promise<void> {
    for (let dry = queues.filter(isThirsty); dry.length > 0; dry = dry.filter(isThirsty)) {
      const asked = this.#redis.pipeline();
      const from = after === undefined ? '-inf' : String(-after.priority);
      for (const { key, read } of dry) {
        asked.zrangebyscore(key, from, '+inf', 'WITHSCORES', 'LIMIT', read, count);
      }
      const replies = valuesOf(await asked.exec());
      for (const [i, queue] of dry.entries()) {
        const reply = replies[i];
        const entries = pairs(Array.isArray(reply) ? reply.map(String) : []).map(([member, score]) =>
          entryOf(queue.pool, member, -Number(score)),
        );
        queue.read += entries.length;
        queue.isDry = entries.length < count;
        queue.waiting = after === undefined ? entries : entries.filter((entry) => isBefore(after, entry));
      }
    }
  }

  async #merged(
    queues: readonly Queue[],
    limit: number,
    {
      now,
      marks,
    }: { readonly now: ReadonlyMap<string, number>; readonly marks: ReadonlyMap<string, PoolMarks> },
    after: Place | undefined,
    deadline: Deadline,
  ): Promise<Page<Task>> {
    const page = new PageBuilder<Task>(limit);
    const open = queues.filter(({ waiting }) => waiting.length > 0).sort(bestFirst);
    let last: Place | undefined;
    while (open.length > 0) {
      deadline.check();
      const entries: Entry[] = [];
      for (const count = page.nextRead; entries.length < count; ) {
        const queue = open.shift();
        const entry = queue?.waiting.shift();
        if (queue === undefined || entry === undefined) break;
        entries.push(entry);
        await this.#refill([queue], REFILL, after);
        if (queue.waiting.length > 0) insert(open, queue);
      }
      const documents = await this.#documents(entries);
      for (const json of documents) if (json !== null) page.wasRead(json);
      for (const { entry, task } of await seen(entries, documents, marks)) {
        const at = now.get(entry.pool) ?? 0;
        // One whose release is published while this is read can be met in its queue, too.
        if (last !== undefined && compare(last, entry) === 0) continue;
        if (!isClaimable(task) || (task.deadline ?? at + 1) <= at) continue;
        if (!page.add(task)) {
          return { items: page.items, ...(last === undefined ? {} : { cursor: cursorOf(last) }) };
        }
        last = entry;
      }
    }
    return { items: page.items };
  }

  async #documents(entries: readonly Entry[]): Promise<(string | null)[]> {
    const asked = this.#redis.pipeline();
    for (const { pool, taskId } of entries) asked.hget(this.#keysOf(pool).entities(pool, 'task'), taskId);
    return valuesOf(await asked.exec()).map((json) => (typeof json === 'string' ? json : null));
  }
}

/** What the tasks are at these places, in their order, without those that are not there any more. */
async function seen(
  entries: readonly Entry[],
  documents: readonly (string | null)[],
  marks: ReadonlyMap<string, PoolMarks>,
): Promise<readonly { readonly entry: Entry; readonly task: Task }[]> {
  const read = new Map<string, Task[]>();
  for (const json of documents) {
    const task = json === null ? undefined : parse<Task>(json);
    if (task !== undefined) read.set(task.pool, [...(read.get(task.pool) ?? []), task]);
  }
  const found = new Map<string, Task>();
  for (const [pool, tasks] of read) {
    for (const task of (await marks.get(pool)?.see(tasks)) ?? tasks)
      if (task !== undefined) found.set(`${pool}/${task.taskId}`, task);
  }
  return entries.flatMap((entry) => {
    const task = found.get(`${entry.pool}/${entry.taskId}`);
    return task === undefined ? [] : [{ entry, task }];
  });
}

/** Tasks that marks have given back, and that are stored as held: as a queue of which everything was read. */
async function givenUp(
  { pool, marks, capabilities }: OfPool,
  after: Place | undefined,
  deadline: Deadline,
): Promise<Queue> {
  const waiting: Entry[] = [];
  for await (const { seen } of marks.voidClaims(deadline)) {
    if (!isClaimable(seen) || !isEligible(claimClass(seen), capabilities)) continue;
    const { priority, submittedAt, order, taskId } = seen;
    const entry = { pool, priority, submittedAt, order, taskId };
    if (after === undefined || isBefore(after, entry)) waiting.push(entry);
  }
  return { pool, key: '', read: 0, isDry: true, waiting: waiting.sort(compare) };
}

/** The capabilities of the agent in the pool; undefined if it cannot claim. */
function claimsWith(
  pool: string,
  doc: Pool | undefined,
  member: Member | undefined,
  given: readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  if (doc === undefined || doc.state === 'closed' || doc.pausedAt !== undefined) return undefined;
  if (member === undefined && pool !== COMMONS) return undefined;
  return new Set(given ?? member?.capabilities ?? []);
}

function isEligible(name: string, capabilities: ReadonlySet<string>): boolean {
  if (name === '') return true;
  const [, requirements] = parse<[string | null, readonly (readonly string[])[]]>(name);
  return satisfies(capabilities, requirements);
}

function isThirsty({ waiting, isDry }: Queue): boolean {
  return waiting.length === 0 && !isDry;
}

function entryOf(pool: string, member: string, priority: number): Entry {
  return { pool, priority, ...parsePendingMember(member) };
}

/** Higher priority, then earlier submission; names and places only make the order total. */
function compare(a: Place, b: Place): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.submittedAt !== b.submittedAt) return a.submittedAt - b.submittedAt;
  if (a.pool !== b.pool) return a.pool < b.pool ? -1 : 1;
  return a.order - b.order;
}

function isBefore(a: Place, b: Place): boolean {
  return compare(a, b) < 0;
}

function bestFirst(a: Queue, b: Queue): number {
  const [first] = a.waiting;
  const [second] = b.waiting;
  return first === undefined || second === undefined ? 0 : compare(first, second);
}

/** Puts a queue back to where its next task belongs. */
function insert(open: Queue[], queue: Queue): void {
  let low = 0;
  for (let high = open.length; low < high; ) {
    const middle = (low + high) >> 1;
    const there = open[middle];
    if (there !== undefined && bestFirst(there, queue) <= 0) low = middle + 1;
    else high = middle;
  }
  open.splice(low, 0, queue);
}

function cursorOf({ priority, submittedAt, order, pool }: Place): string {
  return `${priority}.${submittedAt}.${order}.${pool}`;
}

function parseCursor(cursor: string): Place | undefined {
  const match = /^(-?\d+)\.(\d+)\.(\d+)\.([A-Za-z0-9_-]+)$/.exec(cursor);
  if (match === null) return undefined;
  const [, priority, submittedAt, order, pool = ''] = match;
  return { priority: Number(priority), submittedAt: Number(submittedAt), order: Number(order), pool };
}

function* slices<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < list.length; from += size) yield list.slice(from, from + size);
}

type Replies = readonly (readonly [error: Error | null, reply: unknown])[];

function valuesOf(replies: Replies | null): unknown[] {
  return (replies ?? []).map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
}
