/** Reads for agents and operators: from Redis, by any worker, of any shard. Lists come from indexes, never from scans. */
import { z } from 'zod';
import { type Deadline, NO_DEADLINE } from '../lib/deadline.ts';
import { memberAsOf, offerAsOf } from '../protocol/as-of.ts';
import { listedAuction, type PublicAuction, publicAuction } from '../protocol/auctions.ts';
import type { Code } from '../protocol/codes.ts';
import { type Delegation, type PublicDelegation, publicDelegation } from '../protocol/delegations.ts';
import {
  COMMONS_POOL,
  type Member,
  type Pool,
  TASK_STATES,
  type Task,
  type TaskState,
} from '../protocol/documents.ts';
import { type Entities, type EntityKind, KINDS } from '../protocol/entities.ts';
import { MAX_PAGE } from '../protocol/limits.ts';
import { COMMONS } from '../protocol/names.ts';
import { type PublicNegotiation, publicNegotiation } from '../protocol/negotiations.ts';
import { type Offer, type PublicOffer, publicOffer } from '../protocol/offers.ts';
import { decisionKey, type Outcome } from '../protocol/outcome.ts';
import type { Page, PoolStats, QueryAnswers, QueryOf, ShardStats } from '../protocol/queries.ts';
import { DEFAULT_SETTINGS, type Settings } from '../protocol/settings.ts';
import { shardOf } from '../protocol/shard.ts';
import { shownAdmission } from '../protocol/visibility.ts';
import { type PublicVote, publicBallots, publicVote } from '../protocol/votes.ts';
import { delegationsAsOf } from './delegations-as-of.ts';
import { agentOf } from './documents-to-writes.ts';
import { type ShardKeys, shardKeys } from './keys.ts';
import { workerNameOf } from './lease.ts';
import { inOrder, named, type PageQuery } from './listing.ts';
import { PendingTasks } from './pending-tasks.ts';
import { fencesIn, PoolMarks, UNHELD } from './pool-marks.ts';
import type { Redis } from './redis.ts';
import { parse } from './replies.ts';

type Answer<T> = { readonly ok: T } | { readonly error: { readonly code: Code; readonly message: string } };

type EntityQuery = PageQuery & {
  readonly pool?: string | undefined;
  readonly state?: string | readonly string[] | undefined;
  readonly agent?: string | undefined;
};

/** What a page of entities shows. */
interface Look<K extends EntityKind, T> {
  /** What they are by the marks that stand; undefined where one does not belong here. */
  readonly seen?: (read: readonly Entities[K][]) => Promise<readonly (Entities[K] | undefined)[]>;
  readonly view: (entity: Entities[K]) => T;
}

function statesOf(kind: EntityKind, { state }: EntityQuery): readonly string[] {
  return state === undefined ? KINDS[kind].states : [state].flat();
}

function notFound<T>(code: Code, message: string): Answer<T> {
  return { error: { code, message } };
}

function noSuchPool<T>(pool: string): Answer<T> {
  return notFound('pool_not_found', `there is no pool ${pool}`);
}

const dueAndSettings = z.tuple([z.string().nullable(), z.string().nullable()]);

export class StateQueries {
  readonly #redis: Redis;
  readonly #namespace: string;
  readonly #shards: number;
  readonly #pending: PendingTasks;

  constructor(redis: Redis, namespace: string, shards: number) {
    this.#redis = redis;
    this.#pending = new PendingTasks(redis, (pool) => this.#of(pool));
    this.#namespace = namespace;
    this.#shards = shards;
  }

  async task({ pool = COMMONS, taskId }: QueryOf<'task'>): Promise<Answer<Task>> {
    const marks = await this.#marks(pool);
    const json = await this.#redis.hget(this.#of(pool).entities(pool, 'task'), taskId);
    const [task] = json === null ? [] : await marks.see([parse<Task>(json)]);
    return task === undefined
      ? notFound('task_not_found', `there is no task ${taskId} in ${pool}`)
      : { ok: task };
  }

  async tasks(query: QueryOf<'tasks'>, deadline = NO_DEADLINE): Promise<Answer<Page<Task>>> {
    const { pool = COMMONS, state, agent } = query;
    const marks = await this.#marks(pool);
    if (marks.doc === undefined) return noSuchPool(pool);
    const states: readonly TaskState[] = state === undefined ? TASK_STATES : [state].flat();
    const stored = this.#sources('task', query, states);
    // What has been given back in the meantime stands where it is looked for last.
    const sources = agent === undefined ? [...(await marks.sourcesOf(states)), ...stored] : stored;
    // What a mark has ended is not the agent's any more.
    const isTheirs = (task: Task | undefined): boolean =>
      agent === undefined || (task !== undefined && agentOf(task) === agent);
    const seen = async (read: readonly Task[]) =>
      (await marks.see(read)).map((task) => (isTheirs(task) ? task : undefined));
    return await this.#page('task', query, sources, { seen, view: (task) => task }, deadline);
  }

  async pendingTasks(query: QueryOf<'pending-tasks'>, deadline = NO_DEADLINE): Promise<Answer<Page<Task>>> {
    const pools = query.pools ?? (await this.#allPoolsOf(query.agent, deadline));
    const page = await this.#pending.page([...new Set(pools)], query, deadline);
    return page === undefined
      ? notFound('invalid_query', 'cursor: not a cursor of this query')
      : { ok: page };
  }

  async pool(
    { pool }: QueryOf<'pool'>,
    deadline: Deadline = NO_DEADLINE,
  ): Promise<Answer<QueryAnswers['pool']>> {
    const marks = await this.#marks(pool);
    if (marks.doc === undefined) return noSuchPool(pool);
    const members = await this.#members(pool, marks, deadline);
    return { ok: { ...publicPool(marks.doc), members, ...(await owed(marks, deadline)) } };
  }

  /** One whose end is published while this is read is not counted at all. */
  async #members(pool: string, marks: PoolMarks, deadline: Deadline): Promise<number> {
    const untold = await marks.countVoidMembers(deadline);
    return Math.max(0, (await this.#redis.hlen(this.#of(pool).members(pool))) - untold);
  }

  async pools({ limit, cursor }: QueryOf<'pools'>, deadline = NO_DEADLINE): Promise<Answer<Page<Pool>>> {
    const start = cursor === undefined ? '-' : `(${cursor}`;
    const names = await Promise.all(
      this.#allShards().map((keys) =>
        this.#redis.zrangebylex(keys.poolNames, start, '+', 'LIMIT', 0, limit + 1),
      ),
    );
    const isBeforeCommons = cursor === undefined || cursor < COMMONS;
    const all = [...new Set([...names.flat(), ...(isBeforeCommons ? [COMMONS] : [])])].sort();
    return {
      ok: await named(all, limit, deadline, async (some) => {
        const docs = await Promise.all(some.map((pool) => this.#poolJson(pool)));
        return docs.map((json) => json && { json, item: publicPool(parse<Pool>(json)) });
      }),
    };
  }

  async poolsOfAgent({
    agent,
    limit,
    cursor,
  }: QueryOf<'pools-of-agent'>): Promise<Answer<QueryAnswers['pools-of-agent']>> {
    const start = cursor === undefined ? '-' : `(${cursor}`;
    const perShard = await Promise.all(
      this.#allShards().map(async (keys) => {
        const [fences, names] = await Promise.all([
          this.#redis.hlen(keys.fences),
          this.#redis.zrangebylex(keys.poolsOf(agent), start, '+', 'LIMIT', 0, limit + 1),
        ]);
        return { names, left: fences === 0 ? [] : await this.#leftBy(agent, keys, names) };
      }),
    );
    const isBeforeCommons = cursor === undefined || cursor < COMMONS;
    const names = perShard.flatMap((shard) => shard.names);
    const all = [...new Set([...names, ...(isBeforeCommons ? [COMMONS] : [])])].sort();
    const page = all.slice(0, limit);
    const left = new Set(perShard.flatMap((shard) => shard.left));
    const pools = page.filter((pool) => pool === COMMONS || !left.has(pool));
    const last = page.at(-1);
    return { ok: all.length > limit && last !== undefined ? { pools, cursor: last } : { pools } };
  }

  /** Of the pools in which a membership of the agent was stored, those in which it is void, or is not any more. */
  async #leftBy(agent: string, keys: ShardKeys, pools: readonly string[]): Promise<readonly string[]> {
    const fences = await fencesIn(this.#redis, keys, agent, pools);
    const asked = this.#redis.pipeline();
    for (const pool of pools) asked.hget(keys.members(pool), agent);
    const documents = pools.length === 0 ? [] : ((await asked.exec()) ?? []);
    return pools.filter((_, i) => {
      const [error, json] = documents[i] ?? [];
      if (error) throw error;
      const member = typeof json === 'string' ? parse<Member>(json) : undefined;
      return member === undefined || memberAsOf(member, { fencesOf: () => fences[i] ?? [] }) === undefined;
    });
  }

  async #allPoolsOf(agent: string, deadline: Deadline): Promise<readonly string[]> {
    const pools: string[] = [];
    for (let cursor: string | undefined; ; ) {
      deadline.check();
      const page = await this.poolsOfAgent({ agent, limit: MAX_PAGE, cursor });
      if ('error' in page) return pools;
      for (const pool of page.ok.pools) pools.push(pool);
      cursor = page.ok.cursor;
      if (cursor === undefined) return pools;
    }
  }

  async members(
    { pool, limit, cursor }: QueryOf<'members'>,
    deadline = NO_DEADLINE,
  ): Promise<Answer<Page<Member>>> {
    const marks = await this.#marks(pool);
    if (marks.doc === undefined) return noSuchPool(pool);
    const keys = this.#of(pool);
    const start = cursor === undefined ? '-' : `(${cursor}`;
    const names = await this.#redis.zrangebylex(keys.memberNames(pool), start, '+', 'LIMIT', 0, limit + 1);
    return {
      ok: await named(names, limit, deadline, async (some) => {
        const standing = await marks.of(some);
        // biome-ignore lint/plugin/no-spread: PAGE
        const found = await this.#redis.hmget(keys.members(pool), ...some);
        return found.map((json) => json && { json, item: memberAsOf(parse<Member>(json), standing) });
      }),
    };
  }

  /** By agent and name. One that time has ended is here until a Sweep has said so. */
  async offers(
    { pool = COMMONS, limit, cursor }: QueryOf<'offers'>,
    deadline = NO_DEADLINE,
  ): Promise<Answer<Page<PublicOffer>>> {
    const marks = await this.#marks(pool);
    if (marks.doc === undefined) return noSuchPool(pool);
    const keys = this.#of(pool);
    const start = cursor === undefined ? '-' : `(${cursor}`;
    const names = await this.#redis.zrangebylex(keys.offerNames(pool), start, '+', 'LIMIT', 0, limit + 1);
    return {
      ok: await named(names, limit, deadline, async (some) => {
        const standing = await marks.of(some.map((key) => key.slice(0, key.indexOf('/'))));
        // biome-ignore lint/plugin/no-spread: PAGE
        const found = await this.#redis.hmget(keys.offers(pool), ...some);
        return found.map((json) => {
          if (json === null || marks.closedAt !== undefined) return null;
          const offer = offerAsOf(parse<Offer>(json), standing);
          return { json, item: offer && publicOffer(offer) };
        });
      }),
    };
  }

  async #offers(pool: string, marks: PoolMarks, deadline: Deadline): Promise<number> {
    if (marks.closedAt !== undefined) return 0;
    const untold = await marks.countVoidOffers(deadline);
    return Math.max(0, (await this.#redis.hlen(this.#of(pool).offers(pool))) - untold);
  }

  /** Elsewhere than on the shard of the pool is what concerns another shard as a whole, or was sent to the wrong one. */
  async outcome({ pool, agent, decisionId }: QueryOf<'outcome'>): Promise<Answer<Outcome>> {
    const key = decisionKey(pool, agent, decisionId);
    const json =
      (await this.#outcomeOn([this.#of(pool)], key)) ?? (await this.#outcomeOn(this.#allShards(), key));
    return json === undefined
      ? notFound('outcome_not_found', `there is no stored outcome of ${decisionId} by ${agent} in ${pool}`)
      : { ok: parse(json) };
  }

  async #outcomeOn(shards: readonly ShardKeys[], key: string): Promise<string | undefined> {
    const found = await Promise.all(
      shards.flatMap((keys) => [this.#redis.hget(keys.outcomes, key), this.#redis.hget(keys.receipts, key)]),
    );
    return found.find((text) => text !== null) ?? undefined;
  }

  async auction({ pool = COMMONS, auctionId }: QueryOf<'auction'>): Promise<Answer<PublicAuction>> {
    const auction = await this.#entity('auction', pool, auctionId);
    if (auction === undefined)
      return notFound('auction_not_found', `there is no auction ${auctionId} in ${pool}`);
    return { ok: publicAuction(auction) };
  }

  async auctions(query: QueryOf<'auctions'>, deadline = NO_DEADLINE): Promise<Answer<Page<PublicAuction>>> {
    return await this.#entities('auction', query, { view: listedAuction }, deadline);
  }

  async vote({ pool = COMMONS, voteId, ...page }: QueryOf<'vote'>): Promise<Answer<QueryAnswers['vote']>> {
    const vote = await this.#entity('vote', pool, voteId);
    return vote === undefined
      ? notFound('vote_not_found', `there is no vote ${voteId} in ${pool}`)
      : { ok: { ...publicVote(vote), ballots: publicBallots(vote, page) } };
  }

  async votes(query: QueryOf<'votes'>, deadline = NO_DEADLINE): Promise<Answer<Page<PublicVote>>> {
    return await this.#entities('vote', query, { view: publicVote }, deadline);
  }

  async negotiation({
    pool = COMMONS,
    sessionId,
  }: QueryOf<'negotiation'>): Promise<Answer<PublicNegotiation>> {
    const session = await this.#entity('negotiation', pool, sessionId);
    return session === undefined
      ? notFound('session_not_found', `there is no session ${sessionId} in ${pool}`)
      : { ok: publicNegotiation(session) };
  }

  async delegations(
    query: QueryOf<'delegations'>,
    deadline = NO_DEADLINE,
  ): Promise<Answer<Page<PublicDelegation>>> {
    const { pool = COMMONS } = query;
    const hash = this.#of(pool).entities(pool, 'delegation');
    const { hasTurn } = await this.#marks(pool);
    const seen = (read: readonly Delegation[]) => delegationsAsOf(this.#redis, hash, read);
    const look = hasTurn ? { seen, view: publicDelegation } : { view: publicDelegation };
    return await this.#entities('delegation', query, look, deadline);
  }

  #marks(pool: string): Promise<PoolMarks> {
    return PoolMarks.read(this.#redis, this.#of(pool), pool);
  }

  async #entity<K extends EntityKind>(kind: K, pool: string, id: string): Promise<Entities[K] | undefined> {
    const json = await this.#redis.hget(this.#of(pool).entities(pool, kind), id);
    return json === null ? undefined : parse<Entities[K]>(json);
  }

  async #entities<K extends EntityKind, T>(
    kind: K,
    query: EntityQuery,
    look: Look<K, T>,
    deadline: Deadline,
  ): Promise<Answer<Page<T>>> {
    if ((await this.#pool(query.pool ?? COMMONS)) === undefined) return noSuchPool(query.pool ?? COMMONS);
    // Where some may be seen in another state than they are stored in, all are looked at.
    const states = look.seen === undefined ? statesOf(kind, query) : KINDS[kind].states;
    return await this.#page(kind, query, this.#sources(kind, query, states), look, deadline);
  }

  /** The indexes of those that are stored in these states; of one agent's if wanted. */
  #sources(kind: EntityKind, { pool = COMMONS, agent }: EntityQuery, states: readonly string[]) {
    const keys = this.#of(pool);
    return states.map((state) =>
      agent === undefined || (kind !== 'task' && kind !== 'delegation')
        ? keys.entitiesIn(pool, kind, state)
        : keys.entitiesOf(pool, kind, agent, state),
    );
  }

  /** A page of one kind, by order of opening; of some states, or of all. */
  async #page<K extends EntityKind, T>(
    kind: K,
    query: EntityQuery,
    sources: readonly string[],
    { seen = async (read) => read, view }: Look<K, T>,
    deadline: Deadline,
  ): Promise<Answer<Page<T>>> {
    const wanted = new Set(statesOf(kind, query));
    const show = async (read: readonly Entities[K][]) =>
      (await seen(read)).map((entity) =>
        entity !== undefined && wanted.has(entity.state) ? view(entity) : undefined,
      );
    const { pool = COMMONS } = query;
    const hash = this.#of(pool).entities(pool, kind);
    return paged(await inOrder<Entities[K], T>(this.#redis, sources, hash, query, deadline, show));
  }

  async shardStats(): Promise<ShardStats[]> {
    return await Promise.all(
      this.#allShards().map(async (keys, shard) => {
        const [[seq, now, settings], owner, halted, outcomes, outbox] = await Promise.all([
          this.#redis.hmget(keys.meta, 'seq', 'now', 'settings'),
          this.#redis.get(keys.lease),
          this.#redis.get(keys.halted),
          this.#redis.llen(keys.outcomeOrder),
          this.#redis.hlen(keys.outbox),
        ]);
        return {
          shard,
          position: Number(seq ?? 0),
          at: Number(now ?? 0),
          owner: owner === null ? undefined : workerNameOf(owner),
          halted: halted ?? undefined,
          outcomeRetentionMs: (settings == null ? DEFAULT_SETTINGS : parse<Settings>(settings))
            .outcomeRetentionMs,
          outcomes,
          outbox,
        };
      }),
    );
  }

  async poolStats(pool: string, deadline: Deadline = NO_DEADLINE): Promise<Answer<PoolStats>> {
    const marks = await this.#marks(pool);
    if (marks.doc === undefined) return noSuchPool(pool);
    const keys = this.#of(pool);
    const counts = new Map<TaskState, number>();
    const add = (state: TaskState, count: number): void => {
      counts.set(state, (counts.get(state) ?? 0) + count);
    };
    for await (const { stored, seen } of marks.voidClaims(deadline)) {
      add(stored.state, -1);
      add(seen.state, 1);
    }
    await Promise.all(
      TASK_STATES.map(async (state) => {
        const stored = await this.#redis.zcard(keys.entitiesIn(pool, 'task', state));
        const isOver = marks.closedAt !== undefined && UNHELD_STATES.has(state);
        add(isOver ? 'cancelled' : state, stored);
      }),
    );
    const [members, offers, sequence, isOwing] = await Promise.all([
      this.#members(pool, marks, deadline),
      this.#offers(pool, marks, deadline),
      this.#redis.hget(keys.sequences, pool),
      owed(marks, deadline),
    ]);
    const of = (state: TaskState): number => counts.get(state) ?? 0;
    const tasks = {
      blocked: of('blocked'),
      scheduled: of('scheduled'),
      pending: of('pending'),
      assigned: of('assigned'),
      running: of('running'),
      completed: of('completed'),
      failed: of('failed'),
      cancelled: of('cancelled'),
    };
    return { ok: { pool, members, offers, tasks, sequence: Number(sequence ?? 0), ...isOwing } };
  }

  /**
   * Of each shard, when it next falls due and the settings that it applies; undefined where there are none yet. One
   * write to Redis for all of them: a sweeper asks every second, also when there is nothing to do.
   */
  async sweepStates(): Promise<{ dueAt: number | undefined; settings: string | undefined }[]> {
    const asked = this.#redis.pipeline();
    for (const { meta } of this.#allShards()) asked.hmget(meta, 'due', 'settings');
    const answers = (await asked.exec()) ?? [];
    return answers.map(([error, fields]) => {
      if (error !== null) throw error;
      const [due, settings] = dueAndSettings.parse(fields);
      return { dueAt: due === null || due === '' ? undefined : Number(due), settings: settings ?? undefined };
    });
  }

  async #pool(pool: string): Promise<Pool | undefined> {
    const json = await this.#poolJson(pool);
    return json === null ? undefined : parse<Pool>(json);
  }

  /** `commons` exists without having been created. */
  async #poolJson(pool: string): Promise<string | null> {
    const json = await this.#redis.hget(this.#of(pool).pools, pool);
    return json === null && pool === COMMONS ? JSON.stringify(COMMONS_POOL) : json;
  }

  #of(pool: string): ShardKeys {
    return shardKeys(this.#namespace, shardOf(pool, this.#shards));
  }

  #allShards(): ShardKeys[] {
    return Array.from({ length: this.#shards }, (_, shard) => shardKeys(this.#namespace, shard));
  }
}

/** In a closed pool they are over, whether or not that has been told. */
const UNHELD_STATES: ReadonlySet<TaskState> = new Set(UNHELD);

/** Says so where something follows from what was decided that has not been told. */
async function owed(marks: PoolMarks, deadline: Deadline): Promise<{ readonly owed?: true }> {
  return (await marks.isOwing(deadline)) ? { owed: true } : {};
}

function paged<T>(page: Page<T> | undefined): Answer<Page<T>> {
  return page === undefined ? notFound('invalid_query', 'cursor: not a cursor of this query') : { ok: page };
}

function publicPool(pool: Pool): Pool {
  const { because: _, ...shown } = pool;
  return { ...shown, admission: shownAdmission(pool.admission) };
}
