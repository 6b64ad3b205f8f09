/** Runs lists of decisions: what an agent's `decide` returns, or a plan that a model has written. */

import { ConfigurationError, ConvergeError, DecisionRejectedError, messageOf } from '../../lib/errors.ts';
import { CODES, type Code } from '../../protocol/codes.ts';
import { isSingleType } from '../../protocol/decisions/index.ts';
import { defined } from '../../protocol/defined.ts';
import type { Json } from '../../protocol/json.ts';
import { COMMONS } from '../../protocol/names.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { ConvergeClient } from '../core/client.ts';
import { localOutcome } from '../core/encode-decision.ts';
import type { InPool } from '../core/method-options.ts';
import type { AnyDecisionInput } from '../core/outcomes.ts';

/** A decision of a type of the user's own; it never leaves the agent. */
export interface CustomDecision extends InPool {
  readonly type: string;
  readonly id?: string | undefined;
}

/** A decision for a {@link StandardExecutor}: of the system, or of a type that has a handler. */
export type ExecutableDecision<C extends CustomDecision = never> = (AnyDecisionInput & InPool) | C;

/**
 * Carries out a decision of the user's own. What it returns becomes the outcome's `data`; what it throws a rejection:
 * with the code of a {@link DecisionRejectedError}, else `internal_error`.
 */
export type CustomHandler<D extends CustomDecision> = (
  decision: D,
  context: { readonly client: ConvergeClient },
) => Json | undefined | Promise<Json | undefined>;

/** How a list of decisions is executed. */
export interface ExecuteOptions<C extends CustomDecision = never> {
  /** How long each decision may take, milliseconds; the client's own when left out. */
  readonly timeoutMs?: number | undefined;
  /** Told of each outcome as soon as it is known, in no certain order. */
  readonly onOutcome?: ((executed: Executed<C>) => void) | undefined;
}

/** One decision of a list, and what became of it. */
export interface Executed<C extends CustomDecision = never> {
  readonly decision: ExecutableDecision<C>;
  readonly outcome: Outcome;
  /** `performance.now()` before the decision was sent. */
  readonly sentAt: number;
}

/** The list was not executed to its end: `outcomes` has what is known, at the places of the decisions. */
export class ExecutionInterruptedError extends ConvergeError {
  readonly kind = 'unavailable';
  /** At the places of the decisions; undefined where no outcome is known. */
  readonly outcomes: readonly (Outcome | undefined)[];

  constructor(message: string, outcomes: readonly (Outcome | undefined)[], options: ErrorOptions) {
    super(message, options);
    this.outcomes = outcomes;
  }
}

/**
 * Runs lists of decisions, of the system and of your own types: what an agent decides, or a plan that a model has
 * written.
 */
export class StandardExecutor<C extends CustomDecision = never> {
  readonly #client: ConvergeClient;
  readonly #pool: string;
  readonly #handlers = new Map<string, (decision: CustomDecision) => Promise<Json | undefined>>();

  /** `pool` is where decisions go that name none: `commons` when left out. */
  constructor(client: ConvergeClient, { pool = COMMONS }: InPool = {}) {
    this.#client = client;
    this.#pool = pool;
  }

  /** Throws a {@link ConfigurationError} for a type that is built in or has a handler already. */
  register<T extends C['type']>(type: T, handler: CustomHandler<Extract<C, { readonly type: T }>>): this {
    if (isBuiltIn(type)) throw new ConfigurationError(`${type} is a decision type of the system`);
    if (this.#handlers.has(type)) throw new ConfigurationError(`${type} already has a handler`);
    this.#handlers.set(type, async (decision) => {
      // Looked up by its type, so it is a decision of that type.
      return handler(decision as Extract<C, { readonly type: T }>, { client: this.#client });
    });
    return this;
  }

  /**
   * Publishes decisions in the order of the list, each as soon as the log has the one before, and resolves with their
   * outcomes in that order. A rejection does not stop what follows; anyone who wants all or none sends an atomic Batch.
   * A decision of the user's own is carried out when everything before it is decided, and before what follows is sent.
   *
   * Rejects with an {@link ExecutionInterruptedError} when the infrastructure fails; what follows is not sent then.
   * With ids in the decisions, executing the same list again is safe.
   */
  async execute(
    decisions: readonly ExecutableDecision<C>[],
    options: ExecuteOptions<C> = {},
  ): Promise<Outcome[]> {
    const underWay: Promise<Outcome>[] = [];
    try {
      for (const decision of decisions) {
        if (!isSystems(decision)) await Promise.all(underWay);
        const sentAt = performance.now();
        const { stored, outcome } = isSystems(decision)
          ? await this.#send(decision, options)
          : this.#carryOut(decision);
        const told = outcome.then((known) => {
          options.onOutcome?.({ decision, outcome: known, sentAt });
          return known;
        });
        told.catch(() => undefined);
        underWay.push(told);
        await stored;
      }
      return await Promise.all(underWay);
    } catch (error) {
      const settled = await Promise.allSettled(underWay);
      const outcomes = decisions.map((_, i) => fulfilledValue(settled[i]));
      throw new ExecutionInterruptedError(`could not execute every decision: ${messageOf(error)}`, outcomes, {
        cause: error,
      });
    }
  }

  async #send(decision: AnyDecisionInput & InPool, { timeoutMs }: ExecuteOptions<C>): Promise<Started> {
    const { pool = this.#pool, ...input } = decision;
    return this.#client.send(pool, input, { timeoutMs });
  }

  #carryOut(decision: CustomDecision): Started {
    const { type, id = this.#client.newId(), pool = this.#pool } = decision;
    const about = { decisionId: id, type, agent: this.#client.agent, pool };
    const outcome = this.#handle(decision).then(
      (data) => localOutcome(about, { status: 'accepted', ...defined({ data }) }),
      (error) => localOutcome(about, { status: 'rejected', code: codeOf(error), message: messageOf(error) }),
    );
    return { stored: outcome, outcome };
  }

  async #handle(decision: CustomDecision): Promise<Json | undefined> {
    const handler = this.#handlers.get(decision.type);
    if (handler === undefined) {
      throw new DecisionRejectedError('unknown_type', `nothing is registered for ${decision.type}`);
    }
    return handler(decision);
  }
}

interface Started {
  readonly stored: Promise<unknown>;
  readonly outcome: Promise<Outcome>;
}

function isBuiltIn(type: string): boolean {
  return isSingleType(type) || type === 'Batch' || type === 'Sweep' || type === 'Pressure';
}

function isSystems<C extends CustomDecision>(
  decision: ExecutableDecision<C>,
): decision is AnyDecisionInput & InPool {
  return isSingleType(decision.type) || decision.type === 'Batch';
}

function codeOf(error: unknown): Code {
  if (!(error instanceof DecisionRejectedError)) return 'internal_error';
  return isCode(error.code) ? error.code : 'internal_error';
}

function isCode(code: string): code is Code {
  return Object.hasOwn(CODES, code);
}

function fulfilledValue(settled: PromiseSettledResult<Outcome> | undefined): Outcome | undefined {
  return settled?.status === 'fulfilled' ? settled.value : undefined;
}
