/**
 * Keeps private pools: what is asked about a pool that is not open is answered to who may know of it, and to everyone
 * else as if there were no such pool. For systems whose NATS server says who is who.
 */

import type { QueryHandlers } from '../../bus/query-service.ts';
import type { Deadline } from '../../lib/deadline.ts';
import type { Pool } from '../../protocol/documents.ts';
import type { Asker } from '../../protocol/identity.ts';
import { MAX_ANSWER_BYTES, MAX_PAGE } from '../../protocol/limits.ts';
import { pushAll } from '../../protocol/lists.ts';
import { COMMONS } from '../../protocol/names.ts';
import { isPublic } from '../../protocol/visibility.ts';
import type { Readable } from '../../rules/index.ts';
import type { PoolSight } from './pool-sight.ts';

/** How many pools are looked at together in search of those that can be seen. */
const MIN_POOLS_READ = 200;
/** Pools whose visibility is asked for in one go. */
const POOLS_LOOKED_AT_ONCE = 500;

interface AboutPool {
  readonly pool?: string | undefined;
}

type Answered<Q, T> = (query: Q, asker: Asker, deadline: Deadline) => Promise<T>;
type Refused = { readonly error: { readonly code: 'pool_not_found'; readonly message: string } };

export function privatelyAnswered(handlers: QueryHandlers, sight: PoolSight): QueryHandlers {
  const visible = async (
    asker: Asker,
    pools: readonly string[],
    deadline: Deadline,
    what?: Readable,
  ): Promise<string[]> => {
    const seen: string[] = [];
    for (let from = 0; from < pools.length; from += POOLS_LOOKED_AT_ONCE) {
      deadline.check();
      const some = pools.slice(from, from + POOLS_LOOKED_AT_ONCE);
      const verdicts = await Promise.all(some.map((pool) => sight.sees(asker, pool, what)));
      for (const [i, pool] of some.entries()) if (verdicts[i] === true) seen.push(pool);
    }
    return seen;
  };
  /** `what` is what a delegate may see although it may not see the pool: where nothing is named, nothing. */
  const inVisiblePool =
    <Q extends AboutPool, T>(
      answer: Answered<Q, T>,
      what?: (query: Q) => Readable,
    ): Answered<Q, T | Refused> =>
    async (query, asker, deadline) => {
      const { pool = COMMONS } = query;
      return (await sight.sees(asker, pool, what?.(query)))
        ? await answer(query, asker, deadline)
        : hidden(pool);
    };
  return {
    task: inVisiblePool(handlers.task, ({ taskId }) => ({ family: 'tasks', entityId: taskId })),
    tasks: inVisiblePool(handlers.tasks, () => ({ family: 'tasks' })),
    pool: inVisiblePool(handlers.pool),
    members: inVisiblePool(handlers.members),
    offers: inVisiblePool(handlers.offers),
    auction: inVisiblePool(handlers.auction, ({ auctionId }) => ({
      family: 'auctions',
      entityId: auctionId,
    })),
    auctions: inVisiblePool(handlers.auctions, () => ({ family: 'auctions' })),
    vote: inVisiblePool(handlers.vote, ({ voteId }) => ({ family: 'votes', entityId: voteId })),
    votes: inVisiblePool(handlers.votes, () => ({ family: 'votes' })),
    negotiation: inVisiblePool(handlers.negotiation, ({ sessionId }) => ({
      family: 'negotiations',
      entityId: sessionId,
    })),
    delegations: inVisiblePool(handlers.delegations, () => ({ family: 'delegations' })),
    stats: inVisiblePool(handlers.stats),
    pools: async (query, asker, deadline) => {
      if (asker.kind === 'overseer') return await handlers.pools(query, asker, deadline);
      const limit = Math.max(query.limit, MIN_POOLS_READ);
      const joined = await joinedBy(handlers, asker, deadline);
      const seen: Pool[] = [];
      for (let { cursor } = query; ; ) {
        deadline.check();
        const answer = await handlers.pools({ ...query, limit, cursor }, asker, deadline);
        if ('error' in answer) return answer;
        const { items } = answer.ok;
        const hidden = items.filter((pool) => !isPublic(pool) && isTheirs(pool, asker, joined));
        const shown = new Set(
          await visible(
            asker,
            hidden.map(({ pool }) => pool),
            deadline,
          ),
        );
        pushAll(
          seen,
          items.filter((pool) => isPublic(pool) || shown.has(pool.pool)),
        );
        cursor = answer.ok.cursor;
        // Pages are cut, and say whether there is another, by what can be seen alone.
        const page = firstOf(seen, query.limit);
        const last = page.at(-1);
        if (page.length < seen.length && last !== undefined)
          return { ok: { items: page, cursor: last.pool } };
        if (cursor === undefined) return { ok: { items: page } };
      }
    },
    'pools-of-agent': async (query, asker, deadline) => {
      const seen: string[] = [];
      for (let { cursor } = query; ; ) {
        deadline.check();
        const answer = await handlers['pools-of-agent']({ ...query, cursor }, asker, deadline);
        if ('error' in answer) return answer;
        for (const pool of await visible(asker, answer.ok.pools, deadline)) seen.push(pool);
        cursor = answer.ok.cursor;
        const pools = seen.slice(0, query.limit);
        const last = pools.at(-1);
        // As with pages of pools: what cannot be seen is not named as a cursor either.
        if (pools.length < seen.length && last !== undefined) return { ok: { pools, cursor: last } };
        if (cursor === undefined) return { ok: { pools } };
      }
    },
    'pending-tasks': async (query, asker, deadline) => {
      const pools = query.pools ?? (await poolsOf(handlers, query.agent, asker, deadline));
      const shown = await visible(asker, pools, deadline, { family: 'tasks' });
      return await handlers['pending-tasks']({ ...query, pools: shown }, asker, deadline);
    },
    outcome: async (query, asker, deadline) =>
      isOneself(asker, query.agent)
        ? await handlers.outcome(query, asker, deadline)
        : {
            error: {
              code: 'outcome_not_found',
              message: `there is no stored outcome of ${query.decisionId} by ${query.agent}, or only ${query.agent} may read it`,
            },
          },
    feed: async (query, asker, deadline) => {
      if (query.pool !== undefined) return await inVisiblePool(handlers.feed)(query, asker, deadline);
      if (asker.kind === 'overseer') return await handlers.feed(query, asker, deadline);
      return {
        error: {
          code: 'not_allowed',
          message: 'the events of all pools are for observers and operators: name a pool',
        },
      };
    },
  };
}

/** Outcomes are their agent's own, also those from pools that it may not see any more. */
function isOneself(asker: Asker, agent: string): boolean {
  return asker.kind === 'overseer' || (asker.kind === 'agent' && asker.agent === agent);
}

async function joinedBy(
  handlers: QueryHandlers,
  asker: Asker,
  deadline: Deadline,
): Promise<ReadonlySet<string>> {
  if (asker.kind !== 'agent') return new Set();
  return new Set(await poolsOf(handlers, asker.agent, asker, deadline));
}

/** All pools of an agent, page by page. */
async function poolsOf(
  handlers: QueryHandlers,
  agent: string,
  asker: Asker,
  deadline: Deadline,
): Promise<readonly string[]> {
  const pools: string[] = [];
  for (let cursor: string | undefined; ; ) {
    deadline.check();
    const answer = await handlers['pools-of-agent']({ agent, limit: MAX_PAGE, cursor }, asker, deadline);
    if ('error' in answer) return pools;
    for (const pool of answer.ok.pools) pools.push(pool);
    cursor = answer.ok.cursor;
    if (cursor === undefined) return pools;
  }
}

/** Private pools that the asker may see, if it is not banned and present: nothing is asked about all the others. */
function isTheirs({ pool, owner, operators }: Pool, asker: Asker, joined: ReadonlySet<string>): boolean {
  if (asker.kind !== 'agent') return false;
  return joined.has(pool) || owner === asker.agent || operators?.includes(asker.agent) === true;
}

/** As many as a page has, and as one answer holds; one at least. */
function firstOf(pools: readonly Pool[], limit: number): readonly Pool[] {
  let bytes = 0;
  const end = pools.findIndex((pool, i) => {
    bytes += Buffer.byteLength(JSON.stringify(pool));
    return i >= limit || (i > 0 && bytes > MAX_ANSWER_BYTES);
  });
  return end === -1 ? pools : pools.slice(0, end);
}

function hidden(pool: string): Refused {
  return { error: { code: 'pool_not_found', message: `there is no pool ${pool}, or none that you can see` } };
}
