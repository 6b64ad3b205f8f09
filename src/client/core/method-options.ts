import type { SingleType } from '../../protocol/decisions/index.ts';
import type { SendOptions } from './client.ts';
import type { InputOf } from './outcomes.ts';

/**
 * The fields of a decision that stand in the options of its method: all but those that are arguments of their own.
 * `id` is chosen when left out; anyone who wants to repeat a decision safely gives one. `onBehalfOf` names the principal.
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
