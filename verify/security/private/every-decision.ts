/** Decisions of every type, aimed at everything that a private pool holds: a type that is new does not compile without. */

import { createHash } from 'node:crypto';
import type { DecisionInput, SingleType } from '../../../src/protocol/decisions/index.ts';
import { defined } from '../../../src/protocol/defined.ts';

export const TOKEN = 'open sesame';
export const ADMISSION = { kind: 'token', sha256: createHash('sha256').update(TOKEN).digest('hex') } as const;
/** Far ahead of any log: what is open stays open. */
export const LATER = 4_000_000_000_000;

const TASKS = ['t-pending', 't-held', 't-blocked', 't-done', 't-sold', 't-none'] as const;
const AUCTIONS = ['a-open', 'a-over', 'a-none'] as const;
const VOTES = ['v-open', 'v-over', 'v-none'] as const;
const SESSIONS = ['n-open', 'n-over', 'n-none'] as const;
const DELEGATIONS = ['d-narrow', 'd-wide', 'd-none'] as const;
const AGENTS = ['ann', 'owner', 'lee', 'none'] as const;

type Of<T extends SingleType> = Extract<DecisionInput, { readonly type: T }>;

export const EVERY_DECISION: { readonly [T in SingleType]: readonly Of<T>[] } = {
  CreatePool: [{ type: 'CreatePool' }, { type: 'CreatePool', admission: ADMISSION }],
  JoinPool: [{ type: 'JoinPool' }, { type: 'JoinPool', token: 'wrong' }],
  LeavePool: [{ type: 'LeavePool' }],
  Heartbeat: [{ type: 'Heartbeat' }],
  ClosePool: [{ type: 'ClosePool' }],
  UpdatePool: [
    { type: 'UpdatePool', quotas: {} },
    { type: 'UpdatePool', operators: ['zed'] },
  ],
  PausePool: [{ type: 'PausePool' }],
  ResumePool: [{ type: 'ResumePool' }],
  ForceRelease: TASKS.map((taskId) => ({ type: 'ForceRelease', taskId })),
  RemoveMember: AGENTS.map((agentId) => ({ type: 'RemoveMember', agentId })),
  BanAgent: AGENTS.flatMap((agentId): Of<'BanAgent'>[] => [
    { type: 'BanAgent', agentId },
    { type: 'BanAgent', agentId, cancelWork: true },
  ]),
  UnbanAgent: ['ban', 'none'].map((agentId) => ({ type: 'UnbanAgent', agentId })),
  SubmitTask: [
    { type: 'SubmitTask', taskId: 't-new', objective: '' },
    { type: 'SubmitTask', taskId: 't-done', objective: '' },
    ...TASKS.map(
      (id): Of<'SubmitTask'> => ({ type: 'SubmitTask', taskId: 't-new', objective: '', dependsOn: [id] }),
    ),
  ],
  ClaimTask: TASKS.flatMap((taskId): Of<'ClaimTask'>[] => [
    { type: 'ClaimTask', taskId },
    { type: 'ClaimTask', taskId, epoch: 1 },
  ]),
  ClaimNextTask: [{ type: 'ClaimNextTask', limit: 3 }],
  RenewClaim: TASKS.map((taskId) => ({ type: 'RenewClaim', taskId })),
  ReleaseTask: TASKS.map((taskId) => ({ type: 'ReleaseTask', taskId })),
  ReportTask: TASKS.map((taskId) => ({ type: 'ReportTask', taskId, result: 1 })),
  FailTask: TASKS.map((taskId) => ({ type: 'FailTask', taskId, reason: '' })),
  CancelTask: TASKS.map((taskId) => ({ type: 'CancelTask', taskId })),
  StandBy: [{ type: 'StandBy' }, { type: 'StandBy', places: 2, offerId: 'other' }],
  StandDown: [{ type: 'StandDown' }],
  OpenAuction: [undefined, ...TASKS].map((taskId) => ({
    type: 'OpenAuction',
    auctionId: 'a-new',
    kind: 'english',
    closesAt: LATER,
    ...defined({ taskId }),
  })),
  SubmitBid: AUCTIONS.map((auctionId) => ({ type: 'SubmitBid', auctionId, amount: 7 })),
  CloseAuction: AUCTIONS.map((auctionId) => ({ type: 'CloseAuction', auctionId })),
  CancelAuction: AUCTIONS.map((auctionId) => ({ type: 'CancelAuction', auctionId })),
  ExtendAuction: AUCTIONS.map((auctionId) => ({ type: 'ExtendAuction', auctionId, closesAt: LATER + 1 })),
  OpenVote: [['zed'], 'members' as const].map((electorate) => ({
    type: 'OpenVote',
    voteId: 'v-new',
    question: '',
    options: ['x', 'y'],
    method: 'plurality',
    electorate,
    closesAt: LATER,
  })),
  Vote: VOTES.map((voteId) => ({ type: 'Vote', voteId, option: 'x' })),
  CloseVote: VOTES.map((voteId) => ({ type: 'CloseVote', voteId })),
  OpenNegotiation: AGENTS.map((other) => ({
    type: 'OpenNegotiation',
    sessionId: 'n-new',
    participants: ['zed', other],
    proposal: 1,
  })),
  Propose: SESSIONS.map((sessionId) => ({ type: 'Propose', sessionId, content: 2 })),
  AcceptProposal: SESSIONS.map((sessionId) => ({ type: 'AcceptProposal', sessionId, proposalId: 'p-1' })),
  RejectProposal: SESSIONS.map((sessionId) => ({ type: 'RejectProposal', sessionId })),
  Delegate: [
    { type: 'Delegate', delegateeId: 'ann', scope: ['tasks'] },
    { type: 'Delegate', delegateeId: 'vault', kind: 'pooled', scope: ['votes'] },
  ],
  RevokeDelegation: DELEGATIONS.map((delegationId) => ({ type: 'RevokeDelegation', delegationId })),
};
