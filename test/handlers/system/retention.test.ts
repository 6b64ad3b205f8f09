import { describe, expect, it } from 'vitest';
import { NOTHING_OLD, nextDue } from '../../../src/handlers/sweep/sweep.ts';
import { keptOf } from '../ended-pages.ts';
import { at, by, given, joins, pool, type Scenario, START, submits, sweep } from '../scenario.ts';

/** What the store would answer: final tasks by the time that they ended, then by id. */
function oldest(scenario: Scenario, most = Number.POSITIVE_INFINITY) {
  const tasks = [...(scenario.world.pool('work')?.entities.task.values() ?? [])];
  return { ended: { ...NOTHING_OLD.ended, tasks: new Map([['work', keptOf(tasks).slice(0, most)]]) } };
}

const ends = (ms: number, ...ids: string[]) => [
  ...ids.flatMap((id) => [at(ms), submits('ann', id), by('ann', { type: 'CancelTask', taskId: id })]),
];

/** Settings travel in a Sweep: finals are kept for 1,000 ms, with 100 ms of slack. */
const keeping = (finalRetentionCount = 1_000, finalRetentionMs = 1_000) =>
  given(sweep({ settings: { finalRetentionCount, finalRetentionMs } }), pool(), joins('bob'));

const sweeps = (scenario: Scenario, fields = {}) => scenario.when(sweep(fields, oldest(scenario)));

describe('retention by time', () => {
  it('removes final tasks after finalRetentionMs, and says how many', () => {
    const scenario = keeping().given(...ends(0, 'a'), ...ends(50, 'b'), ...ends(200, 'c'), at(1_100));
    sweeps(scenario)
      .thenEvents('task.removed a', 'task.removed b')
      .thenData({ removedTasks: 2, more: false })
      .thenTask('a', undefined)
      .thenTask('c', { state: 'cancelled' });
  });

  it('what is as old as that goes, what is 1 ms younger stays', () => {
    const scenario = keeping().given(...ends(0, 'a'), ...ends(100, 'b'), ...ends(101, 'c'), at(1_100));
    sweeps(scenario).thenEvents('task.removed a', 'task.removed b');
  });

  it('not before: a little slack makes one sweep remove many', () => {
    const scenario = keeping().given(...ends(0, 'a'));
    expect(scenario.world.nextDue()).toBe(START + 1_100);
    sweeps(scenario.given(at(1_099))).thenEvents();
    sweeps(scenario.given(at(1_100))).thenEvents('task.removed a');
    expect(scenario.world.nextDue()).toBeUndefined();
  });

  it('the next falls due by the oldest that is left', () => {
    const scenario = keeping().given(...ends(0, 'a'), ...ends(500, 'b'), at(1_100));
    sweeps(scenario).thenEvents('task.removed a');
    expect(scenario.world.nextDue()).toBe(START + 1_600);
  });

  it('live tasks are never removed', () => {
    const scenario = keeping().given(submits('ann', 'live'), ...ends(0, 'a'), at(50_000));
    sweeps(scenario).thenEvents('task.removed a').thenTask('live', { state: 'pending' });
  });

  it('twice changes nothing', () => {
    const scenario = keeping().given(...ends(0, 'a'), ...ends(900, 'b'), at(1_100));
    sweeps(scenario).thenEvents('task.removed a');
    sweeps(scenario).thenEvents().thenNothingChanged();
  });

  it('limit: a page at a time', () => {
    const scenario = keeping().given(...ends(0, 'a', 'b', 'c', 'd', 'e'), at(5_000));
    sweeps(scenario, { limit: 2 }).thenEvents('task.removed a', 'task.removed b').thenData({ more: true });
    sweeps(scenario, { limit: 2 }).thenEvents('task.removed c', 'task.removed d').thenData({ more: true });
    sweeps(scenario, { limit: 2 }).thenEvents('task.removed e').thenData({ more: false });
  });

  it('limit: what a sweep settled before leaves less for it', () => {
    const scenario = keeping().given(
      ...ends(0, 'a', 'b', 'c'),
      submits('ann', 'x', { deadline: START + 10 }),
      at(5_000),
    );
    sweeps(scenario, { limit: 3 }).thenEvents('task.failed x', 'task.removed a', 'task.removed b');
  });

  it('until: judged as of then', () => {
    const scenario = keeping().given(...ends(0, 'a'), ...ends(500, 'b'), at(5_000));
    sweeps(scenario, { until: START + 1_100 }).thenEvents('task.removed a');
    sweeps(scenario, { until: START + 1_599 }).thenEvents();
    sweeps(scenario, { until: START + 1_600 }).thenEvents('task.removed b');
  });

  it('the id of a removed task is free again', () => {
    const scenario = keeping().given(...ends(0, 'a'), at(1_100));
    sweeps(scenario).thenEvents('task.removed a');
    scenario.when(submits('ann', 'a')).thenEvents('task.submitted a');
  });

  it('unknown_dependency on what was removed', () => {
    const scenario = keeping().given(...ends(0, 'a'), at(1_100));
    sweeps(scenario).thenEvents('task.removed a');
    scenario.when(submits('ann', 'b', { dependsOn: ['a'] })).thenRejected('unknown_dependency');
  });

  it('a shorter time, told by a Sweep, holds for what ended before it', () => {
    const scenario = keeping().given(...ends(0, 'a'), at(100));
    sweeps(scenario, { settings: { finalRetentionMs: 10 } }).thenEvents('task.removed a');
  });

  it('is planned anew when a Sweep changes the time, or the count, and nothing else', () => {
    const settings = { finalRetentionCount: 1_000, finalRetentionMs: 1_000 };
    const scenario = keeping().given(...ends(0, 'a'), ...ends(10, 'b'));
    scenario.given(sweep({ settings: { ...settings, finalRetentionMs: 2_000 } }));
    expect(scenario.world.nextDue()).toBe(START + 2_200);
    scenario.given(sweep({ settings }));
    expect(scenario.world.nextDue()).toBe(START + 1_100);
    sweeps(scenario, { settings: { ...settings, finalRetentionCount: 1 } }).thenEvents('task.removed a');
  });

  it('a Sweep to which no page was handed removes nothing, says that there is more, and the next one does it', () => {
    const scenario = keeping().given(...ends(0, 'a'), at(5_000));
    scenario.when(sweep()).thenEvents().thenData({ more: true });
    sweeps(scenario).thenEvents('task.removed a').thenData({ more: false });
  });
});

describe('retention that is not due', () => {
  it('is not put off by a sweep that settles something else in the pool', () => {
    const scenario = keeping()
      .given(...ends(0, 'a'), submits('ann', 't-1', { notBefore: START + 500 }), at(500))
      .when(sweep())
      .thenEvents('task.unblocked t-1');
    expect(scenario.world.nextDue()).toBe(START + 1_100);
  });
});

describe('retention by count', () => {
  it('removes the oldest beyond finalRetentionCount at once', () => {
    const scenario = keeping(2).given(...ends(0, 'a'), ...ends(10, 'b'), ...ends(20, 'c'), ...ends(30, 'd'));
    sweeps(scenario).thenEvents('task.removed a', 'task.removed b').thenData({ more: false });
    expect(scenario.world.pool('work')?.retained.tasks).toEqual({ count: 2, oldestAt: START + 20 });
  });

  it('as many as allowed may stay', () => {
    const scenario = keeping(2).given(...ends(0, 'a'), ...ends(10, 'b'));
    sweeps(scenario).thenEvents();
  });

  it('counts what the sweep itself ends', () => {
    const scenario = keeping(2)
      .given(...ends(0, 'a'), ...ends(10, 'b'))
      .given(...['x', 'y', 'z'].map((id) => submits('ann', id, { deadline: START + 100 })), at(100));
    for (let left = 3; left > 0 && sweeps(scenario).answer.events.length > 0; left--);
    sweeps(scenario).thenEvents().thenData({ more: false });
    const kept = [...(scenario.world.pool('work')?.entities.task.keys() ?? [])].sort();
    expect(kept).toHaveLength(2);
    expect(kept).not.toContain('a');
    expect(kept).not.toContain('b');
  });

  it('goes on within one sweep as long as its page lasts', () => {
    const scenario = keeping(2)
      .given(...ends(0, 'a'), ...ends(10, 'b'), ...ends(20, 'c'))
      .given(
        submits('ann', 'x', { deadline: START + 100 }),
        submits('ann', 'y', { deadline: START + 100 }),
        at(100),
      );
    sweeps(scenario).thenEvents(
      'task.removed a',
      'task.failed x',
      'task.removed b',
      'task.failed y',
      'task.removed c',
    );
  });

  it('a page that ends before the surplus does leaves the rest to the next sweep', () => {
    const scenario = keeping(1).given(...ends(0, 'a', 'b', 'c', 'd'));
    scenario
      .when(sweep({}, oldest(scenario, 2)))
      .thenEvents('task.removed a', 'task.removed b')
      .thenData({ more: true });
    sweeps(scenario).thenEvents('task.removed c').thenData({ more: false });
  });

  it('a task that others still wait for is not removed before they were told', () => {
    const scenario = keeping(1).given(...ends(0, 'older'), submits('ann', 'p'), at(10));
    for (let i = 0; i < 450; i++) scenario.given(submits('ann', `w-${i}`, { dependsOn: ['p'] }));
    scenario.given(by('ann', { type: 'CancelTask', taskId: 'p' }), at(20));
    for (let i = 0; i < 20; i++) sweeps(scenario, { limit: 100 });
    sweeps(scenario).thenEvents().thenData({ more: false });
    const left = [...(scenario.world.pool('work')?.entities.task.values() ?? [])];
    expect(left.map(({ state }) => state)).toEqual(['cancelled']);
  });
});

describe('outcomes', () => {
  const settings = { outcomeRetentionMs: 1_000, outcomeRetentionCount: 1_000 };
  const remembering = (...times: number[]) => {
    const scenario = given(sweep({ settings }));
    scenario.world.outcomes.count = times.length;
    scenario.world.outcomes.bytes = times.length * 10;
    scenario.world.outcomes.oldestAt = times[0] === undefined ? undefined : START + times[0];
    return { scenario, page: times.map((ms, i) => ({ id: `work.ann.d-${i}`, at: START + ms, bytes: 10 })) };
  };

  it('are forgotten after outcomeRetentionMs, and not before a little slack is over', () => {
    const { scenario, page } = remembering(0, 40, 100, 101, 900);
    scenario.when(at(1_099), sweep({}, { outcomes: page })).thenData({ forgottenOutcomes: 0 });
    scenario.when(at(1_100), sweep({}, { outcomes: page })).thenData({ forgottenOutcomes: 3, more: false });
    expect(scenario.answer.forgottenOutcomes).toBe(3);
    expect(scenario.world.outcomes).toEqual({ count: 2, bytes: 20, oldestAt: START + 101 });
  });

  it('are all forgotten when all are old enough', () => {
    const { scenario, page } = remembering(0, 40);
    scenario.when(at(2_000), sweep({}, { outcomes: page })).thenData({ forgottenOutcomes: 2 });
    expect(scenario.world.outcomes).toEqual({ count: 0, bytes: 0, oldestAt: undefined });
  });

  it('are forgotten early when there are too many: the oldest, as many as that', () => {
    const { scenario, page } = remembering(...Array.from({ length: 1_003 }, () => 5));
    scenario.when(at(10), sweep({}, { outcomes: page })).thenData({ forgottenOutcomes: 3, more: false });
    expect(scenario.world.outcomes).toEqual({ count: 1_000, bytes: 10_000, oldestAt: START + 5 });
  });

  it('are forgotten early when together they take too many bytes: the oldest, as many as that takes', () => {
    const scenario = given(sweep({ settings: { ...settings, outcomeRetentionBytes: 1_000_000 } }));
    const sizes = [500_000, 1, 300_000, 400_000, 300_000];
    scenario.world.outcomes.count = sizes.length;
    scenario.world.outcomes.bytes = 1_500_001;
    scenario.world.outcomes.oldestAt = START;
    expect(nextDue(scenario.world)).toBe(START);
    const page = sizes.map((bytes, i) => ({ id: `work.ann.d-${i}`, at: START + i, bytes }));
    scenario.when(at(10), sweep({}, { outcomes: page })).thenData({ forgottenOutcomes: 2, more: false });
    expect(scenario.world.outcomes).toEqual({ count: 3, bytes: 1_000_000, oldestAt: START + 2 });
  });

  it('at most 5,000 at once, and the Sweep says that there is more', () => {
    const { scenario, page } = remembering(...Array.from({ length: 5_002 }, () => 0));
    scenario
      .when(at(5_000), sweep({}, { outcomes: page }))
      .thenData({ forgottenOutcomes: 5_000, more: true });
    expect(scenario.world.outcomes).toEqual({ count: 2, bytes: 20, oldestAt: START });
  });

  it('a Sweep to which no page was handed forgets nothing, and says that there is more', () => {
    const { scenario } = remembering(0, 40);
    scenario.when(at(5_000), sweep()).thenData({ forgottenOutcomes: 0, more: true });
    expect(scenario.world.outcomes).toEqual({ count: 2, bytes: 20, oldestAt: START });
  });

  it('are what falls due next, when nothing in the pools does so earlier', () => {
    const { scenario } = remembering(0);
    expect(nextDue(scenario.world)).toBe(START + 1_100);
    scenario.given(pool(), submits('ann', 't-1', { deadline: START + 2_000 }));
    expect(nextDue(scenario.world)).toBe(START + 1_100);
    scenario.given(submits('ann', 't-2', { deadline: START + 50 }));
    expect(nextDue(scenario.world)).toBe(START + 50);
    scenario.world.outcomes.oldestAt = undefined;
    expect(nextDue(scenario.world)).toBe(START + 50);
  });

  it('no other decision forgets any', () => {
    const { scenario } = remembering(0);
    expect(scenario.when(at(9_000), pool()).answer.forgottenOutcomes).toBe(0);
  });
});
