import { defined } from '../../../protocol/defined.ts';
import { type Cause, type Fence, placeOf } from '../../../protocol/marks.ts';
import type { EndedStay } from '../decided.ts';
import type { Context } from '../handler.ts';

/** The fence that a decision sets: at its own place, and with its name for what follows. */
export function fenceAt({ why, at, reason, cancelsWork }: EndedStay, context: CausedIn): Fence {
  return { ...causeIn(context), at, why, ...defined({ reason, cancelsWork }) };
}

type CausedIn = Pick<Context, 'seq' | 'index' | 'decisionId' | 'agent' | 'self'>;

/** The decision, as what follows from it names it. */
export function causeIn(context: CausedIn): Cause {
  const { decisionId: cause, agent: actor, self } = context;
  return { place: placeOf(context), cause, actor, ...(self === actor ? {} : { principal: self }) };
}
