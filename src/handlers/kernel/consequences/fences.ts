import { defined } from '../../../protocol/defined.ts';
import { type Fence, placeOf } from '../../../protocol/marks.ts';
import type { EndedStay } from '../decided.ts';
import type { Context } from '../handler.ts';

/** The fence that a decision sets: at its own place, and with its name for what follows. */
export function fenceAt(
  { why, at, reason, cancelsWork }: EndedStay,
  context: Pick<Context, 'seq' | 'index' | 'decisionId' | 'agent'>,
): Fence {
  const { decisionId: cause, agent: actor } = context;
  return { place: placeOf(context), at, why, ...defined({ reason, cancelsWork }), cause, actor };
}
