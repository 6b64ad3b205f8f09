import { expect, it } from 'vitest';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import { at, by, claims, joins, pool, reports, START, submits, sweep } from '../scenario.ts';
import { cancels, delegates, inBothWorlds, pools, revokes } from './delegating.ts';

const claimsFor = (agent: string, taskId: string, onBehalfOf: string) =>
  by(agent, { type: 'ClaimTask', taskId, onBehalfOf });
const reportsFor = (agent: string, taskId: string, onBehalfOf: string) =>
  by(agent, { type: 'ReportTask', taskId, result: 'done', onBehalfOf });

inBothWorlds((given) => {
  it('a delegate has the rights of its principal: it cancels the task that the principal submitted', () => {
    given(pool(), submits('ann', 't-1'), delegates('ann', 'bob', 'd'))
      .when(cancels('bob', 't-1'))
      .thenRejected('not_allowed')
      .when(cancels('bob', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1')
      .thenTask('t-1', { finishedBy: 'ann' })
      .thenPrincipals('ann');
  });

  it('and no other rights: what the principal may not do, the delegate may not do either', () => {
    given(pool(), submits('cid', 't-1'), delegates('ann', 'bob', 'd'))
      .when(cancels('bob', 't-1', 'ann'))
      .thenRejected('not_allowed');
    given(pool(), submits('bob', 't-1'), delegates('ann', 'bob', 'd'))
      .when(cancels('bob', 't-1', 'ann'))
      .thenRejected('not_allowed');
  });

  it('what it submits is the principal’s, though the decision is its own', () => {
    given(pool({ submitters: 'members' }), joins('ann'), delegates('ann', 'bob', 'd'))
      .when(by('bob', { type: 'SubmitTask', id: 's', taskId: 't-1', objective: '', onBehalfOf: 'ann' }))
      .thenEvents('task.submitted t-1')
      .thenTask('t-1', { submitter: 'ann', origin: { agent: 'bob', decisionId: 's' } });
  });

  it('a claim on behalf is the principal’s: either of the two reports, the delegate in its name', () => {
    const scenario = given(pool(), joins('ann'), submits('cid', 't-1'), delegates('ann', 'bob', 'd'))
      .when(claimsFor('bob', 't-1', 'ann'))
      .thenTask('t-1', { state: 'assigned', claim: { agent: 'ann' } })
      .when(reports('bob', 't-1'))
      .thenRejected('claim_lost')
      .when(reportsFor('bob', 't-1', 'ann'))
      .thenEvents('task.completed t-1')
      .thenTask('t-1', { finishedBy: 'ann' });
    scenario
      .given(submits('cid', 't-2'), claimsFor('bob', 't-2', 'ann'))
      .when(reports('ann', 't-2'))
      .thenEvents('task.completed t-2');
  });

  it('membership and capabilities are the principal’s', () => {
    given(pool(), joins('ann', 'gpu'), submits('cid', 't-1', { requiredCapabilities: ['gpu'] }))
      .given(delegates('ann', 'bob', 'd'))
      .when(claimsFor('bob', 't-1', 'ann'))
      .thenEvents('task.claimed t-1');
    given(pool(), joins('bob', 'gpu'), submits('cid', 't-1'), delegates('ann', 'bob', 'd'))
      .when(claimsFor('bob', 't-1', 'ann'))
      .thenRejected('not_a_member');
    given(pool(), joins('ann'), joins('bob', 'gpu'), submits('cid', 't-1', { requiredCapabilities: ['gpu'] }))
      .given(delegates('ann', 'bob', 'd'))
      .when(claimsFor('bob', 't-1', 'ann'))
      .thenRejected('missing_capability');
  });

  it('claims on behalf count for the principal’s limit', () => {
    given(pool({ maxClaimsPerAgent: 1 }), joins('ann'), joins('bob'), delegates('ann', 'bob', 'd'))
      .given(submits('cid', 't-1'), submits('cid', 't-2'), claimsFor('bob', 't-1', 'ann'))
      .when(claimsFor('bob', 't-2', 'ann'))
      .thenRejected('claim_limit_reached')
      .when(claims('bob', 't-2'))
      .thenEvents('task.claimed t-2');
  });

  it('joining on behalf makes the principal a member', () => {
    given(pool(), delegates('ann', 'bob', 'd', { scope: ['JoinPool'] }))
      .when(by('bob', { type: 'JoinPool', onBehalfOf: 'ann' }))
      .thenEvents('member.joined ann')
      .thenMember('bob', undefined);
  });

  it('voting on behalf casts the principal’s ballot', () => {
    const opens: DecisionInput = {
      type: 'OpenVote',
      voteId: 'v-7',
      question: 'Which?',
      options: ['a', 'b'],
      method: 'plurality',
      electorate: ['ann', 'cid'],
      closesAt: START + 1_000,
    };
    const votesFor = (agent: string, onBehalfOf?: string) =>
      by(agent, {
        type: 'Vote',
        voteId: 'v-7',
        option: 'a',
        ...(onBehalfOf === undefined ? {} : { onBehalfOf }),
      });
    given(pool(), by('owner', opens), delegates('ann', 'bob', 'd', { scope: ['Vote:v-7'] }))
      .when(votesFor('bob'))
      .thenRejected('not_eligible')
      .when(votesFor('bob', 'cid'))
      .thenRejected('delegation_missing')
      .when(votesFor('bob', 'ann'))
      .thenEvents('vote.cast v-7')
      .thenPrincipals('ann');
  });

  it('the acting agent is heard from, the principal is not', () => {
    const joinsHeard = (agent: string) => by(agent, { type: 'JoinPool', presenceMs: 100 });
    const scenario = given(
      pool(),
      joinsHeard('ann'),
      joinsHeard('bob'),
      delegates('ann', 'bob', 'd'),
      at(60),
    );
    scenario
      .given(submits('cid', 't-1'))
      .when(cancels('bob', 't-1', 'ann'))
      .thenRejected('not_allowed');
    scenario.thenMember('bob', { lastSeenAt: START + 60 }).thenMember('ann', { lastSeenAt: START });
    scenario.when(at(100), sweep()).thenEvents('member.expired ann');
  });

  it('delegation_missing: none, none from this principal, or the other way round', () => {
    given(pool(), submits('ann', 't-1'), submits('bob', 't-2'), delegates('ann', 'bob', 'd'))
      .when(cancels('eve', 't-1', 'ann'))
      .thenRejected('delegation_missing', { transient: false })
      .when(cancels('ann', 't-2', 'bob'))
      .thenRejected('delegation_missing');
  });

  it('scope_exceeded, not delegation_missing, when there is one that does not cover the decision', () => {
    given(pool(), submits('ann', 't-1'), delegates('ann', 'bob', 'd', { scope: ['votes', 'SubmitTask'] }))
      .when(cancels('bob', 't-1', 'ann'))
      .thenRejected('scope_exceeded', { transient: false, message: /CancelTask of t-1/ })
      .when(cancels('eve', 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(by('bob', { type: 'ClosePool', onBehalfOf: 'ann' }))
      .thenRejected('scope_exceeded');
  });

  it.each([
    ['a type', 'CancelTask', true],
    ['its family', 'tasks', true],
    ['the type, narrowed to the task', 'CancelTask:t-1', true],
    ['the family, narrowed to the task', 'tasks:t-1', true],
    ['another type', 'FailTask', false],
    ['another family', 'auctions', false],
    ['another task', 'CancelTask:t-2', false],
    ['another task of the family', 'tasks:t-2', false],
  ])('a scope that names %s', (_, entry, isCovered) => {
    const scenario = given(
      pool(),
      submits('ann', 't-1'),
      delegates('ann', 'bob', 'd', { scope: [entry] }),
    ).when(cancels('bob', 't-1', 'ann'));
    if (isCovered) scenario.thenEvents('task.cancelled t-1');
    else scenario.thenRejected('scope_exceeded');
  });

  it('a narrowed scope does not cover a decision about no particular thing', () => {
    const next = by('bob', { type: 'ClaimNextTask', onBehalfOf: 'ann' });
    given(pool(), joins('ann'), submits('cid', 't-1'))
      .given(delegates('ann', 'bob', 'd-1', { scope: ['tasks:t-1', 'ClaimNextTask:t-1'] }))
      .when(next)
      .thenRejected('scope_exceeded')
      .when(delegates('ann', 'bob', 'd-2', { scope: ['ClaimNextTask'] }), next)
      .thenEvents('task.claimed t-1')
      .thenTask('t-1', { claim: { agent: 'ann' } });
  });

  it('a delegation counts in its own pool only', () => {
    given(pool(), delegates('ann', 'bob', 'd'))
      .given(by('ann', { type: 'SubmitTask', taskId: 't-1', objective: '' }, 'commons'))
      .when(by('bob', { type: 'CancelTask', taskId: 't-1', onBehalfOf: 'ann' }, 'commons'))
      .thenRejected('delegation_missing');
  });

  it('delegation_missing where there is no pool yet: nobody founds one in another’s name', () => {
    given()
      .when(by('bob', { type: 'CreatePool', onBehalfOf: 'ann' }))
      .thenRejected('delegation_missing');
  });

  it('is over at expiresAt to the millisecond, swept or not', () => {
    const fields = { expiresAt: START + 50 };
    given(pool(), submits('ann', 't-1'), submits('ann', 't-2'), delegates('ann', 'bob', 'd', fields), at(49))
      .when(cancels('bob', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1')
      .when(at(50), cancels('bob', 't-2', 'ann'))
      .thenRejected('delegation_missing')
      .given(sweep())
      .when(cancels('bob', 't-2', 'ann'))
      .thenRejected('delegation_missing');
  });

  it('leads on through whom the delegate delegates to, as far as every link covers it', () => {
    const scenario = given(pool(), submits('ann', 't-1'), submits('ann', 't-2'))
      .given(delegates('ann', 'bob', 'd-ab', { scope: ['tasks:t-1'] }), delegates('bob', 'cid', 'd-bc'))
      .when(cancels('cid', 't-2', 'ann'))
      .thenRejected('scope_exceeded')
      .when(cancels('cid', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1');
    expect(scenario.task('t-1')).toMatchObject({ finishedBy: 'ann' });
  });

  it('leads on at most maxDepth further: with 0 the delegate acts itself or nobody does', () => {
    given(pool(), submits('ann', 't-1'))
      .given(delegates('ann', 'bob', 'd-ab', { maxDepth: 0 }), delegates('bob', 'cid', 'd-bc'))
      .when(cancels('cid', 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(cancels('bob', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1');
    given(pool(), submits('ann', 't-1'))
      .given(delegates('ann', 'bob', 'd-ab', { maxDepth: 1 }))
      .given(delegates('bob', 'cid', 'd-bc'), delegates('cid', 'dot', 'd-cd'))
      .when(cancels('dot', 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(cancels('cid', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1');
  });

  it('a pooled delegation lets every member act, for as long as it is one', () => {
    given(pool(), submits('ann', 't-1'), submits('ann', 't-2'), joins('bob'), pools('ann', 'd'))
      .when(cancels('cid', 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(joins('cid'), cancels('cid', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1')
      .when(by('bob', { type: 'LeavePool' }), cancels('bob', 't-2', 'ann'))
      .thenRejected('delegation_missing')
      .when(joins('bob'), cancels('bob', 't-2', 'ann'))
      .thenEvents('task.cancelled t-2');
  });

  it('a member whose presence has lapsed is none, swept or not', () => {
    const joinsHeard = by('bob', { type: 'JoinPool', presenceMs: 100 });
    given(pool(), submits('ann', 't-1'), joinsHeard, pools('ann', 'd'))
      .when(at(100), cancels('bob', 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(at(101), joinsHeard, at(200), cancels('bob', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1');
  });

  it('in commons everyone is a member', () => {
    const submit: DecisionInput = { type: 'SubmitTask', taskId: 't-1', objective: '' };
    const grant: DecisionInput = {
      type: 'Delegate',
      delegateeId: 'commons',
      kind: 'pooled',
      scope: ['CancelTask'],
    };
    given(by('ann', submit, 'commons'), by('ann', grant, 'commons'))
      .when(by('eve', { type: 'CancelTask', taskId: 't-1', onBehalfOf: 'ann' }, 'commons'))
      .thenEvents('task.cancelled t-1');
  });

  it('through a pooled delegation it leads on to the delegates of members', () => {
    given(pool(), submits('ann', 't-1'), joins('bob'), pools('ann', 'd'))
      .given(delegates('bob', 'cid', 'd-bc'), delegates('eve', 'fay', 'd-ef'))
      .when(cancels('fay', 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(cancels('cid', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1');
  });

  it('in a Batch each member acts for its own principal, and its events say for whom', () => {
    const cancel = (taskId: string, onBehalfOf?: string): DecisionInput => ({
      type: 'CancelTask',
      taskId,
      ...(onBehalfOf === undefined ? {} : { onBehalfOf }),
    });
    const granted = [delegates('ann', 'bob', 'd-a'), delegates('cid', 'bob', 'd-c')];
    given(pool(), submits('ann', 't-a'), submits('cid', 't-c'), submits('bob', 't-b'), ...granted)
      .when(
        by('bob', {
          type: 'Batch',
          onBehalfOf: 'ann',
          decisions: [cancel('t-a'), cancel('t-c', 'cid'), cancel('t-b', 'bob'), cancel('t-b')],
        }),
      )
      .thenEvents('task.cancelled t-a', 'task.cancelled t-c', 'task.cancelled t-b')
      .thenPrincipals('ann', 'cid', undefined)
      .thenData({ outcomes: [{}, {}, {}, { code: 'not_allowed' }] });
  });

  it('dependents that a delegate’s decision settles happen in the principal’s name too', () => {
    given(pool(), submits('ann', 't-1'), submits('cid', 't-2', { dependsOn: ['t-1'] }))
      .when(delegates('ann', 'bob', 'd'), cancels('bob', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1', 'task.cancelled t-2')
      .thenPrincipals('ann', 'ann');
  });

  it('an atomic Batch that fails takes back the delegations that it granted and revoked', () => {
    const grant: DecisionInput = { type: 'Delegate', id: 'd-new', delegateeId: 'cid', scope: ['tasks'] };
    const fails: DecisionInput = { type: 'CancelTask', taskId: 'no-such-task' };
    const scenario = given(pool(), submits('ann', 't-1'), delegates('ann', 'bob', 'd'))
      .when(
        by('ann', {
          type: 'Batch',
          atomic: true,
          decisions: [{ type: 'RevokeDelegation', delegationId: 'd' }, grant, fails],
        }),
      )
      .thenRejected('task_not_found')
      .thenDelegation('d-new', undefined)
      .thenDelegation('d', { state: 'live' });
    scenario
      .when(cancels('cid', 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(cancels('bob', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1');
  });

  it('a Batch sees what its members before granted and revoked', () => {
    const decisions: DecisionInput[] = [
      { type: 'CancelTask', taskId: 't-1', onBehalfOf: 'ann' },
      { type: 'RevokeDelegation', delegationId: 'd', onBehalfOf: 'ann' },
      { type: 'CancelTask', taskId: 't-2', onBehalfOf: 'ann' },
    ];
    const both = { scope: ['tasks', 'delegations'] };
    given(pool(), submits('ann', 't-1'), submits('ann', 't-2'), delegates('ann', 'bob', 'd', both))
      .when(by('bob', { type: 'Batch', decisions }))
      .thenEvents('task.cancelled t-1', 'delegation.revoked d')
      .thenData({ outcomes: [{}, {}, { code: 'delegation_missing' }] });
  });

  it('acting for oneself takes no delegation', () => {
    given(pool(), submits('ann', 't-1'))
      .when(cancels('ann', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1')
      .thenPrincipals(undefined);
  });

  it('what was revoked no longer counts', () => {
    given(pool(), submits('ann', 't-1'), delegates('ann', 'bob', 'd'), revokes('ann', 'd'))
      .when(cancels('bob', 't-1', 'ann'))
      .thenRejected('delegation_missing');
  });
});
