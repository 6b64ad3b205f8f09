import { describe, expect, it } from 'vitest';
import {
  at,
  by,
  claims,
  given,
  joins,
  pool,
  reports,
  type Scenario,
  START,
  settle,
  submits,
  sweep,
} from '../scenario.ts';

const needs = (taskId: string, ...dependsOn: string[]) => submits('ann', taskId, { dependsOn });
const cancels = (taskId: string) => by('ann', { type: 'CancelTask', taskId });
const fails = (taskId: string) => by('ann', { type: 'FailTask', taskId, reason: '' });

/** Claims and reports, so that the report is what is looked at. */
const does = (taskId: string) => [claims('bob', taskId), reports('bob', taskId)];
const start = () => given(pool(), joins('bob'), submits('ann', 'a'));

describe('dependencies', () => {
  it('a task that waits is blocked and cannot be claimed', () => {
    start()
      .when(needs('b', 'a'))
      .thenData({ state: 'blocked' })
      .thenTask('b', { state: 'blocked', dependsOn: ['a'], waitingFor: ['a'] })
      .when(claims('bob', 'b'))
      .thenRejected('not_pending', { transient: true });
  });

  it('becomes pending in the same decision that completes the last of them', () => {
    start()
      .given(needs('b', 'a'))
      .when(...does('a'))
      .thenEvents('task.completed a', 'task.unblocked b')
      .thenTask('b', { state: 'pending', dependsOn: ['a'] });
  });

  it('a chain is freed link by link', () => {
    start()
      .given(needs('b', 'a'), needs('c', 'b'))
      .when(...does('a'))
      .thenEvents('task.completed a', 'task.unblocked b')
      .thenTask('c', { state: 'blocked' })
      .when(...does('b'))
      .thenEvents('task.completed b', 'task.unblocked c');
  });

  it('a diamond waits for both sides; the first is not told to subscribers', () => {
    const scenario = start()
      .given(needs('left', 'a'), needs('right', 'a'), needs('end', 'left', 'right'))
      .when(...does('a'))
      .thenEvents('task.completed a', 'task.unblocked left', 'task.unblocked right')
      .when(...does('right'))
      .thenEvents('task.completed right', 'task.dependency_completed end')
      .thenTask('end', { state: 'blocked', waitingFor: ['left'] });
    expect(scenario.answer.events.map(({ sequence }) => sequence)).toEqual([expect.any(Number), undefined]);
    scenario.when(...does('left')).thenEvents('task.completed left', 'task.unblocked end');
  });

  it('dependency_failed: when one fails or is cancelled, all that wait are cancelled, and theirs', () => {
    for (const ends of [cancels, fails]) {
      start()
        .given(needs('b', 'a'), needs('c', 'b'), needs('d', 'a', 'c'))
        .when(ends('a'))
        .thenEvents(
          `task.${ends === cancels ? 'cancelled' : 'failed'} a`,
          'task.cancelled b',
          'task.cancelled d',
          'task.cancelled c',
        )
        .thenTask('b', { state: 'cancelled', cause: 'dependency_failed', finishedBy: '_system' });
    }
  });

  it('dependency_failed also when the dependency is abandoned or misses its deadline', () => {
    given(pool(), joins('bob'), submits('ann', 'a', { deadline: START + 100 }), needs('b', 'a'))
      .when(at(100), sweep())
      .thenEvents('task.failed a', 'task.cancelled b')
      .thenData({ cancelled: [{ pool: 'work', taskId: 'b' }] });
    given(pool(), joins('bob'), submits('ann', 'a', { constraints: { maxExpiries: 1 } }), needs('b', 'a'))
      .given(claims('bob', 'a', 100))
      .when(at(100), sweep())
      .thenEvents('task.expired a', 'task.failed a', 'task.cancelled b');
  });

  it('what came first counts: a late sweep cancels for the dependency, not for a deadline that came after', () => {
    const setUp = () =>
      given(pool(), submits('ann', 'a', { deadline: START + 100 })).given(
        submits('ann', 'b', { dependsOn: ['a'], deadline: START + 150 }),
      );
    setUp().given(at(100), sweep()).thenTask('b', { state: 'cancelled', cause: 'dependency_failed' });
    setUp().given(at(200), sweep()).thenTask('b', { state: 'cancelled', cause: 'dependency_failed' });
  });

  it('one that completed before is no reason to wait', () => {
    start()
      .given(...does('a'))
      .when(needs('b', 'a'))
      .thenEvents('task.submitted b')
      .thenTask('b', { state: 'pending', dependsOn: ['a'] });
  });

  it('one that failed or was cancelled before cancels the task at once', () => {
    start()
      .given(cancels('a'))
      .when(needs('b', 'a'))
      .thenEvents('task.submitted b', 'task.cancelled b')
      .thenData({ taskId: 'b', state: 'cancelled' })
      .thenTask('b', { state: 'cancelled', cause: 'dependency_failed' });
  });

  it('of several that failed before, the one that ended first is the reason', () => {
    start()
      .given(submits('ann', 'x'), submits('ann', 'y'), at(5), cancels('y'), at(6), cancels('x'))
      .when(needs('b', 'x', 'a', 'y'))
      .thenEvents('task.submitted b', 'task.cancelled b')
      .thenEventData('task.cancelled', { reason: 'task y is cancelled', by: '_system' });
  });

  it('of two that ended, one well and one badly, the bad one decides', () => {
    start()
      .given(submits('ann', 'x'), ...does('a'), cancels('x'))
      .when(needs('b', 'a', 'x'))
      .thenEvents('task.submitted b', 'task.cancelled b');
  });

  it('unknown_dependency, and nothing is submitted', () => {
    start()
      .when(needs('b', 'a', 'nope'))
      .thenRejected('unknown_dependency', { transient: false });
  });

  it('unknown_dependency: a task of another pool is none of this one', () => {
    given(pool(), by('ann', { type: 'SubmitTask', taskId: 'x', objective: '' }, 'commons'))
      .when(needs('b', 'x'))
      .thenRejected('unknown_dependency');
  });

  it('dependency_cycle: a task cannot depend on itself', () => {
    start()
      .when(needs('b', 'a', 'b'))
      .thenRejected('dependency_cycle', { transient: false });
  });

  it('naming one twice is naming it once', () => {
    start()
      .given(needs('b', 'a', 'a'))
      .when(...does('a'))
      .thenEvents('task.completed a', 'task.unblocked b')
      .thenTask('b', { dependsOn: ['a'] });
  });

  it('notBefore is still to be waited for when the dependencies are through', () => {
    start()
      .given(submits('ann', 'b', { dependsOn: ['a'], notBefore: START + 100 }))
      .when(...does('a'))
      .thenEvents('task.completed a', 'task.unblocked b')
      .thenEventData('task.unblocked', { state: 'scheduled' })
      .thenTask('b', { state: 'scheduled', readyAt: START + 100 })
      .when(at(100), sweep())
      .thenEvents('task.unblocked b')
      .thenTask('b', { state: 'pending' });
  });

  it('notBefore that comes with the last dependency is no delay any more', () => {
    start()
      .given(submits('ann', 'b', { dependsOn: ['a'], notBefore: START + 100 }), at(100))
      .when(...does('a'))
      .thenTask('b', { state: 'pending' });
  });

  it('a failed attempt that is retried leaves those that wait alone', () => {
    start()
      .given(needs('b', 'a'), claims('bob', 'a'))
      .when(by('bob', { type: 'FailTask', taskId: 'a', reason: '' }))
      .thenEvents('task.retried a')
      .thenTask('b', { state: 'blocked' });
  });

  it('a blocked task that is cancelled is told nothing more', () => {
    start()
      .given(needs('b', 'a'), cancels('b'))
      .when(...does('a'))
      .thenEvents('task.completed a');
  });
});

describe('a cascade larger than one message settles (200)', () => {
  const WAITING = 450;
  const wide = (): Scenario => {
    const scenario = start();
    for (let i = 0; i < WAITING; i++) scenario.given(needs(`w-${i}`, 'a'));
    return scenario;
  };
  const states = (scenario: Scenario, state: string) =>
    [...(scenario.world.pool('work')?.entities.task.values() ?? [])].filter((task) => task.state === state)
      .length;

  it('settles 200 at once, in order of submission; a Settle goes on with it, and has no outcome', () => {
    const scenario = wide().when(...does('a'));
    expect(scenario.answer.events).toHaveLength(201);
    expect(scenario.answer.events.at(-1)?.event).toMatchObject({ type: 'task.unblocked', id: 'w-199' });
    expect(scenario.world.owing).toEqual([{ pool: 'work', turn: scenario.seq }]);
    scenario.when(settle());
    expect(scenario.answer.events).toHaveLength(200);
    expect(scenario.answer.data).toBeUndefined();
    expect(states(scenario, 'blocked')).toBe(50);
    scenario.when(settle());
    expect(states(scenario, 'blocked')).toBe(0);
    expect(states(scenario, 'pending')).toBe(WAITING);
    expect(scenario.world.owing).toEqual([]);
    scenario.when(settle()).thenEvents().thenNothingChanged();
  });

  it('a sweep goes on with it as well, and nothing of it is due', () => {
    const scenario = wide().given(...does('a'), sweep());
    expect(states(scenario, 'blocked')).toBe(50);
    scenario.when(sweep()).thenData({ more: false, counts: { unblocked: 50 } });
    expect(states(scenario, 'blocked')).toBe(0);
  });

  it('other decisions of the pool do not go on with it, and what they cause waits behind it', () => {
    const scenario = wide().given(submits('ann', 'x'), needs('y', 'x'), ...does('a'));
    scenario
      .given(by('bob', { type: 'Heartbeat' }))
      .when(cancels('x'))
      .thenEvents('task.cancelled x');
    expect(states(scenario, 'blocked')).toBe(251);
    scenario.given(settle()).when(settle());
    expect(scenario.answer.events.at(-1)?.event).toMatchObject({ type: 'task.cancelled', id: 'y' });
  });

  it('a blocked task that is owed its end can be cancelled until it is told', () => {
    const scenario = wide()
      .given(...does('a'))
      .given(cancels('w-449'));
    scenario.thenTask('w-449', { state: 'cancelled', cause: 'cancelled' });
    scenario.given(settle(), settle());
    expect(states(scenario, 'pending')).toBe(WAITING - 1);
  });

  it('of two tasks that ended, those who wait for the earlier one are told first', () => {
    const scenario = given(pool(), submits('ann', 'z'), submits('ann', 'a'));
    for (let i = 0; i < 250; i++) scenario.given(needs(`z-${i}`, 'z'));
    for (let i = 0; i < 250; i++) scenario.given(needs(`a-${i}`, 'a'));
    scenario.given(cancels('z'), at(10), cancels('a')).when(settle());
    const told = scenario.answer.events.map(({ event }) => event.id);
    expect(told.slice(0, 1)).toEqual(['z-200']);
    expect(told.slice(49, 51)).toEqual(['z-249', 'a-0']);
  });

  it('also when the rest is cancelled', () => {
    const scenario = wide().given(cancels('a'), sweep(), sweep());
    expect(states(scenario, 'cancelled')).toBe(WAITING + 1);
  });

  it('a chain longer than that is cancelled to its end', () => {
    const scenario = given(pool(), submits('ann', 'c-0'));
    for (let i = 1; i <= 450; i++) scenario.given(needs(`c-${i}`, `c-${i - 1}`));
    scenario.given(cancels('c-0'), settle(), settle());
    expect(states(scenario, 'cancelled')).toBe(451);
  });
});
