import type { DecisionOf, OutcomeData, SingleType } from '../../protocol/decisions/index.ts';
import type { EntityRef } from '../../protocol/entities.ts';
import type { World } from '../world/world.ts';
import type { Decided } from './decided.ts';

/** All that a handler may know besides the state and the decision. Time is the log's, made monotonic. */
export interface Context {
  readonly now: number;
  readonly shard: number;
  readonly seq: number;
  /** Place inside a Batch; 0 for a decision of its own. */
  readonly index: number;
  readonly pool: string;
  /** Who published the decision. */
  readonly agent: string;
  /** Whose rights count: the agent, or the principal it acts for. */
  readonly self: string;
  /** The decision, or the Batch that it is a member of. */
  readonly decisionId: string;
}

/** One decision type: a pure function, and the documents it has to see even when they have ended. */
export interface Handler<T extends SingleType & keyof OutcomeData> {
  decide(world: World, decision: DecisionOf<T>, context: Context): Decided<OutcomeData[T]>;
  touches?(decision: DecisionOf<T>): readonly EntityRef[];
}
