/** Reads for agents and operators: from Redis, by any worker, of any shard. Lists come from indexes, never from scans. */
import { z } from 'zod';
import { listedAuction, type PublicAuction, publicAuction } from '../protocol/auctions.ts';
import type { Code } from '../protocol/codes.ts';
import {
  type Delegation,
  isPartyTo,
  type PublicDelegation,
  publicDelegation,
} from '../protocol/delegations.ts';
import {
  COMMONS_POOL,
  isClaimable,
  type Member,
  type Pool,
  satisfies,
  TASK_STATES,
  type Task,
  type TaskState,
} from '../protocol/documents.ts';
import { ENTITY_STATES, type Entities, type EntityKind } from '../protocol/entities.ts';
import { COMMONS } from '../protocol/names.ts';
import { type PublicNegotiation, publicNegotiation } from '../protocol/negotiations.ts';
import { decisionKey, type Outcome } from '../protocol/outcome.ts';
import type { Page, PoolStats, QueryAnswers, QueryOf, ShardStats } from '../protocol/queries.ts';
import { shardOf } from '../protocol/shard.ts';
import { type PublicVote, publicBallots, publicVote } from '../protocol/votes.ts';
import { type ShardKeys, shardKeys, taskIdOfPendingMember } from './keys.ts';
import { workerNameOf } from './lease.ts';
import type { Redis } from './redis.ts';
import { pairs, parse } from './replies.ts';

type Answer<T> = { readonly ok: T } | { readonly error: { readonly code: Code; readonly message: string } };

function notFound<T>(code: Code, message: string): Answer<T> {
  return { error: { code, message } };
}

function noSuchPool<T>(pool: string): Answer<T> {
  return notFound('pool_not_found', `there is no pool ${pool}`);
}

/** What a page of pending tasks costs at most: more classes than this are not looked into. */
const MAX_CLASSES = 10_000;

const dueAndSettings = z.tuple([z.string().nullable(), z.string().nullable()]);

export class StateQueries {
  readonly #redis: Redis;
  readonly #namespace: string;
  readonly #shards: number;

  constructor(redis: Redis, namespace: string, shards: number) {
    this.#redis = redis;
    this.#namespace = namespace;
    this.#shards = shards;
  }

  async task({ pool = COMMONS, taskId }: QueryOf<'task'>): Promise<Answer<Task>> {
    const json = await this.#redis.hget(this.#of(pool).tasks(pool), taskId);
    return json === null
      ? notFound('task_not_found', `there is no task ${taskId} in ${pool}`)
      : { ok: parse(json) };
  }

  async tasks({
    pool = COMMONS,
    state,
    agent,
    limit,
    cursor,
  }: QueryOf<'tasks'>): Promise<Answer<Page<Task>>> {
    if ((await this.#pool(pool)) === undefined) return noSuchPool(pool);
    const keys = this.#of(pool);
    const states: readonly TaskState[] = state === undefined ? TASK_STATES : [state].flat();
    const after = cursor === undefined ? -1 : Number(cursor);
    if (!Number.isSafeInteger(after)) return notFound('invalid_query', 'cursor: not one of ours');
    const sources =
      agent === undefined ? states.map((name) => keys.tasksIn(pool, name)) : [keys.tasksOf(pool, agent)];
    const wanted = new Set(states);
    const items: Task[] = [];
    let from = after;
    for (;;) {
      const ids = await this.#idsAfter(sources, from, limit + 1);
      const tasks = await this.#documents<Task>(keys.tasks(pool), ids);
      for (const task of tasks) {
        from = Math.max(from, task.order);
        if (wanted.has(task.state)) items.push(task);
      }
      if (items.length > limit || ids.length <= limit) break;
    }
    const page = items.slice(0, limit);
    const last = page.at(-1);
    return {
      ok:
        items.length > limit && last !== undefined
          ? { items: page, cursor: String(last.order) }
          : { items: page },
    };
  }

  /** The first ids, by order of submission, of several indexes together. */
  async #idsAfter(sources: readonly string[], after: number, count: number): Promise<string[]> {
    const lists = await Promise.all(
      sources.map((key) =>
        this.#redis.zrangebyscore(key, `(${after}`, '+inf', 'WITHSCORES', 'LIMIT', 0, count),
      ),
    );
    const entries = lists.flatMap((list) => pairs(list).map(([id, order]) => ({ id, order: Number(order) })));
    return entries
      .sort((a, b) => a.order - b.order)
      .slice(0, count)
      .map(({ id }) => id);
  }

  async pendingTasks({
    agent,
    pools,
    capabilities,
    limit,
  }: QueryOf<'pending-tasks'>): Promise<Answer<Page<Task>>> {
    const visible = pools ?? (await this.#poolsOf(agent));
    const perPool = await Promise.all(
      visible.map((pool) => this.#pendingIn(pool, agent, capabilities, limit)),
    );
    const tasks = perPool.flat().sort((a, b) => b.priority - a.priority || a.submittedAt - b.submittedAt);
    return { ok: { items: tasks.slice(0, limit) } };
  }

  /** Which classes a member may claim is decided per class; of those only the best tasks are read. */
  async #pendingIn(
    pool: string,
    agent: string,
    given: readonly string[] | undefined,
    limit: number,
  ): Promise<Task[]> {
    const keys = this.#of(pool);
    const [doc, memberJson, classes] = await Promise.all([
      this.#pool(pool),
      this.#redis.hget(keys.members(pool), agent),
      this.#redis.hgetall(keys.pendingClasses(pool)),
    ]);
    const isMember = memberJson !== null || pool === COMMONS;
    if (doc === undefined || doc.state === 'closed' || doc.pausedAt !== undefined || !isMember) return [];
    const own = memberJson === null ? [] : parse<Member>(memberJson).capabilities;
    const capabilities = new Set(given ?? own);
    const eligible = Object.entries(classes)
      .slice(0, MAX_CLASSES)
      .filter(([, claimClass]) => isEligible(claimClass, capabilities));
    const lists = await Promise.all(
      eligible.map(([hash]) =>
        this.#redis.zrange(keys.pending(pool, hash), 0, String(limit - 1), 'WITHSCORES'),
      ),
    );
    const best = lists
      .flatMap((list) => pairs(list).map(([member, score]) => ({ member, score: Number(score) })))
      .sort((a, b) => a.score - b.score || (a.member < b.member ? -1 : 1))
      .slice(0, limit);
    const tasks = await this.#documents<Task>(
      keys.tasks(pool),
      best.map(({ member }) => taskIdOfPendingMember(member)),
    );
    const now = Date.now();
    return tasks.filter((task) => isClaimable(task) && (task.deadline ?? now + 1) > now);
  }

  async pool({ pool }: QueryOf<'pool'>): Promise<Answer<QueryAnswers['pool']>> {
    const doc = await this.#pool(pool);
    if (doc === undefined) return noSuchPool(pool);
    return { ok: { ...publicPool(doc), members: await this.#redis.hlen(this.#of(pool).members(pool)) } };
  }

  async pools({ limit, cursor }: QueryOf<'pools'>): Promise<Answer<Page<Pool>>> {
    const start = cursor === undefined ? '-' : `(${cursor}`;
    const names = await Promise.all(
      this.#allShards().map((keys) =>
        this.#redis.zrangebylex(keys.poolNames, start, '+', 'LIMIT', 0, limit + 1),
      ),
    );
    const isBeforeCommons = cursor === undefined || cursor < COMMONS;
    const all = [...new Set([...names.flat(), ...(isBeforeCommons ? [COMMONS] : [])])].sort();
    const page = all.slice(0, limit);
    const docs = await Promise.all(page.map((pool) => this.#pool(pool)));
    const items = docs.flatMap((doc) => (doc === undefined ? [] : [publicPool(doc)]));
    const last = page.at(-1);
    return { ok: all.length > limit && last !== undefined ? { items, cursor: last } : { items } };
  }

  async poolsOfAgent({ agent }: QueryOf<'pools-of-agent'>): Promise<Answer<QueryAnswers['pools-of-agent']>> {
    return { ok: { pools: await this.#poolsOf(agent) } };
  }

  async members({ pool, limit, cursor }: QueryOf<'members'>): Promise<Answer<Page<Member>>> {
    if ((await this.#pool(pool)) === undefined) return noSuchPool(pool);
    const keys = this.#of(pool);
    const start = cursor === undefined ? '-' : `(${cursor}`;
    const names = await this.#redis.zrangebylex(keys.memberNames(pool), start, '+', 'LIMIT', 0, limit + 1);
    const page = names.slice(0, limit);
    const items = await this.#documents<Member>(keys.members(pool), page);
    const last = page.at(-1);
    return { ok: names.length > limit && last !== undefined ? { items, cursor: last } : { items } };
  }

  /** Without the pool every shard is asked: decision ids are an agent's own, not a shard's. */
  async outcome({ agent, decisionId, pool }: QueryOf<'outcome'>): Promise<Answer<Outcome>> {
    const key = decisionKey(agent, decisionId);
    const shards = pool === undefined ? this.#allShards() : [this.#of(pool)];
    const found = await Promise.all(
      shards.flatMap((keys) => [this.#redis.hget(keys.outcomes, key), this.#redis.hget(keys.receipts, key)]),
    );
    const json = found.find((text) => text !== null);
    return json == null
      ? notFound('outcome_not_found', `no outcome of ${decisionId} by ${agent} is remembered`)
      : { ok: parse(json) };
  }

  async auction({ pool = COMMONS, auctionId }: QueryOf<'auction'>): Promise<Answer<PublicAuction>> {
    const auction = await this.#entity('auction', pool, auctionId);
    if (auction === undefined)
      return notFound('auction_not_found', `there is no auction ${auctionId} in ${pool}`);
    return { ok: publicAuction(auction) };
  }

  async auctions(query: QueryOf<'auctions'>): Promise<Answer<Page<PublicAuction>>> {
    return await this.#entities('auction', query, listedAuction);
  }

  async vote({ pool = COMMONS, voteId, ...page }: QueryOf<'vote'>): Promise<Answer<QueryAnswers['vote']>> {
    const vote = await this.#entity('vote', pool, voteId);
    return vote === undefined
      ? notFound('vote_not_found', `there is no vote ${voteId} in ${pool}`)
      : { ok: { ...publicVote(vote), ballots: publicBallots(vote, page) } };
  }

  async votes(query: QueryOf<'votes'>): Promise<Answer<Page<PublicVote>>> {
    return await this.#entities('vote', query, publicVote);
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

  async delegations(query: QueryOf<'delegations'>): Promise<Answer<Page<PublicDelegation>>> {
    const { agent } = query;
    const concerns = (delegation: Delegation): boolean => agent === undefined || isPartyTo(delegation, agent);
    return await this.#entities('delegation', query, publicDelegation, concerns);
  }

  async #entity<K extends EntityKind>(kind: K, pool: string, id: string): Promise<Entities[K] | undefined> {
    const json = await this.#redis.hget(this.#of(pool).entities(pool, kind), id);
    return json === null ? undefined : parse<Entities[K]>(json);
  }

  /** A page of one kind, by order of opening; of one state, or of all. */
  async #entities<K extends EntityKind, T>(
    kind: K,
    {
      pool = COMMONS,
      state,
      limit,
      cursor,
    }: { pool?: string | undefined; state?: string | undefined; limit: number; cursor?: string | undefined },
    view: (entity: Entities[K]) => T,
    wanted: (entity: Entities[K]) => boolean = () => true,
  ): Promise<Answer<Page<T>>> {
    if ((await this.#pool(pool)) === undefined) return noSuchPool(pool);
    const keys = this.#of(pool);
    let after = cursor === undefined ? -1 : Number(cursor);
    if (!Number.isSafeInteger(after)) return notFound('invalid_query', 'cursor: not one of ours');
    const sources = (state === undefined ? ENTITY_STATES[kind] : [state]).map((name) =>
      keys.entitiesIn(pool, kind, name),
    );
    const items: Entities[K][] = [];
    for (;;) {
      const ids = await this.#idsAfter(sources, after, limit + 1);
      const found = await this.#documents<Entities[K]>(keys.entities(pool, kind), ids);
      for (const entity of found) {
        after = Math.max(after, entity.order);
        if (wanted(entity)) items.push(entity);
      }
      if (items.length > limit || ids.length <= limit) break;
    }
    const page = items.slice(0, limit);
    const last = page.at(-1);
    const more = items.length > limit && last !== undefined ? { cursor: String(last.order) } : {};
    return { ok: { items: page.map(view), ...more } };
  }

  async shardStats(): Promise<ShardStats[]> {
    return await Promise.all(
      this.#allShards().map(async (keys, shard) => {
        const [[seq, now], owner, halted, outcomes, outbox] = await Promise.all([
          this.#redis.hmget(keys.meta, 'seq', 'now'),
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
    const json = await this.#redis.hget(this.#of(pool).pools, pool);
    if (json !== null) return parse<Pool>(json);
    return pool === COMMONS ? COMMONS_POOL : undefined;
  }

  async #poolsOf(agent: string): Promise<string[]> {
    const perShard = await Promise.all(
      this.#allShards().map((keys) => this.#redis.zrange(keys.poolsOf(agent), 0, '-1')),
    );
    return [...new Set([COMMONS, ...perShard.flat()])].sort();
  }

  async #documents<T>(key: string, ids: readonly string[]): Promise<T[]> {
    if (ids.length === 0) return [];
    // biome-ignore lint/plugin/no-spread: PAGE
    return (await this.#redis.hmget(key, ...ids)).flatMap((json) => (json === null ? [] : [parse<T>(json)]));
  }

  #of(pool: string): ShardKeys {
    return shardKeys(this.#namespace, shardOf(pool, this.#shards));
  }

  #allShards(): ShardKeys[] {
    return Array.from({ length: this.#shards }, (_, shard) => shardKeys(this.#namespace, shard));
  }
}

/** A pool as anyone may see it: not the digest of its token, which could be guessed at leisure. */
function publicPool(pool: Pool): Pool {
  return pool.admission.kind === 'token' ? { ...pool, admission: { kind: 'token', sha256: '' } } : pool;
}

function isEligible(claimClass: string, capabilities: ReadonlySet<string>): boolean {
  if (claimClass === '') return true;
  const [, requirements]: [string | null, readonly (readonly string[])[]] = JSON.parse(claimClass);
  return satisfies(capabilities, requirements);
}
