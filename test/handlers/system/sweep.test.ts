import { describe, expect, it } from 'vitest';
import { at, by, claims, given, joins, pool, START, submits, sweep } from '../scenario.ts';

const three = () =>
  given(pool(), joins('bob'))
    .given(submits('ann', 't-1'), submits('ann', 't-2'), submits('ann', 't-3'))
    .given(claims('bob', 't-1', 300), claims('bob', 't-2', 100), claims('bob', 't-3', 200));

describe('Sweep', () => {
  it('with nothing due is accepted and changes nothing', () => {
    const scenario = three().when(at(99), sweep()).thenEvents().thenNothingChanged();
    expect(scenario.answer.data).toEqual({
      released: [],
      failed: [],
      cancelled: [],
      unblocked: [],
      expiredMembers: [],
      matched: 0,
      removedTasks: 0,
      removedPools: 0,
      closed: [],
      counts: { released: 0, failed: 0, cancelled: 0, unblocked: 0, expiredMembers: 0, closed: 0 },
      removedEntities: 0,
      forgottenOutcomes: 0,
      more: false,
    });
  });

  it('settles everything that is due, in the order in which it fell due', () => {
    three()
      .when(at(300), sweep())
      .thenEvents('task.expired t-2', 'task.expired t-3', 'task.expired t-1')
      .thenData({ more: false });
  });

  it('run twice changes nothing the second time', () => {
    three()
      .given(at(300), sweep())
      .when(sweep())
      .thenEvents()
      .thenNothingChanged()
      .thenData({ released: [], more: false });
  });

  it('of what fell due at the same time: by kind, then by id, whatever was submitted first', () => {
    given(pool(), by('zoe', { type: 'JoinPool', presenceMs: 100 }))
      .given(submits('ann', 'b'), submits('ann', 'a'), submits('ann', 'c'))
      .given(by('zoe', { type: 'ClaimTask', taskId: 'c' }))
      .given(joins('bob'), claims('bob', 'b', 100), claims('bob', 'a', 100))
      .when(at(100), sweep())
      .thenEvents('member.expired zoe', 'task.released c', 'task.expired a', 'task.expired b');
  });

  it('until: settles only what fell due by then', () => {
    three()
      .when(at(300), sweep({ until: START + 199 }))
      .thenEvents('task.expired t-2')
      .thenData({ more: false })
      .when(sweep({ until: START + 200 }))
      .thenEvents('task.expired t-3');
  });

  it('until: what else time has done to the same task since then waits for its own turn', () => {
    given(pool(), joins('bob'), submits('ann', 't-1', { deadline: START + 150 }), claims('bob', 't-1', 100))
      .when(at(200), sweep({ until: START + 120 }))
      .thenEvents('task.expired t-1')
      .when(sweep())
      .thenEvents('task.failed t-1');
    given(
      pool(),
      by('bob', { type: 'JoinPool', presenceMs: 150 }),
      submits('ann', 't-1'),
      claims('bob', 't-1', 100),
    )
      .when(at(200), sweep({ until: START + 149 }))
      .thenEvents('task.expired t-1')
      .when(sweep({ until: START + 150 }))
      .thenEvents('member.expired bob');
  });

  it('until lies never beyond log time', () => {
    three()
      .when(at(150), sweep({ until: START + 1_000 }))
      .thenEvents('task.expired t-2');
  });

  it('limit: stops there and says that there is more', () => {
    three()
      .when(at(300), sweep({ limit: 2 }))
      .thenEvents('task.expired t-2', 'task.expired t-3')
      .thenData({ more: true })
      .when(sweep({ limit: 2 }))
      .thenEvents('task.expired t-1')
      .thenData({ more: false });
  });

  it('500 unless a limit is stated', () => {
    const scenario = given(pool());
    for (let i = 0; i < 501; i++) scenario.given(submits('ann', `t-${i}`, { deadline: START + 10 }));
    scenario.when(at(10), sweep()).thenData({ more: true });
    expect(scenario.answer.events).toHaveLength(500);
  });

  it('settles every pool of the shard, what fell due first first', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1', 200))
      .given(by('ann', { type: 'SubmitTask', taskId: 't-1', objective: '' }, 'commons'))
      .given(by('bob', { type: 'ClaimTask', taskId: 't-1', claimTtlMs: 100 }, 'commons'))
      .when(at(200), sweep())
      .thenData({
        released: [
          { pool: 'commons', taskId: 't-1' },
          { pool: 'work', taskId: 't-1' },
        ],
      });
  });

  it('reports every kind of thing it settled', () => {
    given(pool(), joins('bob'), by('cyd', { type: 'JoinPool', presenceMs: 50 }))
      .given(submits('ann', 'expires'), submits('ann', 'fails', { deadline: START + 100 }))
      .given(
        submits('ann', 'waits', { dependsOn: ['fails'] }),
        submits('ann', 'later', { notBefore: START + 60 }),
      )
      .given(submits('ann', 'absent'), claims('bob', 'expires', 100), claims('cyd', 'absent'))
      .when(at(100), sweep())
      .thenData({
        released: [
          { pool: 'work', taskId: 'absent', agent: 'cyd', epoch: 1 },
          { pool: 'work', taskId: 'expires', agent: 'bob', epoch: 1 },
        ],
        failed: [{ pool: 'work', taskId: 'fails', cause: 'deadline_passed' }],
        cancelled: [{ pool: 'work', taskId: 'waits' }],
        unblocked: [{ pool: 'work', taskId: 'later' }],
        expiredMembers: [{ pool: 'work', agent: 'cyd' }],
        more: false,
      });
  });

  it('knows exactly when the next thing falls due', () => {
    const scenario = three();
    expect(scenario.world.nextDue()).toBe(START + 100);
    scenario.given(at(100), sweep());
    expect(scenario.world.nextDue()).toBe(START + 200);
    scenario.given(by('ann', { type: 'CancelTask', taskId: 't-3' }));
    expect(scenario.world.nextDue()).toBe(START + 300);
  });

  it('its settings are in force from there on, and stay', () => {
    const scenario = given(
      sweep({ settings: { maxLiveTasksPerPool: 1 } }),
      sweep(),
      pool(),
      submits('ann', 't-1'),
    )
      .when(submits('ann', 't-2'))
      .thenRejected('rate_limited');
    expect(scenario.world.settings).toMatchObject({ maxLiveTasksPerPool: 1, maxMembersPerPool: 100_000 });
  });
});

describe('a Sweep that agents make up', () => {
  it('reserved_id: the shard as a whole is addressed by the system only', () => {
    given()
      .when(by('ann', { type: 'Sweep' }, '_shard'))
      .thenRejected('reserved_id');
  });

  it('unknown_type in a pool, alone or in a Batch', () => {
    given(pool())
      .when(by('ann', { type: 'Sweep' }))
      .thenRejected('unknown_type');
  });

  it('unknown_type: nothing but a Sweep is addressed to a shard', () => {
    given()
      .when(by('_sweeper', { type: 'CreatePool' }, '_shard'))
      .thenRejected('unknown_type');
  });

  it.each([
    ['limit', { limit: 0 }],
    ['limit', { limit: 1_001 }],
    ['until', { until: -1 }],
    ['settings.finalRetentionMs', { settings: { finalRetentionMs: 0 } }],
  ])('invalid_decision names %s', (path, fields) => {
    const scenario = given().when(sweep(fields)).thenRejected('invalid_decision');
    expect(scenario.answer.message).toMatch(new RegExp(`^${path}: `));
  });
});
