/** A small shard in which something of every kind stands in most of its states. */
import { applyDecision } from '../../../src/handlers/kernel/apply.ts';
import { World } from '../../../src/handlers/world/world.ts';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import { decode } from '../../../src/protocol/decode.ts';
import { AGENTS, PLACE, START } from './names.ts';

type Said = readonly [agent: string, body: DecisionInput, pool?: string, id?: string];

const CLOSES_AT = START + 100_000;
const OPTIONS = ['red', 'green', '2', '10'];

const HISTORY: readonly Said[] = [
  ['ann', { type: 'CreatePool', topics: ['x'], maxClaimsPerAgent: 3 }],
  ['ann', { type: 'CreatePool', admission: { kind: 'allowlist', agents: ['bob'] } }, 'invited'],
  ['ann', { type: 'CreatePool', admission: { kind: 'token', sha256: 'ab'.repeat(32) } }, 'secret'],
  ['ann', { type: 'CreatePool' }, 'closed'],
  ['ann', { type: 'ClosePool' }, 'closed'],
  ...AGENTS.map((agent): Said => [agent, { type: 'JoinPool', capabilities: ['gpu', 'rust'] }]),
  ...['t-pending', 't-held', 't-running', 't-done', 't-sold'].map(
    (taskId): Said => ['ann', { type: 'SubmitTask', taskId, objective: 'o' }],
  ),
  ['ann', { type: 'SubmitTask', taskId: 't-blocked', objective: 'o', dependsOn: ['t-held', 't-pending'] }],
  ['ann', { type: 'SubmitTask', taskId: 't-later', objective: 'o', notBefore: START + 50_000 }],
  ['bob', { type: 'ClaimTask', taskId: 't-held' }],
  ['cyd', { type: 'ClaimTask', taskId: 't-running' }],
  ['cyd', { type: 'RenewClaim', taskId: 't-running', progress: 0.5 }],
  ['bob', { type: 'ClaimTask', taskId: 't-done' }],
  ['bob', { type: 'ReportTask', taskId: 't-done', result: 1 }],
  [
    'ann',
    {
      type: 'OpenAuction',
      auctionId: 'a-first',
      kind: 'first_price_sealed',
      closesAt: CLOSES_AT,
      taskId: 't-sold',
    },
  ],
  [
    'ann',
    {
      type: 'OpenAuction',
      auctionId: 'a-second',
      kind: 'second_price_sealed',
      closesAt: CLOSES_AT,
      reserve: 2,
    },
  ],
  [
    'ann',
    {
      type: 'OpenAuction',
      auctionId: 'a-english',
      kind: 'english',
      closesAt: CLOSES_AT,
      proxy: true,
      increment: [{ below: 5, step: '0.5' }, { step: 1 }],
      softCloseMs: 200_000,
    },
  ],
  [
    'ann',
    {
      type: 'OpenAuction',
      auctionId: 'a-dutch',
      kind: 'dutch',
      closesAt: CLOSES_AT,
      startPrice: 10,
      step: 1,
      stepMs: 50,
    },
  ],
  [
    'ann',
    {
      type: 'OpenAuction',
      auctionId: 'a-reverse',
      kind: 'english',
      direction: 'reverse',
      closesAt: CLOSES_AT,
      startPrice: 90,
    },
  ],
  ['ann', { type: 'OpenAuction', auctionId: 'a-over', kind: 'first_price_sealed', closesAt: CLOSES_AT }],
  ['ann', { type: 'CancelAuction', auctionId: 'a-over' }],
  ...['a-first', 'a-second', 'a-english'].flatMap((auctionId): Said[] => [
    ['bob', { type: 'SubmitBid', auctionId, amount: 3 }],
    ['cyd', { type: 'SubmitBid', auctionId, amount: '4.5' }],
  ]),
  [
    'ann',
    {
      type: 'OpenVote',
      voteId: 'v-plurality',
      question: 'q',
      options: OPTIONS,
      method: 'plurality',
      closesAt: CLOSES_AT,
    },
  ],
  [
    'ann',
    {
      type: 'OpenVote',
      voteId: 'v-ranked',
      question: 'q',
      options: OPTIONS,
      method: 'ranked',
      closesAt: CLOSES_AT,
    },
  ],
  [
    'ann',
    {
      type: 'OpenVote',
      voteId: 'v-two-thirds',
      question: 'q',
      options: OPTIONS,
      method: { supermajority: { num: 2, den: 3 } },
      electorate: [...AGENTS],
      weights: { ann: 3 },
      quorum: 2,
      closesAt: CLOSES_AT,
    },
  ],
  [
    'ann',
    {
      type: 'OpenVote',
      voteId: 'v-over',
      question: 'q',
      options: OPTIONS,
      method: 'approval',
      closesAt: CLOSES_AT,
    },
  ],
  ['ann', { type: 'CloseVote', voteId: 'v-over' }],
  ['bob', { type: 'Vote', voteId: 'v-plurality', option: '10' }],
  ['bob', { type: 'Vote', voteId: 'v-ranked', ranking: ['2', 'red'] }],
  [
    'ann',
    { type: 'OpenNegotiation', sessionId: 'n-open', participants: [...AGENTS], proposal: { price: 1 } },
  ],
  ['bob', { type: 'Propose', sessionId: 'n-open', content: { price: 2 } }],
  ['ann', { type: 'OpenNegotiation', sessionId: 'n-agreed', participants: ['ann', 'bob'], proposal: 1 }],
  ['bob', { type: 'AcceptProposal', sessionId: 'n-agreed', proposalId: 'p-1' }],
  [
    'ann',
    {
      type: 'Delegate',
      delegateeId: 'bob',
      scope: ['tasks', 'votes', 'auctions', 'negotiations', 'delegations'],
      maxDepth: 3,
    },
    'work',
    'd-given',
  ],
  [
    'bob',
    { type: 'Delegate', delegateeId: 'cyd', scope: ['tasks', 'votes'], onBehalfOf: 'ann' },
    'work',
    'd-passed',
  ],
];

/** Throws when some of its history is refused: then it is not the world that it is meant to be. */
export function smallWorld(): World {
  const world = World.genesis(PLACE.shard, PLACE.shards);
  for (const [i, [agent, body, pool = 'work', id = `h-${i}`]] of HISTORY.entries()) {
    const bytes = Buffer.from(JSON.stringify({ id, ...body }));
    const decoded = decode(`${PLACE.namespace}.decisions.${PLACE.shard}.${pool}.${agent}`, bytes, PLACE);
    if (decoded.kind !== 'decision') throw new Error(`the small world: ${body.type} is ${decoded.kind}`);
    const context = { now: START, shard: 0, seq: i + 1, index: 0, pool, agent, self: agent, decisionId: id };
    const { status, message } = applyDecision(world, decoded.decision, context);
    if (status !== 'accepted') throw new Error(`the small world: ${body.type} ${id}: ${message}`);
  }
  world.takeChanges();
  return world;
}

/** Number of decisions that lead to the small world. */
export const HISTORY_LENGTH = HISTORY.length;
