import { describe, expect, it } from 'vitest';
import type { DecisionInput } from '../../src/protocol/decisions/index.ts';
import { dump } from './dump.ts';
import { at, by, claims, given, joins, pool, reports, submits, sweep } from './scenario.ts';

const batch = (agent: string, ...decisions: DecisionInput[]) => by(agent, { type: 'Batch', decisions });
const atomic = (agent: string, ...decisions: DecisionInput[]) =>
  by(agent, { type: 'Batch', atomic: true, decisions });

const submit = (taskId: string): DecisionInput => ({ type: 'SubmitTask', taskId, objective: '' });
const claim = (taskId: string): DecisionInput => ({ type: 'ClaimTask', taskId });
const report = (taskId: string): DecisionInput => ({ type: 'ReportTask', taskId, result: 'done' });

describe('Batch', () => {
  it('is applied in order, with nothing in between; each member sees what those before it did', () => {
    given(pool())
      .when(batch('bob', { type: 'JoinPool' }, submit('t-1'), claim('t-1'), report('t-1')))
      .thenEvents('member.joined bob', 'task.submitted t-1', 'task.claimed t-1', 'task.completed t-1')
      .thenData({
        outcomes: [
          { type: 'JoinPool', status: 'accepted' },
          { type: 'SubmitTask', status: 'accepted', data: { taskId: 't-1', state: 'pending' } },
          { type: 'ClaimTask', status: 'accepted', data: { claim: { epoch: 1 } } },
          { type: 'ReportTask', status: 'accepted' },
        ],
      });
  });

  it('an epoch left out means the claim held now, so that claim and report fit in one', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'))
      .when(batch('bob', claim('t-1'), { type: 'RenewClaim', taskId: 't-1', progress: 0.5 }, report('t-1')))
      .thenEvents('task.claimed t-1', 'task.renewed t-1', 'task.completed t-1');
  });

  it('can begin with the creation of its pool', () => {
    given()
      .when(batch('ann', { type: 'CreatePool' }, { type: 'JoinPool' }, submit('t-1'), claim('t-1')))
      .thenEvents('pool.created work', 'member.joined ann', 'task.submitted t-1', 'task.claimed t-1');
  });

  it('without atomic a member that is rejected leaves the others alone, and is answered with its code', () => {
    const scenario = given(pool(), joins('bob'))
      .when(batch('bob', submit('t-1'), submit('t-1'), claim('t-9'), claim('t-1')))
      .thenEvents('task.submitted t-1', 'task.claimed t-1');
    expect(scenario.answer.data).toEqual({
      outcomes: [
        { type: 'SubmitTask', status: 'accepted', data: { taskId: 't-1', state: 'pending' } },
        { type: 'SubmitTask', status: 'rejected', code: 'task_exists', message: expect.any(String) },
        { type: 'ClaimTask', status: 'rejected', code: 'task_not_found', message: expect.any(String) },
        { type: 'ClaimTask', status: 'accepted', data: expect.anything() },
      ],
    });
  });

  it('is accepted even when all its members are rejected', () => {
    given(pool(), joins('bob'))
      .when(batch('bob', claim('t-8'), claim('t-9')))
      .thenEvents()
      .thenNothingChanged();
  });

  it('a transient rejection of a member is marked as one', () => {
    given(pool(), joins('bob'), joins('cyd'), submits('ann', 't-1'), claims('cyd', 't-1'))
      .when(batch('bob', claim('t-1')))
      .thenData({ outcomes: [{ status: 'rejected', code: 'not_pending', transient: true }] });
  });

  it('members with ids of their own are answered with them', () => {
    const scenario = given(pool()).when(batch('bob', { ...submit('t-1'), id: 'mine' }, submit('t-2')));
    expect(scenario.answer.data).toMatchObject({ outcomes: [{ id: 'mine' }, { type: 'SubmitTask' }] });
    expect(scenario.answer.data).not.toMatchObject({ outcomes: [{}, { id: expect.anything() }] });
  });

  it('what it made names the batch as its origin', () => {
    given(pool())
      .when(by('bob', { type: 'Batch', id: 'b-1', decisions: [{ ...submit('t-1'), id: 'mine' }] }))
      .thenTask('t-1', { origin: { agent: 'bob', decisionId: 'b-1' } });
  });

  it('dependents are settled after each member', () => {
    given(pool(), joins('bob'), submits('ann', 'a'), submits('ann', 'b', { dependsOn: ['a'] }))
      .when(batch('bob', claim('a'), report('a'), claim('b'), report('b')))
      .thenEvents(
        'task.claimed a',
        'task.completed a',
        'task.unblocked b',
        'task.claimed b',
        'task.completed b',
      );
  });
});

describe('an atomic Batch', () => {
  it('does all when every member is accepted', () => {
    given(pool(), joins('bob'))
      .when(atomic('bob', submit('t-1'), claim('t-1')))
      .thenEvents('task.submitted t-1', 'task.claimed t-1');
  });

  it('does nothing when one is rejected, and names it', () => {
    given(pool(), joins('bob'))
      .when(atomic('bob', submit('t-1'), claim('t-1'), claim('t-9')))
      .thenRejected('task_not_found', { message: /^decisions\[2\]: /, transient: false })
      .thenTask('t-1', undefined);
  });

  it('is transient when the member that failed it is', () => {
    given(pool(), joins('bob'), joins('cyd'), submits('ann', 't-1'), claims('cyd', 't-1'))
      .when(atomic('bob', submit('t-2'), claim('t-1')))
      .thenRejected('not_pending', { transient: true });
  });

  it('leaves the world exactly as it was: documents, indexes, due times and sequences', () => {
    const scenario = given(pool({ maxClaimsPerAgent: 5 }), joins('ann'), joins('bob', 'x'), joins('cyd'))
      .given(by('dan', { type: 'JoinPool', presenceMs: 1_000 }))
      .given(
        submits('ann', 'a'),
        submits('ann', 'b', { dependsOn: ['a'] }),
        submits('ann', 'c', { topic: 't' }),
      )
      .given(submits('bob', 'd'), claims('bob', 'c', 50), claims('bob', 'd', 500), at(60));
    const before = dump(scenario.world);
    scenario.when(
      atomic(
        'bob',
        submit('new'),
        { type: 'RenewClaim', taskId: 'd', progress: 0.5 },
        { type: 'ClaimNextTask', limit: 3 },
        report('a'),
        { type: 'FailTask', taskId: 'd', reason: '' },
        { type: 'SubmitTask', taskId: 'late', objective: '', dependsOn: ['a', 'new'] },
        { type: 'LeavePool' },
        { type: 'JoinPool', capabilities: ['y'], presenceMs: 5 },
        { type: 'CancelTask', taskId: 'd' },
        { type: 'ClosePool' },
      ),
    );
    scenario.thenRejected('not_allowed', { message: /^decisions\[9\]: / });
    expect(dump(scenario.world)).toEqual(before);
    scenario
      .when(by('bob', { type: 'ClaimNextTask', limit: 9 }))
      .thenEvents('task.expired c', 'task.claimed a', 'task.claimed c');
  });

  it('takes back the pool that it began with, and what the store would be told of it', () => {
    const scenario = given();
    scenario.world.takeChanges();
    const before = dump(scenario.world);
    scenario
      .when(atomic('ann', { type: 'CreatePool' }, { type: 'JoinPool' }, submit('t-1'), claim('t-9')))
      .thenRejected('task_not_found');
    expect(dump(scenario.world)).toEqual(before);
    const { changes, sequences } = scenario.world.takeChanges();
    expect(changes.filter((change) => change.before !== change.after)).toEqual([]);
    expect([...sequences]).toEqual([]);
  });

  it('takes back nothing of the decisions before it', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'))
      .when(atomic('bob', claim('t-1'), claim('t-9')))
      .thenRejected('task_not_found')
      .when(atomic('bob', claim('t-1'), report('t-1')))
      .thenEvents('task.claimed t-1', 'task.completed t-1');
  });

  it('the sign of life of its author is not taken back', () => {
    const scenario = given(pool(), by('bob', { type: 'JoinPool', presenceMs: 100 }), at(90));
    scenario.when(atomic('bob', submit('t-1'), claim('t-9'))).thenRejected('task_not_found');
    scenario.when(at(189), by('bob', { type: 'Heartbeat' })).thenEvents();
  });
});

describe('a Batch that is not well formed', () => {
  it.each([0, 101])('invalid_decision with %s members', (count) => {
    const members = Array.from({ length: count }, (_, i) => submit(`t-${i}`));
    given(pool())
      .when(batch('bob', ...members))
      .thenRejected('invalid_decision', { message: /^decisions: / });
  });

  it('100 members are fine', () => {
    const members = Array.from({ length: 100 }, (_, i) => submit(`t-${i}`));
    const scenario = given(pool()).when(batch('bob', ...members));
    expect(scenario.answer.events).toHaveLength(100);
  });

  it('invalid_decision names the member and the field; nothing of it is applied, atomic or not', () => {
    given(pool())
      .when(batch('bob', submit('t-1'), { type: 'SubmitTask', taskId: 'no spaces', objective: '' }))
      .thenRejected('invalid_decision', { message: /^decisions\[1\]\.taskId: / });
  });

  it('reserved_id of a member names it', () => {
    given(pool())
      .when(batch('bob', submit('t-1'), submit('_t')))
      .thenRejected('reserved_id', { message: /^decisions\[1\]\.taskId: / });
  });
});

it('a sweep finds the claims of a batch like any others', () => {
  given(pool(), joins('bob'), submits('ann', 't-1'))
    .given(batch('bob', { type: 'ClaimTask', taskId: 't-1', claimTtlMs: 50 }))
    .when(at(50), sweep())
    .thenEvents('task.expired t-1')
    .when(reports('bob', 't-1'))
    .thenRejected('claim_lost');
});
