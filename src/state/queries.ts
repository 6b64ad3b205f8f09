/** Reads for agents and operators: from Redis, by any worker, of any shard. Lists come from indexes, never from scans. */
import { z } from 'zod';
import { type Deadline, NO_DEADLINE } from '../lib/deadline.ts';
import { listedAuction, type PublicAuction, publicAuction } from '../protocol/auctions.ts';
import type { Code } from '../protocol/codes.ts';
import { type PublicDelegation, publicDelegation } from '../protocol/delegations.ts';
import {
  COMMONS_POOL,
  type Member,
  type Pool,
  TASK_STATES,
  type Task,
  type TaskState,
} from '../protocol/documents.ts';
import { ENTITY_STATES, type Entities, type EntityKind } from '../protocol/entities.ts';
import { MAX_PAGE } from '../protocol/limits.ts';
import { COMMONS } from '../protocol/names.ts';
import { type PublicNegotiation, publicNegotiation } from '../protocol/negotiations.ts';
import { decisionKey, type Outcome } from '../protocol/outcome.ts';
import type { Page, PoolStats, QueryAnswers, QueryOf, ShardStats } from '../protocol/queries.ts';
import { DEFAULT_SETTINGS, type Settings } from '../protocol/settings.ts';
import { shardOf } from '../protocol/shard.ts';
import { shownAdmission } from '../protocol/visibility.ts';
import { type PublicVote, publicBallots, publicVote } from '../protocol/votes.ts';
import { type ShardKeys, shardKeys } from './keys.ts';
import { workerNameOf } from './lease.ts';
import { PageBuilder } from './page-builder.ts';
import { PendingTasks } from './pending-tasks.ts';
import type { Redis } from './redis.ts';
import { pairs, parse } from './replies.ts';

type Answer<T> = { readonly ok: T } | { readonly error: { readonly code: Code; readonly message: string } };

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
    const json = await this.#redis.hget(this.#of(pool).tasks(pool), taskId);
    return json === null
      ? notFound('task_not_found', `there is no task ${taskId} in ${pool}`)
      : { ok: parse(json) };
  }

  async tasks(query: QueryOf<'tasks'>, deadline = NO_DEADLINE): Promise<Answer<Page<Task>>> {
    const { pool = COMMONS, state, agent } = query;
    if ((await this.#pool(pool)) === undefined) return noSuchPool(pool);
    const keys = this.#of(pool);
    const states: readonly TaskState[] = state === undefined ? TASK_STATES : [state].flat();
    const sources = states.map((name) =>
      agent === undefined ? keys.tasksIn(pool, name) : keys.tasksOf(pool, agent, name),
    );
    const wanted = new Set(states);
    return await this.#inOrder<Task, Task>(sources, keys.tasks(pool), query, deadline, (task) =>
      wanted.has(task.state) ? task : undefined,
    );
  }

  async pendingTasks(query: QueryOf<'pending-tasks'>, deadline = NO_DEADLINE): Promise<Answer<Page<Task>>> {
    const pools = query.pools ?? (await this.#allPoolsOf(query.agent, deadline));
    const page = await this.#pending.page([...new Set(pools)], query, deadline);
    return page === undefined
      ? notFound('invalid_query', 'cursor: not a cursor of this query')
      : { ok: page };
  }

  async pool({ pool }: QueryOf<'pool'>): Promise<Answer<QueryAnswers['pool']>> {
    const doc = await this.#pool(pool);
    if (doc === undefined) return noSuchPool(pool);
    return { ok: { ...publicPool(doc), members: await this.#redis.hlen(this.#of(pool).members(pool)) } };
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
      this.#allShards().map((keys) =>
        this.#redis.zrangebylex(keys.poolsOf(agent), start, '+', 'LIMIT', 0, limit + 1),
      ),
    );
    const isBeforeCommons = cursor === undefined || cursor < COMMONS;
    const all = [...new Set([...perShard.flat(), ...(isBeforeCommons ? [COMMONS] : [])])].sort();
    const pools = all.slice(0, limit);
    const last = pools.at(-1);
    return { ok: all.length > limit && last !== undefined ? { pools, cursor: last } : { pools } };
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
    if ((await this.#pool(pool)) === undefined) return noSuchPool(pool);
    const keys = this.#of(pool);
    const start = cursor === undefined ? '-' : `(${cursor}`;
    const names = await this.#redis.zrangebylex(keys.memberNames(pool), start, '+', 'LIMIT', 0, limit + 1);
    return {
      ok: await named(names, limit, deadline, async (some) => {
        // biome-ignore lint/plugin/no-spread: PAGE
        const found = await this.#redis.hmget(keys.members(pool), ...some);
        return found.map((json) => json && { json, item: parse<Member>(json) });
      }),
    };
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
    return await this.#entities('auction', query, listedAuction, deadline);
  }

  async vote({ pool = COMMONS, voteId, ...page }: QueryOf<'vote'>): Promise<Answer<QueryAnswers['vote']>> {
    const vote = await this.#entity('vote', pool, voteId);
    return vote === undefined
      ? notFound('vote_not_found', `there is no vote ${voteId} in ${pool}`)
      : { ok: { ...publicVote(vote), ballots: publicBallots(vote, page) } };
  }

  async votes(query: QueryOf<'votes'>, deadline = NO_DEADLINE): Promise<Answer<Page<PublicVote>>> {
    return await this.#entities('vote', query, publicVote, deadline);
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
    return await this.#entities('delegation', query, publicDelegation, deadline);
  }

  async #entity<K extends EntityKind>(kind: K, pool: string, id: string): Promise<Entities[K] | undefined> {
    const json = await this.#redis.hget(this.#of(pool).entities(pool, kind), id);
    return json === null ? undefined : parse<Entities[K]>(json);
  }

  /** A page of one kind, by order of opening; of one state, or of all. Of delegations, those of one agent if wanted. */
  async #entities<K extends EntityKind, T>(
    kind: K,
    query: PageQuery & { pool?: string | undefined; state?: string | undefined; agent?: string | undefined },
    view: (entity: Entities[K]) => T,
    deadline: Deadline,
  ): Promise<Answer<Page<T>>> {
    const { pool = COMMONS, state, agent } = query;
    if ((await this.#pool(pool)) === undefined) return noSuchPool(pool);
    const keys = this.#of(pool);
    const states = state === undefined ? ENTITY_STATES[kind] : [state];
    const sources = states.map((name) =>
      agent === undefined ? keys.entitiesIn(pool, kind, name) : keys.delegationsOf(pool, agent, name),
    );
    const wanted = new Set(states);
    return await this.#inOrder<Entities[K], T>(
      sources,
      keys.entities(pool, kind),
      query,
      deadline,
      (entity) => (wanted.has(entity.state) ? view(entity) : undefined),
    );
  }

  /**
   * Documents of one hash in the order of several of its indexes together. `view` makes of a document what is shown, or
   * undefined where it has left the index since that was read. The cursor is the place of the last one shown.
   */
  async #inOrder<D, T>(
    sources: readonly string[],
    hash: string,
    { limit, cursor }: PageQuery,
    deadline: Deadline,
    view: (document: D) => T | undefined,
  ): Promise<Answer<Page<T>>> {
    let from = cursor === undefined ? -1 : Number(cursor);
    if (!Number.isSafeInteger(from)) return notFound('invalid_query', 'cursor: not a cursor of this query');
    const page = new PageBuilder<T>(limit);
    let last = from;
    for (;;) {
      deadline.check();
      const count = page.nextRead;
      const entries = await this.#entriesAfter(sources, from, count);
      if (entries.length === 0) return { ok: { items: page.items } };
      // biome-ignore lint/plugin/no-spread: PAGE
      const documents = await this.#redis.hmget(hash, ...entries.map(({ id }) => id));
      for (const [i, { order }] of entries.entries()) {
        from = Math.max(from, order);
        const json = documents[i];
        if (json == null) continue;
        page.wasRead(json);
        const shown = view(parse<D>(json));
        if (shown === undefined) continue;
        if (!page.add(shown)) return { ok: { items: page.items, cursor: String(last) } };
        last = order;
      }
      if (entries.length < count) return { ok: { items: page.items } };
    }
  }

  /** The first entries after a place, by order of submission, of several indexes together. */
  async #entriesAfter(
    sources: readonly string[],
    after: number,
    count: number,
  ): Promise<{ readonly id: string; readonly order: number }[]> {
    const lists = await Promise.all(
      sources.map((key) =>
        this.#redis.zrangebyscore(key, `(${after}`, '+inf', 'WITHSCORES', 'LIMIT', 0, count),
      ),
    );
    return lists
      .flatMap((list) => pairs(list).map(([id, order]) => ({ id, order: Number(order) })))
      .sort((a, b) => a.order - b.order)
      .slice(0, count);
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

  async poolStats(pool: string): Promise<Answer<PoolStats>> {
    if ((await this.#pool(pool)) === undefined) return noSuchPool(pool);
    const keys = this.#of(pool);
    const counts = await Promise.all(
      TASK_STATES.map((state) => this.#redis.zcard(keys.tasksIn(pool, state))),
    );
    const [first, second, third, fourth, fifth, sixth, seventh, eighth] = counts;
    const stats = {
      pool,
      members: await this.#redis.hlen(keys.members(pool)),
      tasks: {
        blocked: first ?? 0,
        scheduled: second ?? 0,
        pending: third ?? 0,
        assigned: fourth ?? 0,
        running: fifth ?? 0,
        completed: sixth ?? 0,
        failed: seventh ?? 0,
        cancelled: eighth ?? 0,
      },
      sequence: Number((await this.#redis.hget(keys.sequences, pool)) ?? 0),
    };
    return { ok: stats };
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

function publicPool(pool: Pool): Pool {
  return { ...pool, admission: shownAdmission(pool.admission) };
}

interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/**
 * A page of what is found by sorted names, of which one more than a page has was read where there is one. The cursor is
 * the last name that was looked at.
 */
async function named<T>(
  names: readonly string[],
  limit: number,
  deadline: Deadline,
  read: (some: readonly string[]) => Promise<({ readonly json: string; readonly item: T } | null | '')[]>,
): Promise<Page<T>> {
  const page = new PageBuilder<T>(limit);
  let last: string | undefined;
  for (let from = 0; from < names.length; ) {
    deadline.check();
    const some = names.slice(from, from + page.nextRead);
    for (const [i, found] of (await read(some)).entries()) {
      if (found) {
        page.wasRead(found.json);
        if (!page.add(found.item))
          return { items: page.items, ...(last === undefined ? {} : { cursor: last }) };
      }
      last = some[i];
    }
    from += some.length;
  }
  // There may be more names where one of these has no document any more.
  return { items: page.items, ...(names.length > limit && last !== undefined ? { cursor: last } : {}) };
}
