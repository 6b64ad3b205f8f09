/** What has ended is kept up to a bound in bytes a shard: beyond it the oldest of all pools goes first. */
import { describe, expect, it } from 'vitest';
import { endedBytesOf } from '../../../src/handlers/quotas/ended.ts';
import { nextDue, type OldestKept } from '../../../src/handlers/sweep/sweep.ts';
import { type Entity, type Group, KINDS, ofGroups } from '../../../src/protocol/entities.ts';
import { memoryBounds } from '../../../src/protocol/memory.ts';
import { DEFAULT_SETTINGS, settingsSchema } from '../../../src/protocol/settings.ts';
import { keptOf } from '../ended-pages.ts';
import { at, by, given, pool, type Scenario, START, submits, sweep } from '../scenario.ts';

const settings = (fields: object) => sweep({ settings: settingsSchema.parse(fields) });
const BYTES = 10_000;

/** A task that was cancelled at this time; with what is kept beside it some 11,500 bytes. */
const ends = (ms: number, taskId: string, where = 'work') => [
  at(ms),
  by('ann', { type: 'SubmitTask', taskId, objective: 'x', inputs: 'x'.repeat(BYTES) }, where),
  by('ann', { type: 'CancelTask', taskId }, where),
];

/** A negotiation that ended at this time, as large. */
const rejects = (ms: number, sessionId: string) => [
  at(ms),
  by('ann', {
    type: 'OpenNegotiation',
    sessionId,
    participants: ['ann', 'bob'],
    proposal: 'x'.repeat(BYTES),
  }),
  by('bob', { type: 'RejectProposal', sessionId }),
];

/** What a store would answer that shows the oldest `most` of all pools. */
function oldest(scenario: Scenario, most = Number.POSITIVE_INFINITY): OldestKept {
  const kept = [...scenario.world.pools.values()].flatMap(({ doc, entities }) =>
    keptOf(Object.values(entities).flatMap((map): Entity[] => [...map.values()])).map((one) => ({
      ...one,
      pool: doc.pool,
    })),
  );
  kept.sort((a, b) => a.at - b.at || (a.pool < b.pool ? -1 : 1));
  const of = (group: Group, from: typeof kept) =>
    new Map(
      [...scenario.world.pools.keys()].map((name) => [
        name,
        from.filter((one) => KINDS[one.kind].group === group && one.pool === name),
      ]),
    );
  const shown = kept.slice(0, most);
  const rest = (group: Group) =>
    new Map(
      [...of(group, kept.slice(shown.length))].flatMap(([name, [first]]) =>
        first ? [[name, first.at]] : [],
      ),
    );
  return { ended: ofGroups((group) => of(group, shown)), beyond: ofGroups(rest), outcomes: [] };
}

const sweeps = (scenario: Scenario, most?: number, fields = {}) =>
  scenario.when(sweep(fields, oldest(scenario, most)));
const other = by('ann', { type: 'CreatePool' }, 'other');

describe('4.1 what has ended is bounded in bytes', () => {
  it('four times what may be live, unless a setting says otherwise', () => {
    const { shardBytes, endedBytes } = memoryBounds(DEFAULT_SETTINGS);
    expect(endedBytes).toBe(4 * shardBytes);
    expect(memoryBounds({ ...DEFAULT_SETTINGS, shardBytes: 1_000 }).endedBytes).toBe(4_000);
    expect(memoryBounds({ ...DEFAULT_SETTINGS, endedBytes: 7 }).endedBytes).toBe(7);
  });

  it('nothing goes as long as it is within the bound', () => {
    const scenario = given(
      pool(),
      settings({ endedBytes: 40_000 }),
      ...ends(1, 'a'),
      ...ends(2, 'b'),
      ...ends(3, 'c'),
    );
    expect(nextDue(scenario.world)).toBe(START + 3 - 2 + DEFAULT_SETTINGS.finalRetentionMs + 60_000);
    sweeps(scenario).thenEvents().thenData({ more: false });
  });

  it('beyond it a Sweep is due at once, and the oldest of the shard go until the rest fits: over pools and kinds', () => {
    const scenario = given(pool(), other, settings({ endedBytes: 30_000 }));
    scenario.given(...ends(1, 'b'), ...rejects(2, 's'), ...ends(3, 'a', 'other'), ...ends(4, 'c'));
    expect(nextDue(scenario.world)).toBe(START + 1);
    sweeps(scenario)
      .thenEvents('task.removed b', 'negotiation.removed s')
      .thenData({ removedTasks: 1, removedEntities: 1, more: false });
    expect(scenario.world.endedBytes).toBeLessThanOrEqual(30_000);
    scenario.thenTask('c', { state: 'cancelled' }).thenTask('a', { state: 'cancelled' }, 'other');
    sweeps(scenario).thenEvents();
  });

  it('of one moment it goes by the names of pools, in each tasks first', () => {
    const scenario = given(pool(), other, settings({ endedBytes: 1 }));
    scenario.given(...rejects(1, 's'), ...ends(1, 'z'), ...ends(1, 'a', 'other'));
    sweeps(scenario).thenEvents('task.removed a', 'task.removed z', 'negotiation.removed s');
    expect(scenario.world.endedBytes).toBe(0);
    expect(nextDue(scenario.world)).toBeUndefined();
  });

  it('in bounded steps: no more than a Sweep may, and no more than it was shown', () => {
    const scenario = given(pool(), other, settings({ endedBytes: 1 }));
    scenario.given(...ends(1, 'a'), ...ends(2, 'b', 'other'), ...ends(3, 'c'), ...ends(4, 'd'));
    sweeps(scenario, 2).thenEvents('task.removed a', 'task.removed b').thenData({ more: true });
    expect(nextDue(scenario.world)).toBe(START + 3);
    sweeps(scenario, 2, { limit: 1 }).thenEvents('task.removed c').thenData({ more: true });
    sweeps(scenario).thenEvents('task.removed d').thenData({ more: false });
  });

  it('what blocked tasks still wait for stays until they were told', () => {
    const scenario = given(pool(), settings({ endedBytes: 1, consequencesAtOnce: 1 }), submits('ann', 'p'));
    scenario.given(submits('ann', 'w-1', { dependsOn: ['p'] }), submits('ann', 'w-2', { dependsOn: ['p'] }));
    scenario.given(at(5), by('ann', { type: 'CancelTask', taskId: 'p' }));
    sweeps(scenario).thenEvents('task.cancelled w-2').thenTask('p', { state: 'cancelled' });
    for (let i = 0; i < 3; i++) sweeps(scenario);
    expect([...(scenario.world.pool('work')?.entities.task.keys() ?? [])]).toEqual([]);
    expect(scenario.world.endedBytes).toBe(0);
  });

  it('a bound that is lowered counts from the next Sweep on, and a lower one is no reason to refuse anybody', () => {
    const scenario = given(pool(), ...ends(1, 'a'), ...ends(2, 'b'));
    scenario.given(settings({ endedBytes: 1 }));
    sweeps(scenario).thenEvents('task.removed a', 'task.removed b');
    scenario.given(...ends(3, 'c'));
  });

  it('what is taken back takes nothing', () => {
    const scenario = given(pool(), ...ends(1, 'a'));
    const before = scenario.world.endedBytes;
    scenario.when(
      by('ann', {
        type: 'Batch',
        atomic: true,
        decisions: [
          { type: 'SubmitTask', taskId: 'b', objective: 'x' },
          { type: 'CancelTask', taskId: 'b' },
          { type: 'CancelTask', taskId: 'unknown' },
        ],
      }),
    );
    scenario.thenRejected('task_not_found');
    expect(scenario.world.endedBytes).toBe(before);
  });

  it('counts a document alike when it ends and when it was read back', () => {
    const scenario = given(pool(), ...ends(1, 'a'), ...rejects(2, 's'));
    const state = scenario.world.pool('work');
    const documents = [state?.entities.task.get('a'), state?.entities.negotiation.get('s')];
    const sum = documents.map((document) => endedBytesOf(document && JSON.parse(JSON.stringify(document))));
    expect(sum[0]).toBeGreaterThan(BYTES);
    expect((sum[0] ?? 0) + (sum[1] ?? 0)).toBe(scenario.world.endedBytes);
  });
});
