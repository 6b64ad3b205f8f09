import { describe, expect, it } from 'vitest';
import { smallWorkload } from '../../demo/small-workload.ts';
import { canRun, expectedCounts, taskKey } from '../../demo/workload.ts';

const SEEDS = [0, 1, 2, 3, 99];

describe('the built-in workload', () => {
  it('is made from its seed', () => {
    expect(smallWorkload(7)).toEqual(smallWorkload(7));
    expect(smallWorkload(7)).not.toEqual(smallWorkload(8));
  });

  it.each(SEEDS)('has all kinds of tasks in it (seed %i)', (seed) => {
    const { tasks, agents } = smallWorkload(seed);
    const counts = expectedCounts({ ...smallWorkload(seed) });
    expect(tasks).toHaveLength(500);
    expect(agents).toHaveLength(20);
    expect(counts.completed + counts.failed + counts.cancelled).toBe(500);
    expect(counts.completed).toBeGreaterThan(300);
    expect(counts.failed).toBeGreaterThan(5);
    expect(counts.cancelled).toBeGreaterThan(10);
    expect(tasks.some(({ plan }) => plan.failFirst > 0)).toBe(true);
    expect(tasks.some(({ dependsOn }) => dependsOn.length > 0)).toBe(true);
  });

  it.each(SEEDS)('expects what depends on unfinished work to be cancelled (seed %i)', (seed) => {
    const { tasks } = smallWorkload(seed);
    const ends = new Map<string, string>();
    for (const { pool, taskId, dependsOn, expected } of tasks) {
      const parents = dependsOn.map((id) => ends.get(taskKey(pool, id)));
      expect(parents).not.toContain(undefined);
      if (parents.some((end) => end !== 'completed')) expect(expected).toBe('cancelled');
      ends.set(taskKey(pool, taskId), expected);
    }
    expect(ends.size).toBe(tasks.length);
  });

  it.each(SEEDS)('can be done without any three of the agents (seed %i)', (seed) => {
    const { tasks, agents, vanishing } = smallWorkload(seed);
    for (const task of tasks) {
      const capable = agents.filter(({ capabilities }) => canRun(new Set(capabilities), task));
      expect(capable.length).toBeGreaterThan(vanishing);
    }
  });
});
