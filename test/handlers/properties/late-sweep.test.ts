import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isClaimed, isFinal, type Task } from '../../../src/protocol/documents.ts';
import { RUNS, randomLogWithoutSweeps } from './random-log.ts';
import { type LogEntry, Shard } from './shard.ts';

function sweepAt(at: number, id: string): LogEntry {
  return { agent: '_sweeper', pool: '_shard', at, body: { type: 'Sweep', id, limit: 1_000 } };
}

/** The same decisions, with a sweep at every moment that is marked, and one at the end. */
function swept(log: readonly LogEntry[], marks: readonly boolean[], endsAt: number): Shard {
  const shard = new Shard();
  for (const [i, entry] of log.entries()) {
    if (marks[i] === true) shard.apply(sweepAt(entry.at, `s-${i}`));
    shard.apply(entry);
  }
  shard.apply(sweepAt(endsAt, 'last'));
  return shard;
}

/** Where every task ended up. When that was written down is what a late sweep may change. */
function whereabouts({ world }: Shard): unknown {
  return [...world.pools].sort().map(([name, { entities, members }]) => ({
    name,
    members: [...members.keys()].sort(),
    tasks: [...entities.task.values()].map(whereabout).sort((a, b) => (a.taskId < b.taskId ? -1 : 1)),
  }));
}

function whereabout(task: Task) {
  const { taskId, state, epoch, failures, expiries } = task;
  const holder = isClaimed(task) ? { ...task.claim, order: undefined } : undefined;
  if (!isFinal(task) || task.state === 'completed')
    return { taskId, state, epoch, failures, expiries, holder };
  // A decision that comes after a dependency and a deadline have both passed unswept sees the nearer one first.
  if (task.dependsOn.length > 0) return { taskId, state: 'unsuccessful', epoch };
  return { taskId, state, cause: task.cause, epoch, failures, expiries };
}

describe('a late sweep', () => {
  it('changes nothing but the delay: once swept, tasks and members are where early sweeps put them', () => {
    fc.assert(
      fc.property(
        randomLogWithoutSweeps,
        fc.array(fc.boolean(), { maxLength: 80, size: 'max' }),
        fc.integer({ min: 0, max: 300 }),
        (log, marks, laterMs) => {
          const endsAt = (log.at(-1)?.at ?? 0) + laterMs;
          const late = swept(log, [], endsAt);
          const early = swept(log, marks, endsAt);
          expect(whereabouts(late)).toEqual(whereabouts(early));
        },
      ),
      RUNS,
    );
  });
});
