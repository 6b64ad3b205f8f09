/** Looking ends where nothing better can follow: that is right only while classes stand in order, however they came. */
import { describe, expect, it } from 'vitest';
import { PendingQueue } from '../../../src/handlers/world/pending-queue.ts';
import type { PendingTask } from '../../../src/protocol/documents.ts';
import { given, pool, submits } from '../scenario.ts';

/** A task of a class of its own (its topic), or of the class that is named. */
function task(priority: number, topic = `of-${priority}`): PendingTask {
  const found = given(pool(), submits('ann', `t-${priority}`, { priority, topic })).task(`t-${priority}`);
  if (found?.state !== 'pending') throw new Error('what was just submitted is pending');
  return found;
}

const TASKS = [1, 2, 3, 4].map((priority) => task(priority));

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

function queueOf(tasks: readonly PendingTask[]): PendingQueue {
  const queue = new PendingQueue();
  for (const each of tasks) queue.add(each);
  return queue;
}

const best = (queue: PendingQueue, count: number, topics?: readonly string[]) =>
  queue.best(count, new Set(), topics && new Set(topics), () => true).map(({ priority }) => priority);

describe('the best of several classes', () => {
  it('are found in whatever order their tasks came', () => {
    for (const tasks of permutations(TASKS)) {
      expect(best(queueOf(tasks), 1)).toEqual([4]);
      expect(best(queueOf(tasks), 2)).toEqual([4, 3]);
      expect(best(queueOf(tasks), 9)).toEqual([4, 3, 2, 1]);
    }
  });

  it('are found again after a look, which puts back what it looked at', () => {
    const queue = queueOf(TASKS);
    for (let i = 0; i < 3; i++) expect(best(queue, 1)).toEqual([4]);
  });

  it('are others when a better task joins a class, or the best one leaves', () => {
    for (const tasks of permutations(TASKS)) {
      const queue = queueOf(tasks);
      queue.add(task(9, 'of-1'));
      expect(best(queue, 1)).toEqual([9]);
      expect(best(queue, 2)).toEqual([9, 4]);
      queue.remove(task(9, 'of-1'));
      expect(best(queue, 2)).toEqual([4, 3]);
      expect(best(queue, 9)).toEqual([4, 3, 2, 1]);
    }
  });

  it('of the topics that are asked for are found in each of them', () => {
    const queue = queueOf(TASKS);
    expect(best(queue, 2, ['of-1', 'of-3', 'none'])).toEqual([3, 1]);
    queue.remove(task(3));
    expect(best(queue, 2, ['of-1', 'of-3'])).toEqual([1]);
  });

  it('to remove what is not there changes nothing', () => {
    const queue = queueOf(TASKS);
    queue.remove(task(7));
    expect(best(queue, 9)).toEqual([4, 3, 2, 1]);
  });
});
