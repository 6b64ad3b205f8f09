/** How much of what has ended a pool keeps, and what that takes in its shard: moved by every change of a document. */
import { type DocumentChange, isEntityChange } from '../../protocol/document-change.ts';
import { hasEnded, KINDS, type Retained, type RetainedByGroup } from '../../protocol/entities.ts';
import { endedBytesOf } from '../quotas/ended.ts';

export interface KeptCounts {
  readonly retained: RetainedByGroup;
  readonly endedBytes: number;
}

export function countsAfter(counts: KeptCounts, change: DocumentChange, now: number): KeptCounts {
  if (!isEntityChange(change)) return counts;
  const { before, after } = change;
  const [was, is] = [hasEnded(before), hasEnded(after)];
  const bytes = before === after ? 0 : endedBytesOf(after) - endedBytesOf(before);
  const { group } = KINDS[change.kind];
  const { retained } = counts;
  return {
    endedBytes: counts.endedBytes + bytes,
    retained: was === is ? retained : { ...retained, [group]: countEnded(retained[group], is, now) },
  };
}

function countEnded({ count, oldestAt }: Retained, isOneMore: boolean, now: number): Retained {
  if (isOneMore) return { count: count + 1, oldestAt: oldestAt ?? now };
  return { count: count - 1, oldestAt: count === 1 ? undefined : oldestAt };
}
