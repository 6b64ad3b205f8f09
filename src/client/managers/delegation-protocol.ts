import type { AskOptions } from '../../bus/query-client.ts';
import type { PublicDelegation } from '../../protocol/delegations.ts';
import { COMMONS } from '../../protocol/names.ts';
import type { Page, QueryInput } from '../../protocol/queries.ts';
import type { ConvergeClient } from '../core/client.ts';
import type { FieldsOf, InPool } from '../core/method-options.ts';
import type { OutcomeOf } from '../core/outcomes.ts';

/** How a delegation is made: in which pool, until when, how deep it may be passed on. */
export type DelegateOptions = FieldsOf<'Delegate', 'delegateeId' | 'scope'> & InPool;
/** How a delegation is ended: in which pool, how long to wait (milliseconds). */
export type RevokeOptions = FieldsOf<'RevokeDelegation', 'delegationId'> & InPool;
/** Which delegations to list: of which pool and agent, in which state, from which `cursor` on. */
export interface ListDelegationsOptions extends Omit<QueryInput<'delegations'>, 'pool'>, InPool, AskOptions {}

/**
 * Who may act for whom. Every decision resolves with its outcome; a rejection is a value. Infrastructure errors reject,
 * as in {@link ConvergeClient.decide} and {@link ConvergeClient.query}. A delegation counts in the pool in which it is made
 * and in no other: `commons` unless the options say otherwise. Codes: docs/protocol.md.
 *
 * Acting for a principal needs no method of its own: every decision takes `onBehalfOf`.
 */
export class DelegationProtocol {
  readonly #client: ConvergeClient;

  constructor(client: ConvergeClient) {
    this.#client = client;
  }

  /**
   * Lets `delegateeId` decide on the agent's behalf whatever the scope covers: decision types (`Vote`), families
   * (`votes`), or either narrowed to one thing (`Vote:v-7`). With `kind: 'pooled'` every member of the pool may;
   * `delegateeId` is the pool then. Delegates can let others act too, unless `maxDepth` is 0.
   *
   * With `onBehalfOf` it passes on what that principal has delegated to the agent.
   */
  delegate(
    delegateeId: string,
    scope: readonly string[],
    options: DelegateOptions = {},
  ): Promise<OutcomeOf<'Delegate'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(
      pool,
      { type: 'Delegate', delegateeId, scope: [...scope], ...fields },
      { timeoutMs },
    );
  }

  /** Ends it, and all that was passed on from it. Only the delegator may; `data.revoked` names what ended. */
  revoke(delegationId: string, options: RevokeOptions = {}): Promise<OutcomeOf<'RevokeDelegation'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'RevokeDelegation', delegationId, ...fields }, { timeoutMs });
  }

  /** Live and past ones, in the order in which they were made; of one `agent` or of all, of one `state` or of all. */
  list({
    pool = COMMONS,
    timeoutMs,
    ...query
  }: ListDelegationsOptions = {}): Promise<Page<PublicDelegation>> {
    return this.#client.query('delegations', { pool, ...query }, { timeoutMs });
  }
}
