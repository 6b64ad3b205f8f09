/**
 * Where more follows from a change than the decision's own message publishes, the document keeps which decision that was, so that
 * later events can name it. Only there: for most of what ends nothing follows.
 */
import type { DocumentChange } from '../../protocol/document-change.ts';
import { isClaimed, isFinal, type Task } from '../../protocol/documents.ts';
import { hasEnded } from '../../protocol/entities.ts';
import type { Cause } from '../../protocol/marks.ts';
import type { PoolState } from './pool-state.ts';

export function withCause(
  state: PoolState,
  change: DocumentChange,
  because: Cause | undefined,
): DocumentChange {
  if (because === undefined) return change;
  switch (change.kind) {
    case 'task': {
      const { before, after } = change;
      return before !== undefined && after !== undefined && hasBehind(state, before, after)
        ? { ...change, after: { ...after, because } }
        : change;
    }
    case 'delegation': {
      const { before, after } = change;
      const hasEndedNow = !hasEnded(before) && hasEnded(after);
      return after !== undefined && hasEndedNow && state.delegations.hasChildren(after.id)
        ? { ...change, after: { ...after, because } }
        : change;
    }
    case 'pool': {
      const { before, after } = change;
      if (before === undefined || after === undefined) return change;
      const isClosed = before.state === 'open' && after.state === 'closed';
      const isResumed = before.pausedAt !== undefined && after.pausedAt === undefined;
      return isClosed || isResumed ? { ...change, after: { ...after, because } } : change;
    }
    default:
      return change;
  }
}

/** Dependents, the auction that gives it away, or the end of a closed pool. */
function hasBehind(state: PoolState, before: Task, after: Task): boolean {
  if (isFinal(after)) {
    if (isFinal(before)) return false;
    return state.dependents.has(after.taskId) || before.auction !== undefined;
  }
  const isGivenBack = isClaimed(before) && after.state === 'pending';
  return isGivenBack && (after.auction !== undefined || state.doc.state === 'closed');
}
