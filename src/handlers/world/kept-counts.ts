/** How much of what has ended a pool keeps, and what that takes in its shard: moved by every change of a document. */
import type { DocumentChange } from '../../protocol/document-change.ts';
import { hasEnded } from '../../protocol/kinds.ts';
import { endedBytesOf } from '../quotas/ended.ts';
import type { FinalTasks } from './pool-state.ts';

export interface KeptCounts {
  readonly finals: FinalTasks;
  readonly ended: FinalTasks;
  readonly endedBytes: number;
}

export function countsAfter(counts: KeptCounts, change: DocumentChange, now: number): KeptCounts {
  if (change.kind !== 'task' && change.kind !== 'entity') return counts;
  const { before, after } = change;
  const bytes = before === after ? 0 : endedBytesOf(after) - endedBytesOf(before);
  const [was, is] = [hasEnded(before), hasEnded(after)];
  const endedBytes = counts.endedBytes + bytes;
  return change.kind === 'task'
    ? { ...counts, endedBytes, finals: countEnded(counts.finals, was, is, now) }
    : { ...counts, endedBytes, ended: countEnded(counts.ended, was, is, now) };
}

function countEnded(ended: FinalTasks, was: boolean, is: boolean, now: number): FinalTasks {
  if (was === is) return ended;
  if (is) return { count: ended.count + 1, oldestAt: ended.oldestAt ?? now };
  return { count: ended.count - 1, oldestAt: ended.count === 1 ? undefined : ended.oldestAt };
}
