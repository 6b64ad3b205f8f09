import { describe, expect, it } from 'vitest';
import { at, by, claims, given, joins, pool, reports, START, submits, sweep } from '../scenario.ts';

describe('SubmitTask', () => {
  it('makes a pending task with the protocol defaults', () => {
    const scenario = given(pool(), at(3))
      .when(by('ann', { type: 'SubmitTask', id: 'first', taskId: 't-1', objective: 'weave' }))
      .thenEvents('task.submitted t-1')
      .thenData({ taskId: 't-1', state: 'pending' });
    expect(scenario.task('t-1')).toEqual({
      pool: 'work',
      taskId: 't-1',
      objective: 'weave',
      requiredCapabilities: [],
      priority: 0,
      dependsOn: [],
      constraints: { claimTtlMs: 60_000, maxAttempts: 3, backoffMs: 0, maxExpiries: 5, maxUnstarted: 10 },
      submitter: 'ann',
      submittedAt: START + 3,
      order: expect.any(Number),
      epoch: 0,
      failures: 0,
      expiries: 0,
      state: 'pending',
      origin: { agent: 'ann', decisionId: 'first' },
    });
  });

  it('keeps inputs, evaluator, topic and whatever constraints are stated as they are', () => {
    const fields = {
      inputs: { files: ['a', null, 1.5, { deep: [[]] }] },
      evaluator: null,
      topic: 'gpu',
      priority: -7,
      constraints: { cpu: 0.5, memoryMb: 512, region: 'eu', spot: true, claimTtlMs: 9 },
    };
    given(pool())
      .when(submits('ann', 't-1', fields))
      .thenTask('t-1', fields);
  });

  it('constraints: the task’s own before the pool’s defaults before the protocol’s', () => {
    given(pool({ defaults: { claimTtlMs: 5, maxAttempts: 7, maxRunMs: 99, region: 'eu', spot: false } }))
      .when(submits('ann', 't-1', { constraints: { claimTtlMs: 6, spot: true } }))
      .thenTask('t-1', {
        constraints: {
          claimTtlMs: 6,
          maxAttempts: 7,
          backoffMs: 0,
          maxExpiries: 5,
          maxUnstarted: 10,
          maxRunMs: 99,
          region: 'eu',
          spot: true,
        },
      });
  });

  it('requirements that mean the same are kept in one form', () => {
    given(pool())
      .when(submits('ann', 't-1', { requiredCapabilities: [['b', 'a', 'b'], 'z', ['a', 'b'], ['z'], 'c'] }))
      .thenTask('t-1', { requiredCapabilities: [['a', 'b'], ['c'], ['z']] });
  });

  it('task_exists while the task is kept, also when it is final', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'))
      .when(submits('eve', 't-1', { priority: 9 }))
      .thenRejected('task_exists', { transient: false })
      .given(claims('bob', 't-1'), reports('bob', 't-1'))
      .when(submits('ann', 't-1'))
      .thenRejected('task_exists');
  });

  it('the same task id in another pool is another task', () => {
    given(pool(), submits('ann', 't-1'))
      .when(by('ann', { type: 'SubmitTask', taskId: 't-1', objective: '' }, 'commons'))
      .thenEvents('task.submitted t-1');
  });

  it('not_a_member where only members submit; the owner is none by owning', () => {
    given(pool({ submitters: 'members' }), joins('bob'))
      .when(submits('ann', 't-1'))
      .thenRejected('not_a_member', { transient: false })
      .when(submits('owner', 't-1'))
      .thenRejected('not_a_member')
      .when(submits('bob', 't-1'))
      .thenEvents('task.submitted t-1');
  });

  it('submitters: anyone is the default', () => {
    given(pool()).when(submits('stranger', 't-1')).thenEvents('task.submitted t-1');
  });

  it('deadline_passed from the deadline on: not 1 ms before', () => {
    given(pool(), at(100))
      .when(submits('ann', 't-1', { deadline: START + 99 }))
      .thenRejected('deadline_passed', { transient: false })
      .when(submits('ann', 't-1', { deadline: START + 100 }))
      .thenRejected('deadline_passed')
      .when(submits('ann', 't-1', { deadline: START + 101 }))
      .thenEvents('task.submitted t-1');
  });

  it('rate_limited, transient: a pool holds no more unfinished tasks than the settings say', () => {
    given(sweep({ settings: { maxLiveTasksPerPool: 2 } }), pool(), joins('bob'))
      .given(submits('ann', 't-1'), submits('ann', 't-2'))
      .when(submits('ann', 't-3'))
      .thenRejected('rate_limited', { transient: true })
      .given(claims('bob', 't-1'), reports('bob', 't-1'))
      .when(submits('ann', 't-3'))
      .thenEvents('task.submitted t-3');
  });

  it('reserved_id: a task id that starts with _ is the system’s', () => {
    given(pool()).when(submits('ann', '_t')).thenRejected('reserved_id');
  });

  it('the order of submission rises with the log, also within a Batch', () => {
    const scenario = given(pool(), submits('ann', 't-1')).given(
      by('ann', {
        type: 'Batch',
        decisions: [
          { type: 'SubmitTask', taskId: 't-2', objective: '' },
          { type: 'SubmitTask', taskId: 't-3', objective: '' },
        ],
      }),
      submits('ann', 't-4'),
    );
    const orders = ['t-1', 't-2', 't-3', 't-4'].map((id) => scenario.task(id)?.order ?? Number.NaN);
    expect(orders).toEqual([...new Set(orders)].sort((a, b) => a - b));
  });
});

describe('notBefore', () => {
  it('in the future makes a scheduled task, not to be claimed 1 ms before', () => {
    given(pool(), joins('bob'))
      .when(submits('ann', 't-1', { notBefore: START + 100 }))
      .thenData({ state: 'scheduled' })
      .thenTask('t-1', { state: 'scheduled', readyAt: START + 100 })
      .when(at(99), claims('bob', 't-1'))
      .thenRejected('not_pending', { transient: true })
      .when(by('bob', { type: 'ClaimNextTask' }))
      .thenEvents();
  });

  it('once reached the task can be claimed, whether or not the sweep has run', () => {
    const setUp = () =>
      given(pool(), joins('bob'), submits('ann', 't-1', { notBefore: START + 100 }), at(100));
    setUp().when(claims('bob', 't-1')).thenEvents('task.unblocked t-1', 'task.claimed t-1');
    setUp()
      .when(by('bob', { type: 'ClaimNextTask' }))
      .thenEvents('task.unblocked t-1', 'task.claimed t-1');
    setUp()
      .when(sweep())
      .thenEvents('task.unblocked t-1')
      .thenEventData('task.unblocked', { state: 'pending' })
      .thenData({ unblocked: [{ pool: 'work', taskId: 't-1' }] })
      .when(claims('bob', 't-1'))
      .thenEvents('task.claimed t-1');
  });

  it('that is not in the future is no delay', () => {
    given(pool(), at(100))
      .when(submits('ann', 't-1', { notBefore: START + 100 }))
      .thenData({ state: 'pending' })
      .thenTask('t-1', { state: 'pending', notBefore: START + 100 });
  });

  it('is not asked again when a claim is given back', () => {
    given(
      pool(),
      joins('bob'),
      submits('ann', 't-1', { notBefore: START + 100 }),
      at(100),
      claims('bob', 't-1'),
    )
      .when(by('bob', { type: 'ReleaseTask', taskId: 't-1' }))
      .thenTask('t-1', { state: 'pending' });
  });
});
