/** What goes for every decision, whatever it decides: what has to be fetched for it, who is heard, how it is answered. */
import { describe, expect, it } from 'vitest';
import type { AppliedDecision } from '../../src/handlers/kernel/applied.ts';
import { applyDecision } from '../../src/handlers/kernel/apply.ts';
import { accepted, isRejected, rateLimited, rejected } from '../../src/handlers/kernel/decided.ts';
import { touches } from '../../src/handlers/kernel/registry.ts';
import type { BatchInput, DecisionInput } from '../../src/protocol/decisions/index.ts';
import { PLACE, POOL, START, send } from './message.ts';
import { at, by, given, joins, pool, type Scenario, submits } from './scenario.ts';

/** As the log has it, after the decoder. */
function decoded(body: DecisionInput | BatchInput) {
  const found = send('ann', POOL, { id: 'd', ...body });
  if (found.kind !== 'decision' || found.decision.type === 'Sweep')
    throw new Error(`${found.kind} is no decision`);
  return found.decision;
}

const AUCTION = { kind: 'english', direction: 'forward', closesAt: START + 9 } as const;
const VOTE = { question: '', options: ['x', 'y'], method: 'plurality', closesAt: START + 9 } as const;

describe('what is over has to be fetched for a decision that names it', () => {
  const ONE_TASK: readonly DecisionInput[] = [
    { type: 'ClaimTask', taskId: 't' },
    { type: 'RenewClaim', taskId: 't' },
    { type: 'ReleaseTask', taskId: 't' },
    { type: 'ReportTask', taskId: 't', result: 1 },
    { type: 'FailTask', taskId: 't', reason: '' },
    { type: 'CancelTask', taskId: 't' },
    { type: 'ForceRelease', taskId: 't' },
  ];

  it.each(ONE_TASK)('the task of $type', (decision) => {
    expect(touches(decoded(decision))).toEqual([{ kind: 'task', id: 't' }]);
  });

  it('an auction and its task', () => {
    expect(touches(decoded({ type: 'OpenAuction', auctionId: 'a', taskId: 't', ...AUCTION }))).toEqual([
      { kind: 'auction', id: 'a' },
      { kind: 'task', id: 't' },
    ]);
  });

  it('a task and all that it depends on', () => {
    const decision = { type: 'SubmitTask', taskId: 't', objective: '', dependsOn: ['a', 'b'] } as const;
    expect(touches(decoded({ ...decision, dependsOn: [...decision.dependsOn] }))).toEqual([
      { kind: 'task', id: 't' },
      { kind: 'task', id: 'a' },
      { kind: 'task', id: 'b' },
    ]);
    expect(touches(decoded({ type: 'SubmitTask', taskId: 't', objective: '' }))).toEqual([
      { kind: 'task', id: 't' },
    ]);
  });

  const ONE_ENTITY: readonly (readonly [string, DecisionInput])[] = [
    ['auction', { type: 'OpenAuction', auctionId: 'x', ...AUCTION }],
    ['auction', { type: 'SubmitBid', auctionId: 'x', amount: 1 }],
    ['auction', { type: 'CloseAuction', auctionId: 'x' }],
    ['auction', { type: 'CancelAuction', auctionId: 'x' }],
    ['auction', { type: 'ExtendAuction', auctionId: 'x', closesAt: 2_000_000_000_000 }],
    ['vote', { type: 'OpenVote', voteId: 'x', ...VOTE, options: [...VOTE.options] }],
    ['vote', { type: 'Vote', voteId: 'x', option: 'x' }],
    ['vote', { type: 'CloseVote', voteId: 'x' }],
    ['negotiation', { type: 'OpenNegotiation', sessionId: 'x', participants: ['ann', 'bob'], proposal: 1 }],
    ['negotiation', { type: 'Propose', sessionId: 'x', content: 1 }],
    ['negotiation', { type: 'AcceptProposal', sessionId: 'x', proposalId: 'p' }],
    ['negotiation', { type: 'RejectProposal', sessionId: 'x' }],
    ['delegation', { type: 'Delegate', id: 'x', delegateeId: 'bob', scope: ['Vote'] }],
    ['delegation', { type: 'RevokeDelegation', delegationId: 'x' }],
  ];

  it.each(ONE_ENTITY)('the %s of %j', (kind, decision) => {
    expect(touches(decoded(decision))).toEqual([{ kind, id: 'x' }]);
  });

  it('of a Batch those of all its members', () => {
    const batch = decoded({
      type: 'Batch',
      decisions: [
        { type: 'ClaimTask', taskId: 't' },
        { type: 'CloseVote', voteId: 'v' },
        { type: 'CancelTask', taskId: 'u' },
      ],
    });
    expect(touches(batch)).toEqual([
      { kind: 'task', id: 't' },
      { kind: 'vote', id: 'v' },
      { kind: 'task', id: 'u' },
    ]);
  });

  it('nothing for a decision that names nothing', () => {
    expect(touches(decoded({ type: 'Heartbeat' }))).toEqual([]);
  });
});

describe('answers', () => {
  it('an accepted decision has data only where its handler says something', () => {
    expect(accepted([])).toEqual({ status: 'accepted', events: [] });
    expect(accepted([]).data).toBeUndefined();
    expect(accepted([], { n: 1 })).toEqual({ status: 'accepted', events: [], data: { n: 1 } });
  });

  it('a rejection is transient as its code says, unless it is said otherwise', () => {
    expect(rejected('pool_paused', 'm')).toMatchObject({ transient: true });
    expect(rejected('task_exists', 'm')).toMatchObject({ transient: false });
    expect(rejected('task_exists', 'm', true)).toMatchObject({ transient: true });
  });

  it('rate_limited says which bound was met, and after how long it may be tried again: a second where nobody knows', () => {
    const met = { quota: 'agentBytes', limit: 10, used: 9 };
    expect(rateLimited('m', met)).toEqual({
      status: 'rejected',
      code: 'rate_limited',
      message: 'm',
      transient: true,
      data: { ...met, retryAfterMs: 1_000 },
    });
    expect(rateLimited('m', met, 5)).toMatchObject({ data: { retryAfterMs: 5 } });
  });

  it('a document with a state is no rejection, whatever it is called', () => {
    expect(isRejected({ status: 'accepted' })).toBe(false);
    expect(isRejected({ state: 'rejected' })).toBe(false);
    expect(isRejected(rejected('task_exists', 'm'))).toBe(true);
  });
});

describe('signs of life', () => {
  const present = () => given(pool(), by('bob', { type: 'JoinPool', presenceMs: 100 }));

  it('any decision of a member is one, also one that is rejected', () => {
    present()
      .when(at(50), by('bob', { type: 'ClaimTask', taskId: 'none' }))
      .thenRejected('task_not_found')
      .thenMember('bob', { lastSeenAt: START + 50 });
  });

  it('none comes too late: whose presence lapsed is not brought back by it', () => {
    present()
      .when(at(100), by('bob', { type: 'Heartbeat' }))
      .thenRejected('not_a_member')
      .thenMember('bob', { lastSeenAt: START });
  });

  it('a decision in another pool is none', () => {
    present()
      .given(at(50), by('bob', { type: 'SubmitTask', taskId: 't', objective: '' }, 'commons'))
      .when(at(60), by('bob', { type: 'LeavePool' }, 'none'))
      .thenRejected('pool_not_found')
      .thenMember('bob', { lastSeenAt: START });
  });

  it('none of one who is banned counts', () => {
    const scenario = present();
    scenario.world.changeBan('bob', { agent: 'bob', at: START, reason: undefined });
    scenario
      .when(at(50), by('bob', { type: 'Heartbeat' }))
      .thenRejected('agent_banned')
      .thenMember('bob', { lastSeenAt: START });
  });
});

describe('in whose name', () => {
  const acting = () =>
    given(pool(), submits('ann', 't-1'), joins('bob')).given(
      by('ann', { type: 'Delegate', delegateeId: 'bob', scope: ['CancelTask'] }),
    );

  it('events tell for whom somebody acted, and nothing of it where nobody did', () => {
    const scenario = acting().when(by('bob', { type: 'CancelTask', taskId: 't-1', onBehalfOf: 'ann' }));
    expect(scenario.answer.events.map(({ principal }) => principal)).toEqual(['ann']);
    scenario.when(submits('ann', 't-2'));
    expect(scenario.answer.events[0]).not.toHaveProperty('principal');
  });
});

describe('a Batch', () => {
  const apply = (scenario: Scenario, batch: BatchInput): AppliedDecision =>
    applyDecision(scenario.world, decoded(batch), {
      now: scenario.now,
      shard: PLACE.shard,
      seq: 99,
      index: 0,
      pool: POOL,
      agent: 'ann',
      self: 'ann',
      decisionId: 'd',
    });

  it('answers each member by its type, and by its id where it has one of its own', () => {
    const decisions = [
      { type: 'SubmitTask' as const, taskId: 't-1', objective: '' },
      { type: 'Delegate' as const, id: 'del', delegateeId: 'bob', scope: ['Vote'] },
    ];
    const { data, forgottenOutcomes } = apply(given(pool()), { type: 'Batch', decisions });
    expect(forgottenOutcomes).toBe(0);
    expect(data).toMatchObject({ outcomes: [{ type: 'SubmitTask' }, { type: 'Delegate', id: 'del' }] });
    expect(JSON.parse(JSON.stringify(data)).outcomes[0]).not.toHaveProperty('id');
  });
});
