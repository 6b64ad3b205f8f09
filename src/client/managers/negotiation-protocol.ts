import type { AskOptions } from '../../bus/query-client.ts';
import type { Json } from '../../protocol/json.ts';
import { COMMONS } from '../../protocol/names.ts';
import type { PublicNegotiation } from '../../protocol/negotiations.ts';
import type { ConvergeClient } from '../core/client.ts';
import type { FieldsOf, InPool } from '../core/method-options.ts';
import { undefinedIfNotFound } from '../core/not-found.ts';
import type { InputOf, OutcomeOf } from '../core/outcomes.ts';

/** A session to open; `sessionId` is chosen when left out, and the outcome's data names it. */
export type NewSession = Omit<InputOf<'OpenNegotiation'>, 'type' | 'sessionId' | 'id' | 'onBehalfOf'> & {
  readonly sessionId?: string | undefined;
};

/** How a session is opened: in which pool, for whom, how long to wait (milliseconds). */
export type CreateSessionOptions = Pick<FieldsOf<'OpenNegotiation'>, 'id' | 'onBehalfOf' | 'timeoutMs'> &
  InPool;
/** How an offer is made: in which pool, for whom, how long to wait (milliseconds). */
export type ProposeOptions = FieldsOf<'Propose', 'sessionId' | 'content'> & InPool;
/** How an offer is accepted: in which pool, for whom, how long to wait (milliseconds). */
export type AcceptOptions = FieldsOf<'AcceptProposal', 'sessionId' | 'proposalId'> & InPool;
/** How a negotiation is ended: in which pool, why, for whom, how long to wait (milliseconds). */
export type RejectOptions = FieldsOf<'RejectProposal', 'sessionId'> & InPool;

/**
 * Agreeing on something by offers and counter-offers. Every decision resolves with its outcome; a rejection is a value.
 * Infrastructure errors reject, as in {@link ConvergeClient.decide} and {@link ConvergeClient.query}. The pool is `commons`
 * unless the options say otherwise. Codes: docs/protocol.md.
 */
export class NegotiationProtocol {
  readonly #client: ConvergeClient;

  constructor(client: ConvergeClient) {
    this.#client = client;
  }

  /** Opens a session with the agent's first offer. The agent is one of the participants, and all of them must agree. */
  createSession(
    session: NewSession,
    options: CreateSessionOptions = {},
  ): Promise<OutcomeOf<'OpenNegotiation'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    const { sessionId = this.#client.newId(), ...rest } = session;
    return this.#client.decide(
      pool,
      { type: 'OpenNegotiation', sessionId, ...rest, ...fields },
      { timeoutMs },
    );
  }

  /** A counter-offer: it takes the place of the latest one, and all acceptances of that are void. */
  propose(sessionId: string, content: Json, options: ProposeOptions = {}): Promise<OutcomeOf<'Propose'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'Propose', sessionId, content, ...fields }, { timeoutMs });
  }

  /** Accepts the latest offer, and no other one: `stale_proposal`. Agreed when all have. */
  accept(
    sessionId: string,
    proposalId: string,
    options: AcceptOptions = {},
  ): Promise<OutcomeOf<'AcceptProposal'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(
      pool,
      { type: 'AcceptProposal', sessionId, proposalId, ...fields },
      { timeoutMs },
    );
  }

  /** Ends the session without agreement. */
  reject(sessionId: string, options: RejectOptions = {}): Promise<OutcomeOf<'RejectProposal'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'RejectProposal', sessionId, ...fields }, { timeoutMs });
  }

  /** The whole history of offers; undefined if there is no such session. */
  getSession(
    sessionId: string,
    { pool = COMMONS, timeoutMs }: InPool & AskOptions = {},
  ): Promise<PublicNegotiation | undefined> {
    return undefinedIfNotFound(this.#client.query('negotiation', { pool, sessionId }, { timeoutMs }));
  }
}
