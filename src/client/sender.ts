/**
 * The two ways to make a decision, with the same methods: wait for its outcome, or only until the log has it
 * (`manager.publishing.…`). The managers' methods are written once, for either.
 */
import type { SingleType } from '../protocol/decisions/index.ts';
import type { SendOptions } from './client.ts';
import type { Published } from './decision-channel.ts';
import type { AnyDecisionInput, InputOf, OutcomeOf } from './outcomes.ts';

export type Mode = 'outcome' | 'published';

/** What a decision of type `T` resolves with. */
export type Answer<M extends Mode, T extends string> = M extends 'outcome' ? OutcomeOf<T> : Published;

export type Sender<M extends Mode> = <D extends AnyDecisionInput>(
  pool: string,
  decision: D,
  options?: SendOptions,
) => Promise<Answer<M, D['type']>>;

/**
 * The fields of a decision that stand in the options of its method: all but those that are arguments of their own.
 * `id` is chosen when left out; whoever wants to repeat a decision safely gives one. `onBehalfOf` names the principal.
 */
export type FieldsOf<T extends SingleType, Arguments extends string = never> = Omit<
  InputOf<T>,
  'type' | Arguments
> &
  SendOptions;

/** The pool that is meant: `commons` when left out. */
export interface InPool {
  readonly pool?: string | undefined;
}
