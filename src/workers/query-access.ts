/**
 * Keeps private pools: what is asked about a pool that is not open is answered to its members, its owner, operators and
 * observers, and to everybody else as if there were no such pool. For systems whose NATS server says who is who.
 */
import type { QueryHandlers } from '../bus/query-service.ts';
import type { Asker } from '../protocol/identity.ts';
import { COMMONS } from '../protocol/names.ts';
import type { StateQueries } from '../state/queries.ts';

/** How many pools are looked at together in search of those that can be seen. */
const MIN_POOLS_READ = 200;

interface AboutPool {
  readonly pool?: string | undefined;
}

type Answered<Q, T> = (query: Q, asker: Asker) => Promise<T>;
type Refused = { readonly error: { readonly code: 'pool_not_found'; readonly message: string } };

/** Whether the asker may see the pool. */
export async function maySee(queries: StateQueries, asker: Asker, pool: string): Promise<boolean> {
  if (asker.kind === 'overseer') return true;
  return await queries.isVisible(pool, asker.kind === 'agent' ? asker.agent : undefined);
}

export function privatelyAnswered(handlers: QueryHandlers, queries: StateQueries): QueryHandlers {
  const visible = async (asker: Asker, pools: readonly string[]): Promise<string[]> => {
    const verdicts = await Promise.all(pools.map((pool) => maySee(queries, asker, pool)));
    return pools.filter((_, i) => verdicts[i]);
  };
  const inVisiblePool =
    <Q extends AboutPool, T>(answer: Answered<Q, T>): Answered<Q, T | Refused> =>
    async (query, asker) => {
      const { pool = COMMONS } = query;
      return (await maySee(queries, asker, pool)) ? await answer(query, asker) : hidden(pool);
    };
  return {
    task: inVisiblePool(handlers.task),
    tasks: inVisiblePool(handlers.tasks),
    pool: inVisiblePool(handlers.pool),
    members: inVisiblePool(handlers.members),
    auction: inVisiblePool(handlers.auction),
    auctions: inVisiblePool(handlers.auctions),
    vote: inVisiblePool(handlers.vote),
    votes: inVisiblePool(handlers.votes),
    negotiation: inVisiblePool(handlers.negotiation),
    delegations: inVisiblePool(handlers.delegations),
    stats: inVisiblePool(handlers.stats),
    pools: async (query, asker) => {
      if (asker.kind === 'overseer') return await handlers.pools(query, asker);
      const limit = Math.max(query.limit, MIN_POOLS_READ);
      for (let { cursor } = query; ; ) {
        const answer = await handlers.pools({ ...query, limit, cursor }, asker);
        if ('error' in answer) return answer;
        const names = await visible(
          asker,
          answer.ok.items.map(({ pool }) => pool),
        );
        const seen = answer.ok.items.filter(({ pool }) => names.includes(pool));
        const items = seen.slice(0, query.limit);
        cursor = answer.ok.cursor;
        if (cursor === undefined && items.length === seen.length) return { ok: { items } };
        // The name of a pool that cannot be seen is not told as a cursor either: reading goes on until one can be.
        const last = items.at(-1);
        if (last !== undefined) return { ok: { items, cursor: last.pool } };
      }
    },
    'pools-of-agent': async (query, asker) => {
      const answer = await handlers['pools-of-agent'](query, asker);
      if ('error' in answer || isOneself(asker, query.agent)) return answer;
      return { ok: { pools: await visible(asker, answer.ok.pools) } };
    },
    'pending-tasks': async (query, asker) => {
      if (isOneself(asker, query.agent)) return await handlers['pending-tasks'](query, asker);
      const theirs = await handlers['pools-of-agent']({ agent: query.agent }, asker);
      const pools = query.pools ?? ('error' in theirs ? [] : theirs.ok.pools);
      return await handlers['pending-tasks']({ ...query, pools: await visible(asker, pools) }, asker);
    },
    outcome: async (query, asker) =>
      isOneself(asker, query.agent)
        ? await handlers.outcome(query, asker)
        : {
            error: {
              code: 'outcome_not_found',
              message: `no outcome of ${query.decisionId} by ${query.agent} is remembered, or it is for ${query.agent} alone`,
            },
          },
    feed: async (query, asker) => {
      if (query.pool !== undefined) return await inVisiblePool(handlers.feed)(query, asker);
      if (asker.kind === 'overseer') return await handlers.feed(query, asker);
      return {
        error: {
          code: 'not_allowed',
          message: 'the events of all pools are for observers and operators: name a pool',
        },
      };
    },
  };
}

/** Nothing about an agent is hidden from itself, and nothing at all from operators and observers. */
function isOneself(asker: Asker, agent: string): boolean {
  return asker.kind === 'overseer' || (asker.kind === 'agent' && asker.agent === agent);
}

function hidden(pool: string): Refused {
  return { error: { code: 'pool_not_found', message: `there is no pool ${pool}, or none that you can see` } };
}
