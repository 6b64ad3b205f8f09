/** Retention of auctions, votes, negotiations and delegations that ended: as of final tasks, by time and by count. */
import { describe, expect, it } from 'vitest';
import { NOTHING_OLD } from '../../../src/handlers/sweep/sweep.ts';
import { keptOf } from '../ended-pages.ts';
import { at, by, given, pool, type Scenario, START, submits, sweep } from '../scenario.ts';

/** Negotiations that ended at this time. */
const ends = (ms: number, ...ids: string[]) => [
  at(ms),
  ...ids.flatMap((sessionId) => [
    by('ann', { type: 'OpenNegotiation', sessionId, participants: ['ann', 'bob'], proposal: 1 }),
    by('bob', { type: 'RejectProposal', sessionId }),
  ]),
];

/** What the store would answer: those that ended, the oldest first. */
function oldest(scenario: Scenario, most = Number.POSITIVE_INFINITY) {
  const sessions = [...(scenario.world.pool('work')?.entities.negotiation.values() ?? [])];
  return {
    ended: { ...NOTHING_OLD.ended, collective: new Map([['work', keptOf(sessions).slice(0, most)]]) },
  };
}

const keeping = (finalRetentionCount = 1_000, finalRetentionMs = 1_000) =>
  given(sweep({ settings: { finalRetentionCount, finalRetentionMs } }), pool());

const sweeps = (scenario: Scenario, fields = {}, most?: number) =>
  scenario.when(sweep(fields, oldest(scenario, most)));

const ended = (scenario: Scenario) => scenario.world.pool('work')?.retained.collective;

describe('what ended', () => {
  it('is removed when it is old enough, and not a millisecond before; the Sweep counts it', () => {
    const scenario = keeping().given(...ends(0, 'a'), ...ends(100, 'b'), ...ends(101, 'c'), at(1_100));
    sweeps(scenario)
      .thenEvents('negotiation.removed a', 'negotiation.removed b')
      .thenData({ removedEntities: 2, removedTasks: 0, closed: [], more: false });
    expect(ended(scenario)).toEqual({ count: 1, oldestAt: START + 101 });
  });

  it('waits for a little slack, so that one sweep removes many', () => {
    const scenario = keeping().given(...ends(0, 'a'));
    sweeps(scenario.given(at(1_099))).thenEvents();
    sweeps(scenario.given(at(1_100))).thenEvents('negotiation.removed a');
    expect(ended(scenario)).toEqual({ count: 0, oldestAt: undefined });
    expect(scenario.world.nextDue()).toBeUndefined();
  });

  it('is removed early when there are too many: the oldest, as many as that', () => {
    const scenario = keeping(2).given(...ends(0, 'a', 'b'), ...ends(10, 'c'), ...ends(20, 'd'));
    sweeps(scenario).thenEvents('negotiation.removed a', 'negotiation.removed b').thenData({ more: false });
    expect(ended(scenario)).toEqual({ count: 2, oldestAt: START + 10 });
  });

  it('may be as many as that', () => {
    const scenario = keeping(2).given(...ends(0, 'a', 'b'));
    sweeps(scenario).thenEvents();
  });

  it('goes a page at a time', () => {
    const scenario = keeping().given(...ends(0, 'a', 'b', 'c'), at(5_000));
    sweeps(scenario, { limit: 2 })
      .thenEvents('negotiation.removed a', 'negotiation.removed b')
      .thenData({ more: true });
    sweeps(scenario, { limit: 2 }).thenEvents('negotiation.removed c').thenData({ more: false });
  });

  it('beyond the page that was handed in is left to the next Sweep', () => {
    const scenario = keeping(1).given(...ends(0, 'a', 'b', 'c', 'd'));
    sweeps(scenario, {}, 2)
      .thenEvents('negotiation.removed a', 'negotiation.removed b')
      .thenData({ more: true });
    sweeps(scenario).thenEvents('negotiation.removed c').thenData({ more: false });
  });

  it('is not touched by a Sweep to which no page was handed, which says that there is more', () => {
    const scenario = keeping().given(...ends(0, 'a'), at(5_000));
    scenario.when(sweep()).thenEvents().thenData({ more: true, removedEntities: 0 });
  });

  it('is judged as of `until`', () => {
    const scenario = keeping().given(...ends(0, 'a'), ...ends(500, 'b'), at(5_000));
    sweeps(scenario, { until: START + 1_100 }).thenEvents('negotiation.removed a');
    sweeps(scenario, { until: START + 1_600 }).thenEvents('negotiation.removed b');
  });

  it('is not put off by a Sweep that settles something else in the pool', () => {
    const scenario = keeping().given(
      ...ends(0, 'a'),
      submits('ann', 't', { notBefore: START + 500 }),
      at(500),
    );
    scenario.when(sweep()).thenEvents('task.unblocked t');
    expect(ended(scenario)).toEqual({ count: 1, oldestAt: START });
    expect(scenario.world.nextDue()).toBe(START + 1_100);
  });
});

describe('the report of a Sweep', () => {
  it('names what time closed, and no task among it', () => {
    const session = { sessionId: 's', participants: ['ann', 'bob'], proposal: 1, deadline: START + 50 };
    given(
      pool(),
      by('ann', { type: 'OpenNegotiation', ...session }),
      submits('ann', 't', { deadline: START + 50 }),
    )
      .when(at(50), sweep())
      .thenData({
        failed: [{ pool: 'work', taskId: 't', cause: 'deadline_passed' }],
        closed: [{ pool: 'work', entity: 'negotiation/s', event: 'negotiation.expired' }],
        removedEntities: 0,
      });
  });
});

describe('outcomes', () => {
  it('beyond a page that was forgotten to its end are as old as this Sweep, at most', () => {
    const scenario = given(sweep({ settings: { outcomeRetentionMs: 1_000 } }));
    Object.assign(scenario.world.outcomes, { count: 3, bytes: 30, oldestAt: START });
    const page = [0, 40].map((ms, i) => ({ id: `work.ann.d-${i}`, at: START + ms, bytes: 10 }));
    scenario.when(at(5_000), sweep({}, { outcomes: page })).thenData({ forgottenOutcomes: 2 });
    expect(scenario.world.outcomes).toEqual({ count: 1, bytes: 10, oldestAt: START + 5_000 });
  });
});
