import { describe, expect, it } from 'vitest';
import type { Task } from '../../src/protocol/documents.ts';
import { dump } from './dump.ts';
import { at, by, claims, given, joins, pool, reports, type Scenario, submits, sweep } from './scenario.ts';

/** What a document of the store could be after somebody's bug: some fields are gone, or are something else. */
function corrupt(scenario: Scenario, taskId: string, fields: object): void {
  const state = scenario.world.pool('work');
  if (state === undefined) throw new Error('no pool');
  const broken: Task = JSON.parse(JSON.stringify({ ...scenario.task(taskId), ...fields }));
  scenario.world.loadEntity(state, broken);
}

const start = () =>
  given(
    pool(),
    joins('bob'),
    joins('cyd'),
    submits('ann', 't-1'),
    submits('ann', 't-2'),
    submits('ann', 't-3'),
  );

describe('a handler that throws', () => {
  it('internal_error, transient: rejects that decision, changes nothing and hands on the fault', () => {
    const scenario = start();
    corrupt(scenario, 't-1', { constraints: undefined });
    scenario.when(claims('bob', 't-1')).thenRejected('internal_error', { transient: true });
    expect(scenario.answer.fault).toBeInstanceOf(Error);
  });

  it('tells nothing of the fault to whoever decided', () => {
    const scenario = start();
    corrupt(scenario, 't-1', { constraints: undefined });
    scenario.when(claims('bob', 't-1'));
    expect(scenario.answer.message).toBe('could not apply ClaimTask');
  });

  it('stops nothing: the next decision is applied', () => {
    const scenario = start();
    corrupt(scenario, 't-1', { constraints: undefined });
    scenario
      .when(claims('bob', 't-1'))
      .thenRejected('internal_error')
      .when(claims('bob', 't-2'))
      .thenEvents('task.claimed t-2');
  });

  it.each([false, true])('in a Batch (atomic: %s) takes back the members before it too', (atomic) => {
    const scenario = start();
    corrupt(scenario, 't-1', { constraints: undefined });
    const before = dump(scenario.world);
    const decisions = [
      { type: 'ClaimTask' as const, taskId: 't-2' },
      { type: 'SubmitTask' as const, taskId: 't-9', objective: '' },
      { type: 'ClaimTask' as const, taskId: 't-1' },
    ];
    scenario.when(by('bob', { type: 'Batch', atomic, decisions })).thenRejected('internal_error');
    expect(dump(scenario.world)).toEqual(before);
  });

  it('in evolve takes back the events before it', () => {
    const scenario = start()
      .given(submits('ann', 'x'), submits('ann', 'y'))
      .given(submits('ann', 't-4', { dependsOn: ['x', 'y'] }), claims('bob', 'x'));
    // A text can be walked through like a list of names of one letter, but not filtered.
    corrupt(scenario, 't-4', { waitingFor: 'xy' });
    const before = dump(scenario.world);
    scenario.when(reports('bob', 'x')).thenRejected('internal_error');
    expect(dump(scenario.world)).toEqual(before);
  });

  it('in a Sweep takes back all of it, its settings included', () => {
    const scenario = start().given(claims('bob', 't-1', 50), claims('bob', 't-2', 60));
    corrupt(scenario, 't-2', { constraints: undefined });
    const before = dump(scenario.world);
    scenario
      .when(at(100), sweep({ settings: { finalRetentionCount: 1, finalRetentionMs: 5 } }))
      .thenRejected('internal_error');
    expect(dump(scenario.world)).toEqual(before);
  });
});
