/** Questions of every name about a pool and all that it holds: a query that is new does not compile without. */
import type { QueryInput, QueryName } from '../../../src/protocol/queries.ts';

export const EVERY_QUERY: { readonly [N in QueryName]: (pool: string) => readonly QueryInput<N>[] } = {
  task: (pool) => ['t-pending', 't-done', 't-none'].map((taskId) => ({ pool, taskId })),
  tasks: (pool) => [{ pool }, { pool, agent: 'ann' }, { pool, state: ['completed'], limit: 1 }],
  'pending-tasks': (pool) => [
    { agent: 'ann', pools: [pool] },
    { agent: 'bob', pools: [pool] },
    { agent: 'gus', pools: [pool] },
    { agent: 'ann' },
  ],
  pool: (pool) => [{ pool }],
  pools: () => [{}, { limit: 1 }, { limit: 1, cursor: 'a' }],
  'pools-of-agent': () => ['ann', 'bob', 'gus', 'owner'].map((agent) => ({ agent })),
  members: (pool) => [{ pool }, { pool, limit: 1 }],
  offers: (pool) => [{ pool }, { pool, limit: 1 }],
  outcome: (pool) => [
    { agent: 'ann', decisionId: 'd-secret', pool },
    { agent: 'ann', decisionId: 'd-secret', pool: 'commons' },
    { agent: 'ann', decisionId: 'd-none', pool },
  ],
  auction: (pool) => ['a-open', 'a-over', 'a-none'].map((auctionId) => ({ pool, auctionId })),
  auctions: (pool) => [{ pool }, { pool, state: 'open' }],
  vote: (pool) => ['v-open', 'v-over', 'v-none'].map((voteId) => ({ pool, voteId })),
  votes: (pool) => [{ pool }, { pool, state: 'closed' }],
  negotiation: (pool) => ['n-open', 'n-over', 'n-none'].map((sessionId) => ({ pool, sessionId })),
  delegations: (pool) => [{ pool }, { pool, agent: 'gus' }],
  stats: (pool) => [{ pool }],
  feed: (pool) => [
    { pool, token: 'probe' },
    { pool, token: 'probe', after: 'stream:1:0' },
  ],
};
