/** Query requests: a query of its name, or `invalid_query`. */
import { readQuery } from '../../../src/bus/read-query.ts';
import { isQueryName, QUERIES, type QueryName } from '../../../src/protocol/queries.ts';
import type { Random } from '../../kit/chance/random.ts';
import { mutatedBytes } from '../mutate/bytes.ts';
import { mutatedJson } from '../mutate/json.ts';
import { nastyText } from '../mutate/nasty.ts';
import { must, mustBeTellable } from '../oracle.ts';
import type { Target } from './target.ts';

const NAMES = Object.keys(QUERIES).filter(isQueryName);

const REQUESTS: { readonly [N in QueryName]: object } = {
  task: { pool: 'work', taskId: 't-1' },
  tasks: { pool: 'work', state: ['pending', 'running'], agent: 'ann', limit: 10, cursor: '7' },
  'pending-tasks': { agent: 'ann', pools: ['work', 'commons'], capabilities: ['gpu'], limit: 5 },
  pool: { pool: 'work' },
  pools: { limit: 1_000, cursor: 'work' },
  'pools-of-agent': { agent: 'ann' },
  members: { pool: 'work', limit: 1, cursor: 'ann' },
  offers: { pool: 'work', limit: 1, cursor: 'ann/main' },
  outcome: { agent: 'ann', decisionId: 'd-1', pool: 'work' },
  auction: { pool: 'work', auctionId: 'a-1' },
  auctions: { pool: 'work', state: 'open', limit: 3, cursor: '1' },
  vote: { pool: 'work', voteId: 'v-1', limit: 2, cursor: 'ann' },
  votes: { state: 'closed' },
  negotiation: { sessionId: 'n-1' },
  delegations: { agent: 'ann', state: 'live' },
  stats: { pool: 'work' },
  feed: { pool: 'p', token: 'abc', after: 5, since: 1_000 },
};

export const queryTarget: Target = {
  name: 'query',
  share: 0.1,
  trial(random) {
    const name = NAMES[random.integer(NAMES.length)] ?? 'stats';
    const text = mutatedJson(REQUESTS[name], random.integer(4), random);
    const input = random.chance(0.03)
      ? Buffer.alloc(0)
      : mutatedBytes(Buffer.from(text), random.integer(2), random);
    return { input, run: () => check(name, input, random) };
  },
};

function check(name: QueryName, bytes: Uint8Array, random: Random): void {
  must(!isQueryName(nastyText(random)), 'a name that there is not is one of a query');
  const read = readQuery(name, bytes);
  if ('error' in read) {
    must(read.error.code === 'invalid_query', `the code is ${read.error.code}`);
    mustBeTellable('the message', read.error.message, 600);
    return;
  }
  const text = JSON.stringify(read.query);
  const again = readQuery(name, Buffer.from(text));
  must(
    'query' in again && JSON.stringify(again.query) === text,
    'written and read again it is another query',
  );
}
