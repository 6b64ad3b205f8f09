import { describe, expect, it } from 'vitest';
import { at, by, claims, given, joins, pool, reports, START, submits } from '../scenario.ts';

const releases = (agent: string, taskId: string) => by(agent, { type: 'ReleaseTask', taskId });

describe('ClaimTask', () => {
  it('gives the task to a member, with all it needs to do it', () => {
    const fields = { inputs: { n: 1 }, evaluator: ['e'], topic: 'x', priority: 2, deadline: START + 500 };
    const scenario = given(pool(), joins('bob'), submits('ann', 't-1', fields), at(10))
      .when(claims('bob', 't-1'))
      .thenEvents('task.claimed t-1')
      .thenTask('t-1', {
        state: 'assigned',
        epoch: 1,
        claim: { agent: 'bob', epoch: 1, claimedAt: START + 10, expiresAt: START + 60_010, ttlMs: 60_000 },
      });
    expect(scenario.answer.data).toEqual({
      taskId: 't-1',
      objective: 'do t-1',
      ...fields,
      constraints: { claimTtlMs: 60_000, maxAttempts: 3, backoffMs: 0, maxExpiries: 5, maxUnstarted: 10 },
      submitter: 'ann',
      attempt: 1,
      claim: { epoch: 1, expiresAt: START + 60_010 },
    });
  });

  it('the epoch rises with every claim of the task, whoever claims', () => {
    const scenario = given(pool(), joins('bob'), joins('cyd'), submits('ann', 't-1'), claims('bob', 't-1'));
    scenario
      .given(releases('bob', 't-1'))
      .when(claims('cyd', 't-1'))
      .thenData({ claim: { epoch: 2 } })
      .given(releases('cyd', 't-1'))
      .when(claims('bob', 't-1'))
      .thenData({ claim: { epoch: 3 } });
  });

  it.each([
    ['the protocol’s', {}, undefined, 60_000],
    ['the task’s', { claimTtlMs: 70 }, undefined, 70],
    ['the claimant’s', { claimTtlMs: 70 }, 30, 30],
    ['at most maxRunMs', { claimTtlMs: 70, maxRunMs: 50 }, undefined, 50],
    ['at most maxRunMs, whatever the claimant says', { maxRunMs: 50 }, 90, 50],
  ])('lasts as long as %s says', (_, constraints, claimTtlMs, expected) => {
    given(pool(), joins('bob'), submits('ann', 't-1', { constraints }))
      .when(claims('bob', 't-1', claimTtlMs))
      .thenData({ claim: { expiresAt: START + expected } });
  });

  it('not_a_member, before anything about the task is told', () => {
    given(pool(), submits('ann', 't-1'))
      .when(claims('eve', 't-1'))
      .thenRejected('not_a_member')
      .when(claims('eve', 'no-such-task'))
      .thenRejected('not_a_member')
      .when(claims('owner', 't-1'))
      .thenRejected('not_a_member');
  });

  it('task_not_found', () => {
    given(pool(), joins('bob'))
      .when(claims('bob', 't-1'))
      .thenRejected('task_not_found', { transient: false });
  });

  it('not_pending, transient, while somebody has it, the agent itself included', () => {
    given(pool(), joins('bob'), joins('cyd'), submits('ann', 't-1'), claims('bob', 't-1'))
      .when(claims('cyd', 't-1'))
      .thenRejected('not_pending', { transient: true })
      .when(claims('bob', 't-1'))
      .thenRejected('not_pending', { transient: true });
  });

  it('not_pending, for good, when the task is final', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1'), reports('bob', 't-1'))
      .when(claims('bob', 't-1'))
      .thenRejected('not_pending', { transient: false });
  });

  it('missing_capability unless every requirement is met; of alternatives one suffices', () => {
    given(pool(), joins('none'), joins('one', 'rust'), joins('both', 'rust', 'tpu'))
      .given(submits('ann', 't-1', { requiredCapabilities: ['rust', ['gpu', 'tpu']] }))
      .when(claims('none', 't-1'))
      .thenRejected('missing_capability', { transient: false })
      .when(claims('one', 't-1'))
      .thenRejected('missing_capability')
      .when(claims('both', 't-1'))
      .thenEvents('task.claimed t-1');
  });

  it('claim_limit_reached, transient, at maxClaimsPerAgent; each agent has its own count', () => {
    given(pool({ maxClaimsPerAgent: 1 }), joins('bob'), joins('cyd'))
      .given(submits('ann', 't-1'), submits('ann', 't-2'), claims('bob', 't-1'))
      .when(claims('bob', 't-2'))
      .thenRejected('claim_limit_reached', { transient: true })
      .when(claims('cyd', 't-2'))
      .thenEvents('task.claimed t-2');
  });

  it('the limit is the pool’s: claims in another pool do not count', () => {
    given(pool({ maxClaimsPerAgent: 1 }), joins('bob'), submits('ann', 't-1'))
      .given(by('ann', { type: 'SubmitTask', taskId: 't-9', objective: '' }, 'commons'))
      .given(by('bob', { type: 'ClaimTask', taskId: 't-9' }, 'commons'))
      .when(claims('bob', 't-1'))
      .thenEvents('task.claimed t-1');
  });

  it('a claim that is over does not count for the limit, swept or not', () => {
    given(pool({ maxClaimsPerAgent: 1 }), joins('bob'))
      .given(submits('ann', 't-1'), submits('ann', 't-2'), claims('bob', 't-1', 50))
      .when(at(49), claims('bob', 't-2'))
      .thenRejected('claim_limit_reached')
      .when(at(50), claims('bob', 't-2'))
      .thenEvents('task.claimed t-2');
  });

  it.each([
    ['reported', (s: string) => reports('bob', s)],
    ['released', (s: string) => releases('bob', s)],
    ['failed', (s: string) => by('bob', { type: 'FailTask', taskId: s, reason: '' })],
    ['cancelled', (s: string) => by('ann', { type: 'CancelTask', taskId: s })],
  ])('what was %s makes room for another claim', (_, ends) => {
    given(pool({ maxClaimsPerAgent: 1 }), joins('bob'), submits('ann', 't-1'), submits('ann', 't-2'))
      .given(claims('bob', 't-1'), ends('t-1'))
      .when(claims('bob', 't-2'))
      .thenEvents('task.claimed t-2');
  });
});
