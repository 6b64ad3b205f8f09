/**
 * The marks that hold in a pool as queries read them: never more of them at once than a page has, however many there are in
 * the shard. What a mark ends is either still stored and seen as ended, or told and stored as such. So whether there are
 * any is asked before the documents; and where there are, a document is read after the marks of the agent that it names.
 */
import { type Deadline, NO_DEADLINE } from '../lib/deadline.ts';
import { memberAsOf, offerAsOf, type StandingMarks, taskAsOf } from '../protocol/as-of.ts';
import {
  COMMONS_POOL,
  isClaimed,
  type Member,
  type Pool,
  type Task,
  type TaskState,
} from '../protocol/documents.ts';
import { EVERYWHERE, type Fence, fenceKey, parseFenceKey } from '../protocol/marks.ts';
import { COMMONS } from '../protocol/names.ts';
import type { Offer } from '../protocol/offers.ts';
import type { ShardKeys } from './keys.ts';
import { ReadPace } from './page-builder.ts';
import type { Redis } from './redis.ts';
import { parse } from './replies.ts';

/** Agents of whom what they hold is asked for at once: each holds a thousand claims at most. */
const HOLDERS_AT_ONCE = 50;
/** Agents whose marks and memberships are read at once. */
const AGENTS_AT_ONCE = 250;
/** Of more agents, what they held is looked for among all that is held in the pool. */
const AGENTS_AS_SOURCES = 32;
const HELD = ['assigned', 'running'] as const;
/** States in which nobody holds a task that has not ended. */
export const UNHELD = ['blocked', 'scheduled', 'pending'] as const;

const NO_FENCES: StandingMarks = { fencesOf: () => [] };

/** Fields of the hash of fences in which those of an agent in a pool stand. */
export function fenceKeysOf(pool: string, agent: string): readonly [string, string] {
  return [fenceKey(pool, agent), fenceKey(EVERYWHERE, agent)];
}

/** Fences as they are stored, in the order of the log. */
export function inOrder(stored: readonly unknown[]): readonly Fence[] {
  const lists = stored.flatMap((json) => (typeof json === 'string' ? parse<Fence[]>(json) : []));
  return lists.sort((a, b) => a.place - b.place);
}

/** The keys of all fences of a pool, in the index of keys: `/` is the last character before `0`. */
export function fenceRange(pool: string): { readonly first: string; readonly end: string } {
  return { first: `[${pool}/`, end: `(${pool}0` };
}

/** Of one agent the fences that hold in each of some pools of a shard, in the order of the pools. */
export async function fencesIn(
  redis: Redis,
  keys: ShardKeys,
  agent: string,
  pools: readonly string[],
): Promise<readonly (readonly Fence[])[]> {
  const found: (readonly Fence[])[] = [];
  for (let from = 0; from < pools.length; from += AGENTS_AT_ONCE) {
    const some = pools.slice(from, from + AGENTS_AT_ONCE).map((pool) => fenceKey(pool, agent));
    // biome-ignore lint/plugin/no-spread: AGENTS_AT_ONCE
    const stored = await redis.hmget(keys.fences, fenceKey(EVERYWHERE, agent), ...some);
    for (const own of stored.slice(1)) found.push(inOrder([own, stored[0]]));
  }
  return found;
}

interface ReadMarks {
  readonly pool: string;
  /** Undefined where there is no such pool. */
  readonly doc: Pool | undefined;
  /** The pool has its turn among those that owe consequences, whatever of. */
  readonly hasTurn: boolean;
  /** How many agents have fences that hold here, those of all pools among them. */
  readonly fenced: number;
}

export class PoolMarks {
  readonly doc: Pool | undefined;
  readonly hasTurn: boolean;
  readonly #redis: Redis;
  readonly #keys: ShardKeys;
  readonly #pool: string;
  readonly #fenced: number;

  static async read(redis: Redis, keys: ShardKeys, pool: string): Promise<PoolMarks> {
    const [here, everywhere] = [fenceRange(pool), fenceRange(EVERYWHERE)];
    const [own, ofAll, turn, json] = await Promise.all([
      redis.zlexcount(keys.fenceKeys, here.first, here.end),
      redis.zlexcount(keys.fenceKeys, everywhere.first, everywhere.end),
      redis.hexists(keys.turns, pool),
      redis.hget(keys.pools, pool),
    ]);
    const doc = json === null ? (pool === COMMONS ? COMMONS_POOL : undefined) : parse<Pool>(json);
    return new PoolMarks(redis, keys, { pool, doc, hasTurn: turn === 1, fenced: own + ofAll });
  }

  constructor(redis: Redis, keys: ShardKeys, { pool, doc, hasTurn, fenced }: ReadMarks) {
    this.#redis = redis;
    this.#keys = keys;
    this.#pool = pool;
    this.doc = doc;
    this.hasTurn = hasTurn;
    this.#fenced = fenced;
  }

  get closedAt(): number | undefined {
    return this.doc?.closedAt;
  }

  get areNone(): boolean {
    return this.#fenced === 0;
  }

  /** The fences of some agents that hold here, as they are now: for documents that are read after them. */
  async of(agents: readonly string[]): Promise<StandingMarks> {
    if (this.areNone || agents.length === 0) return NO_FENCES;
    const of = new Map<string, readonly Fence[]>();
    for (let from = 0; from < agents.length; from += AGENTS_AT_ONCE) {
      const some = agents.slice(from, from + AGENTS_AT_ONCE);
      const fields = some.flatMap((agent) => fenceKeysOf(this.#pool, agent));
      // biome-ignore lint/plugin/no-spread: AGENTS_AT_ONCE
      const stored = await this.#redis.hmget(this.#keys.fences, ...fields);
      for (const [i, agent] of some.entries()) of.set(agent, inOrder(stored.slice(2 * i, 2 * i + 2)));
    }
    return { fencesOf: (agent) => of.get(agent) ?? [] };
  }

  /** The tasks that were read from here, a page of them at most; undefined for each that no longer exists. */
  async see(read: readonly Task[]): Promise<readonly (Task | undefined)[]> {
    const { closedAt } = this;
    const holders = this.areNone ? [] : read.flatMap((task) => (isClaimed(task) ? task.claim.agent : []));
    const { fencesOf } = await this.of([...new Set(holders)]);
    // What was held when it was read may have been given back, and its mark have gone, before the marks were read.
    const again = holders.length === 0 ? [] : read.filter(isClaimed).map(({ taskId }) => taskId);
    const now = new Map<string, Task | undefined>();
    for await (const { id, task } of this.#tasks(again)) now.set(id, task);
    return read.map((task) => {
      const current = now.has(task.taskId) ? now.get(task.taskId) : task;
      return current && shown(taskAsOf(current, { fencesOf, closedAt }));
    });
  }

  async *#tasks(
    ids: readonly string[],
    deadline: Deadline = NO_DEADLINE,
  ): AsyncGenerator<{ readonly id: string; readonly task: Task | undefined }> {
    const pace = new ReadPace();
    for (let from = 0; from < ids.length; ) {
      deadline.check();
      const some = ids.slice(from, from + pace.next);
      // biome-ignore lint/plugin/no-spread: ReadPace
      const documents = await this.#redis.hmget(this.#keys.entities(this.#pool, 'task'), ...some);
      for (const [i, id] of some.entries()) {
        const json = documents[i];
        if (json != null) pace.wasRead(json);
        yield { id, task: json == null ? undefined : parse<Task>(json) };
      }
      from += some.length;
    }
  }

  /** Where tasks stand that may be in one of these states, although they are stored in another. */
  async sourcesOf(states: readonly TaskState[]): Promise<readonly string[]> {
    const keys = this.#keys;
    const wanted = new Set(states);
    const isEnding = this.closedAt !== undefined && wanted.has('cancelled');
    const held = wanted.has('pending') || isEnding ? await this.#heldByFenced() : [];
    return [...held, ...(isEnding ? UNHELD.map((state) => keys.entitiesIn(this.#pool, 'task', state)) : [])];
  }

  async #heldByFenced(): Promise<readonly string[]> {
    const keys = this.#keys;
    if (this.areNone) return [];
    if (this.#fenced > AGENTS_AS_SOURCES)
      return HELD.map((state) => keys.entitiesIn(this.#pool, 'task', state));
    const agents = new Set<string>();
    for await (const page of this.#fencedAgents()) for (const agent of page) agents.add(agent);
    return [...agents].flatMap((agent) =>
      HELD.map((state) => keys.entitiesOf(this.#pool, 'task', agent, state)),
    );
  }

  /** Pages of the agents that have fences here: of the pool, then of all pools. */
  async *#fencedAgents(): AsyncGenerator<readonly string[]> {
    if (this.areNone) return;
    for (const place of [this.#pool, EVERYWHERE]) {
      const { first, end } = fenceRange(place);
      for (let from = first; ; ) {
        const found = await this.#redis.zrangebylex(
          this.#keys.fenceKeys,
          from,
          end,
          'LIMIT',
          0,
          AGENTS_AT_ONCE,
        );
        if (found.length > 0) yield found.map((key) => parseFenceKey(key).agent);
        if (found.length < AGENTS_AT_ONCE) break;
        from = `(${found.at(-1)}`;
      }
    }
  }

  /** The same, each once, and with their fences. */
  async *#fences(deadline: Deadline): AsyncGenerator<{
    readonly agents: readonly string[];
    readonly marks: StandingMarks;
  }> {
    const inBoth = new Set<string>();
    for await (const page of this.#fencedAgents()) {
      deadline.check();
      const agents = page.filter((agent) => !inBoth.has(agent));
      const marks = await this.of(agents);
      for (const agent of agents) if (marks.fencesOf(agent).length > 1) inBoth.add(agent);
      yield { agents, marks };
    }
  }

  /** Memberships that are stored and void. */
  async countVoidMembers(deadline: Deadline): Promise<number> {
    let count = 0;
    for await (const { agents, marks } of this.#fences(deadline)) {
      if (agents.length === 0) continue;
      // biome-ignore lint/plugin/no-spread: AGENTS_AT_ONCE
      for (const json of await this.#redis.hmget(this.#keys.members(this.#pool), ...agents)) {
        if (json !== null && memberAsOf(parse<Member>(json), marks) === undefined) count++;
      }
    }
    return count;
  }

  /** Standing offers that are stored and void: an agent has few. */
  async countVoidOffers(deadline: Deadline): Promise<number> {
    const keys = this.#keys;
    let count = 0;
    for await (const { agents, marks } of this.#fences(deadline)) {
      const names = await Promise.all(
        // Between `agent/` and what follows that.
        agents.map((agent) =>
          this.#redis.zrangebylex(keys.offerNames(this.#pool), `[${agent}/`, `(${agent}0`),
        ),
      );
      for (const some of names.filter(({ length }) => length > 0)) {
        // biome-ignore lint/plugin/no-spread: MAX_OFFERS_PER_AGENT
        for (const json of await this.#redis.hmget(keys.offers(this.#pool), ...some))
          if (json !== null && offerAsOf(parse<Offer>(json), marks) === undefined) count++;
      }
    }
    return count;
  }

  /** Tasks that are stored as held, by claims that are void: as they are stored, and as they are. */
  async *voidClaims(deadline: Deadline): AsyncGenerator<{ readonly stored: Task; readonly seen: Task }> {
    const { closedAt } = this;
    for await (const { agents, marks } of this.#fences(deadline)) {
      for (let from = 0; from < agents.length; from += HOLDERS_AT_ONCE) {
        const held = await this.#heldBy(agents.slice(from, from + HOLDERS_AT_ONCE));
        for await (const { task: stored } of this.#tasks(held, deadline)) {
          if (stored === undefined) continue;
          const seen = taskAsOf(stored, { ...marks, closedAt });
          if (seen !== stored) yield { stored, seen };
        }
      }
    }
  }

  async #heldBy(agents: readonly string[]): Promise<readonly string[]> {
    const asked = agents.flatMap((agent) =>
      HELD.map((state) =>
        this.#redis.zrange(this.#keys.entitiesOf(this.#pool, 'task', agent, state), 0, '-1'),
      ),
    );
    return (await Promise.all(asked)).flat();
  }

  /** Does anything follow here that has not been told? What a ban from everywhere voids is owed by no pool of its own. */
  async isOwing(deadline: Deadline): Promise<boolean> {
    if (this.hasTurn || (await this.countVoidMembers(deadline)) > 0) return true;
    if ((await this.countVoidOffers(deadline)) > 0) return true;
    for await (const _ of this.voidClaims(deadline)) return true;
    return false;
  }
}

/** Of which decision something follows that has not been told is for those who tell it. */
function shown(task: Task): Task {
  if (task.because === undefined) return task;
  const { because: _, ...rest } = task;
  return rest;
}
