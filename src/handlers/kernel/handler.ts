import type { DecisionOf, SingleType } from '../../protocol/decisions/index.ts';
import type { EntityKind } from '../../protocol/entities.ts';
import type { World } from '../world/world.ts';
import type { Decided } from './decided.ts';

export interface EntityId {
  readonly kind: EntityKind;
  readonly id: string;
}

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

/** One decision type: a pure function, and the tasks it has to see even when they are final. */
export interface Handler<T extends SingleType> {
  readonly type: T;
  decide(world: World, decision: DecisionOf<T>, context: Context): Decided;
  touches?(decision: DecisionOf<T>): readonly string[];
  /** The same of auctions, votes, negotiations and delegations. */
  touchesEntities?(decision: DecisionOf<T>): readonly EntityId[];
}
