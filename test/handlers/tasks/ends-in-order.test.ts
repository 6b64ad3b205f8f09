/**
 * Whose end is told first must not depend on how the worker came to know of it: from the decisions themselves, or from
 * a store that lists documents in any order.
 */
import { describe, expect, it } from 'vitest';
import { nextDependent } from '../../../src/handlers/tasks/dependents.ts';
import { evolveTask } from '../../../src/handlers/tasks/evolve.ts';
import type { PoolState } from '../../../src/handlers/world/pool-state.ts';
import { World } from '../../../src/handlers/world/world.ts';
import type { Task } from '../../../src/protocol/documents.ts';
import { NOTHING_RETAINED } from '../../../src/protocol/entities.ts';
import { PLACE, POOL, START } from '../message.ts';
import { by, given, joins, pool, submits } from '../scenario.ts';

/** Blocked tasks wait for tasks that ended at these times; the store lists those that ended in this order. */
function loaded(...ended: readonly (readonly [taskId: string, finishedAt: number])[]): PoolState {
  const scenario = given(pool(), ...ended.map(([id]) => submits('ann', id)));
  scenario.given(...ended.map(([id]) => submits('ann', `after-${id}`, { dependsOn: [id] })));
  const stored = scenario.pool();
  if (stored === undefined) throw new Error('the scenario has a pool');
  const world = World.genesis(PLACE.shard, PLACE.shards);
  const state = world.load(stored, 0, {
    ...NOTHING_RETAINED,
    tasks: { count: ended.length, oldestAt: START },
  });
  for (const [id, finishedAt] of ended) {
    const live = scenario.task(id);
    const data = { agent: 'bob', epoch: 1, result: null };
    const final = evolveTask(live, { type: 'task.completed', id, data }, POOL, finishedAt, 0);
    for (const task of [final, scenario.task(`after-${id}`)]) if (task) world.loadEntity(state, task);
  }
  return state;
}

const firstTold = (state: PoolState) => nextDependent(state, START + 100)?.id;

describe('of several tasks that ended, after loading', () => {
  it('those who wait for the one that ended first are told first', () => {
    expect(firstTold(loaded(['x', START + 10], ['y', START + 20]))).toBe('after-x');
    expect(firstTold(loaded(['y', START + 20], ['x', START + 10]))).toBe('after-x');
    expect(firstTold(loaded(['x', START + 20], ['y', START + 10]))).toBe('after-y');
  });

  it('of those that ended in the same millisecond it goes by their ids', () => {
    expect(firstTold(loaded(['x', START], ['y', START]))).toBe('after-x');
    expect(firstTold(loaded(['y', START], ['x', START]))).toBe('after-x');
  });
});

describe('an event that does not fit the task it finds is a fault, and names both', () => {
  const task: Task | undefined = given(pool(), submits('ann', 't-1')).task('t-1');
  const renewal = { agent: 'bob', epoch: 1, expiresAt: START + 1 };

  it('an unknown task is only ever submitted', () => {
    const release = { type: 'task.unreserved', id: 't-9', data: {} } as const;
    expect(() => evolveTask(undefined, release, POOL, START, 0)).toThrow(
      'task.unreserved of the unknown task t-9',
    );
  });

  it('nobody renews a claim of a pending task', () => {
    const renewed = { type: 'task.renewed', id: 't-1', data: renewal } as const;
    expect(() => evolveTask(task, renewed, POOL, START, 0)).toThrow(
      'task.renewed of task t-1, which is pending',
    );
  });
});

it('a full Batch keeps its tasks before those of the next decision', () => {
  const decisions = Array.from({ length: 100 }, (_, i) => ({
    type: 'SubmitTask' as const,
    taskId: `batch-${String(i).padStart(2, '0')}`,
    objective: '',
  }));
  const scenario = given(
    pool(),
    joins('bob'),
    by('ann', { type: 'Batch', decisions }),
    submits('ann', 'a-next'),
  );
  const last = scenario.task('batch-99')?.order ?? Number.NaN;
  expect(scenario.task('a-next')?.order).toBeGreaterThan(last);
});

it('a task whose dependency failed before it is submitted is told which', () => {
  given(pool(), submits('ann', 'a'), by('ann', { type: 'CancelTask', taskId: 'a' }))
    .when(submits('ann', 'b', { dependsOn: ['a'] }))
    .thenEvents('task.submitted b', 'task.cancelled b')
    .thenTask('b', { reason: 'task a is cancelled' });
});
