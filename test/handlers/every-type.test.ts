/** Every type of decision can be accepted: a new type has to bring the shortest story in which it is. */
import { expect, it } from 'vitest';
import type { SingleType } from '../../src/protocol/decisions/index.ts';
import { type Body, START } from './message.ts';
import { Shard } from './properties/shard.ts';

type Step = readonly [agent: string, body: Body];

const CLOSES_AT = START + 60_000;
const CREATED: readonly Step[] = [['ann', { type: 'CreatePool' }]];
const JOINED: readonly Step[] = [...CREATED, ['ann', { type: 'JoinPool' }], ['bob', { type: 'JoinPool' }]];
const SUBMITTED: readonly Step[] = [...JOINED, ['ann', { type: 'SubmitTask', taskId: 't', objective: '' }]];
const CLAIMED: readonly Step[] = [...SUBMITTED, ['bob', { type: 'ClaimTask', taskId: 't' }]];
const AUCTION: readonly Step[] = [
  ...JOINED,
  ['ann', { type: 'OpenAuction', auctionId: 'a', kind: 'first_price_sealed', closesAt: CLOSES_AT }],
];
const VOTE: readonly Step[] = [
  ...JOINED,
  [
    'ann',
    {
      type: 'OpenVote',
      voteId: 'v',
      question: '?',
      options: ['x', 'y'],
      method: 'plurality',
      closesAt: CLOSES_AT,
    },
  ],
];
const NEGOTIATION: readonly Step[] = [
  ...JOINED,
  ['ann', { type: 'OpenNegotiation', sessionId: 'n', participants: ['ann', 'bob'], proposal: 1 }],
];
const DELEGATED: readonly Step[] = [
  ...JOINED,
  ['ann', { type: 'Delegate', delegateeId: 'bob', scope: ['tasks'], id: 'd' }],
];

/** What goes before, and the decision itself last. */
const STORIES: Readonly<Record<SingleType, readonly Step[]>> = {
  CreatePool: CREATED,
  JoinPool: JOINED,
  LeavePool: [...JOINED, ['bob', { type: 'LeavePool' }]],
  Heartbeat: [...JOINED, ['bob', { type: 'Heartbeat' }]],
  ClosePool: [...JOINED, ['ann', { type: 'ClosePool' }]],
  UpdatePool: [...JOINED, ['ann', { type: 'UpdatePool', operators: ['bob'] }]],
  PausePool: [...JOINED, ['ann', { type: 'PausePool' }]],
  ResumePool: [...JOINED, ['ann', { type: 'PausePool' }], ['ann', { type: 'ResumePool' }]],
  ForceRelease: [...CLAIMED, ['ann', { type: 'ForceRelease', taskId: 't' }]],
  RemoveMember: [...JOINED, ['ann', { type: 'RemoveMember', agentId: 'bob' }]],
  BanAgent: [...JOINED, ['ann', { type: 'BanAgent', agentId: 'bob' }]],
  UnbanAgent: [
    ...JOINED,
    ['ann', { type: 'BanAgent', agentId: 'bob' }],
    ['ann', { type: 'UnbanAgent', agentId: 'bob' }],
  ],
  SubmitTask: SUBMITTED,
  ClaimTask: CLAIMED,
  ClaimNextTask: [...SUBMITTED, ['bob', { type: 'ClaimNextTask' }]],
  RenewClaim: [...CLAIMED, ['bob', { type: 'RenewClaim', taskId: 't' }]],
  ReleaseTask: [...CLAIMED, ['bob', { type: 'ReleaseTask', taskId: 't' }]],
  ReportTask: [...CLAIMED, ['bob', { type: 'ReportTask', taskId: 't', result: 1 }]],
  FailTask: [...CLAIMED, ['bob', { type: 'FailTask', taskId: 't', reason: 'no' }]],
  CancelTask: [...SUBMITTED, ['ann', { type: 'CancelTask', taskId: 't' }]],
  StandBy: [...JOINED, ['bob', { type: 'StandBy' }]],
  StandDown: [...JOINED, ['bob', { type: 'StandBy' }], ['bob', { type: 'StandDown' }]],
  OpenAuction: AUCTION,
  SubmitBid: [...AUCTION, ['bob', { type: 'SubmitBid', auctionId: 'a', amount: 2 }]],
  CloseAuction: [...AUCTION, ['ann', { type: 'CloseAuction', auctionId: 'a' }]],
  CancelAuction: [...AUCTION, ['ann', { type: 'CancelAuction', auctionId: 'a' }]],
  ExtendAuction: [...AUCTION, ['ann', { type: 'ExtendAuction', auctionId: 'a', closesAt: CLOSES_AT + 1 }]],
  OpenVote: VOTE,
  Vote: [...VOTE, ['bob', { type: 'Vote', voteId: 'v', option: 'x' }]],
  CloseVote: [...VOTE, ['ann', { type: 'CloseVote', voteId: 'v' }]],
  OpenNegotiation: NEGOTIATION,
  Propose: [...NEGOTIATION, ['bob', { type: 'Propose', sessionId: 'n', content: 2 }]],
  AcceptProposal: [...NEGOTIATION, ['bob', { type: 'AcceptProposal', sessionId: 'n', proposalId: 'p-1' }]],
  RejectProposal: [...NEGOTIATION, ['bob', { type: 'RejectProposal', sessionId: 'n' }]],
  Delegate: DELEGATED,
  RevokeDelegation: [...DELEGATED, ['ann', { type: 'RevokeDelegation', delegationId: 'd' }]],
};

it.each(Object.entries(STORIES))('%s is accepted where it may be', (type, steps) => {
  const shard = new Shard();
  const answers = steps.map(([agent, body], i) => {
    const { status, message } = shard.apply({
      agent,
      pool: 'work',
      at: START,
      body: { id: `s-${i}`, ...body },
    }).applied;
    return { type: body.type, status, message };
  });
  expect(answers.filter(({ status }) => status !== 'accepted')).toEqual([]);
  expect(answers.at(-1)?.type).toBe(type);
});
