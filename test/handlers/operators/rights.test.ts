/**
 * Who may decide what, of PROTOCOL's sections 3 to 8 and of operators: each role on each decision that asks for one.
 * Everything that a decision needs besides the role is there, so that the role alone makes the difference.
 */
import { describe, expect, it } from 'vitest';
import type { Code } from '../../../src/protocol/codes.ts';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import { by, claims, given, joins, pool, START, submits } from '../scenario.ts';

const ROLES = {
  owner: 'owner',
  operator: 'op',
  submitter: 'sue',
  opener: 'opal',
  holder: 'holt',
  member: 'mel',
  stranger: 'zed',
  system: '_operator',
} as const;
type Role = keyof typeof ROLES;

const LATER = START + 60_000;

/** A pool into which only members put something, with one of everything in it. */
function everything() {
  return given(
    pool({ operators: ['op'], submitters: 'members' }),
    joins('sue'),
    joins('opal'),
    joins('holt'),
    joins('mel'),
    submits('sue', 'held'),
    submits('sue', 'free'),
    claims('holt', 'held'),
    by('opal', {
      type: 'OpenAuction',
      auctionId: 'a',
      kind: 'english',
      direction: 'forward',
      closesAt: LATER,
    }),
    by('opal', {
      type: 'OpenVote',
      voteId: 'v',
      question: '?',
      options: ['x', 'y'],
      method: 'plurality',
      closesAt: LATER,
    }),
    by('opal', { type: 'OpenNegotiation', sessionId: 's', participants: ['opal', 'mel'], proposal: 1 }),
    by('opal', { type: 'Delegate', id: 'del', delegateeId: 'mel', scope: ['CloseVote'] }),
  );
}

interface Row {
  readonly decision: DecisionInput;
  /** Those who may; everybody else hears `otherwise`, or what is said for them. */
  readonly may: readonly Role[];
  readonly otherwise: Code;
  readonly but?: Partial<Record<Role, Code>>;
}

const MEMBERS = ['submitter', 'opener', 'holder', 'member'] as const;
const OPERATORS = ['owner', 'operator', 'system'] as const;
/** What `_operator` is told of everything that is not an operator's. */
const RESERVED = { system: 'reserved_id' } as const;

const TABLE: readonly Row[] = [
  // pools: the owner is not thereby a member
  { decision: { type: 'ClosePool' }, may: ['owner'], otherwise: 'not_allowed', but: RESERVED },
  { decision: { type: 'LeavePool' }, may: MEMBERS, otherwise: 'not_a_member', but: RESERVED },
  { decision: { type: 'Heartbeat' }, may: MEMBERS, otherwise: 'not_a_member', but: RESERVED },
  // tasks
  {
    decision: { type: 'SubmitTask', taskId: 'new', objective: '' },
    may: MEMBERS,
    otherwise: 'not_a_member',
    but: RESERVED,
  },
  { decision: { type: 'ClaimTask', taskId: 'free' }, may: MEMBERS, otherwise: 'not_a_member', but: RESERVED },
  { decision: { type: 'ClaimNextTask' }, may: MEMBERS, otherwise: 'not_a_member', but: RESERVED },
  {
    decision: { type: 'RenewClaim', taskId: 'held' },
    may: ['holder'],
    otherwise: 'claim_lost',
    but: RESERVED,
  },
  {
    decision: { type: 'ReleaseTask', taskId: 'held' },
    may: ['holder'],
    otherwise: 'claim_lost',
    but: RESERVED,
  },
  {
    decision: { type: 'ReportTask', taskId: 'held', result: 1 },
    may: ['holder'],
    otherwise: 'claim_lost',
    but: RESERVED,
  },
  {
    decision: { type: 'FailTask', taskId: 'held', reason: '' },
    may: ['holder', 'submitter', ...OPERATORS],
    otherwise: 'claim_lost',
  },
  {
    decision: { type: 'CancelTask', taskId: 'held' },
    may: ['submitter', ...OPERATORS],
    otherwise: 'not_allowed',
  },
  // auctions
  {
    decision: { type: 'OpenAuction', auctionId: 'b', kind: 'english', direction: 'forward', closesAt: LATER },
    may: MEMBERS,
    otherwise: 'not_a_member',
    but: RESERVED,
  },
  {
    decision: {
      type: 'OpenAuction',
      auctionId: 'b',
      kind: 'english',
      direction: 'forward',
      closesAt: LATER,
      taskId: 'free',
    },
    may: ['submitter'],
    otherwise: 'not_allowed',
    but: { ...RESERVED, owner: 'not_a_member', operator: 'not_a_member', stranger: 'not_a_member' },
  },
  {
    decision: { type: 'SubmitBid', auctionId: 'a', amount: 1 },
    may: ['owner', 'operator', 'submitter', 'holder', 'member', 'stranger'],
    otherwise: 'not_allowed',
    but: RESERVED,
  },
  {
    decision: { type: 'CloseAuction', auctionId: 'a' },
    may: ['opener'],
    otherwise: 'not_allowed',
    but: RESERVED,
  },
  {
    decision: { type: 'CancelAuction', auctionId: 'a' },
    may: ['opener'],
    otherwise: 'not_allowed',
    but: RESERVED,
  },
  // votes
  {
    decision: {
      type: 'OpenVote',
      voteId: 'w',
      question: '?',
      options: ['x', 'y'],
      method: 'plurality',
      closesAt: LATER,
    },
    may: MEMBERS,
    otherwise: 'not_a_member',
    but: RESERVED,
  },
  {
    decision: { type: 'Vote', voteId: 'v', option: 'x' },
    may: MEMBERS,
    otherwise: 'not_eligible',
    but: RESERVED,
  },
  { decision: { type: 'CloseVote', voteId: 'v' }, may: ['opener'], otherwise: 'not_allowed', but: RESERVED },
  {
    decision: { type: 'CloseVote', voteId: 'v', onBehalfOf: 'opal' },
    may: ['opener', 'member'],
    otherwise: 'delegation_missing',
    but: RESERVED,
  },
  // negotiations
  {
    decision: { type: 'Propose', sessionId: 's', content: 2 },
    may: ['opener', 'member'],
    otherwise: 'not_a_participant',
    but: RESERVED,
  },
  {
    decision: { type: 'AcceptProposal', sessionId: 's', proposalId: 'p-1' },
    may: ['member'],
    otherwise: 'not_a_participant',
    but: { ...RESERVED, opener: 'own_proposal' },
  },
  {
    decision: { type: 'RejectProposal', sessionId: 's' },
    may: ['member'],
    otherwise: 'not_a_participant',
    but: { ...RESERVED, opener: 'own_proposal' },
  },
  // delegations
  {
    decision: { type: 'Delegate', delegateeId: 'nobody', scope: ['Vote'] },
    may: MEMBERS,
    otherwise: 'not_a_member',
    but: RESERVED,
  },
  {
    decision: { type: 'RevokeDelegation', delegationId: 'del' },
    may: ['opener'],
    otherwise: 'not_the_delegator',
    but: RESERVED,
  },
  // operators
  { decision: { type: 'PausePool' }, may: OPERATORS, otherwise: 'not_allowed' },
  { decision: { type: 'ForceRelease', taskId: 'held' }, may: OPERATORS, otherwise: 'not_allowed' },
  { decision: { type: 'RemoveMember', agentId: 'mel' }, may: OPERATORS, otherwise: 'not_allowed' },
  { decision: { type: 'BanAgent', agentId: 'mel' }, may: OPERATORS, otherwise: 'not_allowed' },
  { decision: { type: 'UpdatePool', quotas: { agentClaims: 1 } }, may: OPERATORS, otherwise: 'not_allowed' },
  ...[
    { capacity: 9 },
    { capacity: null },
    { topics: ['x'] },
    { submitters: 'anyone' as const },
    { defaults: { claimTtlMs: 5 } },
    { maxClaimsPerAgent: 1 },
  ].map(
    (fields): Row => ({
      decision: { type: 'UpdatePool', ...fields },
      may: OPERATORS,
      otherwise: 'not_allowed',
    }),
  ),
  ...[{ operators: ['mel'] }, { owner: 'mel' }, { admission: 'open' as const }].map(
    (fields): Row => ({
      decision: { type: 'UpdatePool', ...fields },
      may: ['owner', 'system'],
      otherwise: 'not_allowed',
    }),
  ),
  { decision: { type: 'BanAgent', agentId: 'op' }, may: ['owner', 'system'], otherwise: 'not_allowed' },
  { decision: { type: 'BanAgent', agentId: 'owner' }, may: ['system'], otherwise: 'not_allowed' },
];

describe.each(TABLE.map((row) => [JSON.stringify(row.decision), row] as const))('%s', (_, row) => {
  it.each(Object.keys(ROLES) as Role[])('%s', (role) => {
    const { answer } = everything().when(by(ROLES[role], row.decision));
    const verdict = answer.status === 'accepted' ? 'accepted' : answer.code;
    expect(verdict).toBe(row.may.includes(role) ? 'accepted' : (row.but?.[role] ?? row.otherwise));
  });
});
