import type { AskOptions } from '../bus/query-client.ts';
import type { Json } from '../protocol/json.ts';
import { COMMONS } from '../protocol/names.ts';
import type { PublicNegotiation } from '../protocol/negotiations.ts';
import type { ConvergeClient } from './client.ts';
import { undefinedIfNotFound } from './not-found.ts';
import type { InputOf } from './outcomes.ts';
import type { Answer, FieldsOf, InPool, Mode, Sender } from './sender.ts';

/** A session to open; `sessionId` is chosen when left out, and the outcome's data names it. */
export type NewSession = Omit<InputOf<'OpenNegotiation'>, 'type' | 'sessionId' | 'id' | 'onBehalfOf'> & {
  readonly sessionId?: string | undefined;
};

export type CreateSessionOptions = Pick<FieldsOf<'OpenNegotiation'>, 'id' | 'onBehalfOf' | 'timeoutMs'> &
  InPool;
export type ProposeOptions = FieldsOf<'Propose', 'sessionId' | 'content'> & InPool;
export type AcceptOptions = FieldsOf<'AcceptProposal', 'sessionId' | 'proposalId'> & InPool;
export type RejectOptions = FieldsOf<'RejectProposal', 'sessionId'> & InPool;

export interface NegotiationDecisionsOptions<M extends Mode> {
  readonly send: Sender<M>;
  readonly newId: () => string;
}

/**
 * What can be decided in a negotiation. The pool is `commons` unless the options say otherwise. Codes: PROTOCOL,
 * section 7.
 */
export class NegotiationDecisions<M extends Mode> {
  readonly #send: Sender<M>;
  readonly #newId: () => string;

  constructor({ send, newId }: NegotiationDecisionsOptions<M>) {
    this.#send = send;
    this.#newId = newId;
  }

  /** Opens a session with the agent's first offer. The agent is one of the participants, and all of them must agree. */
  createSession(
    session: NewSession,
    options: CreateSessionOptions = {},
  ): Promise<Answer<M, 'OpenNegotiation'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    const { sessionId = this.#newId(), ...rest } = session;
    return this.#send(pool, { type: 'OpenNegotiation', sessionId, ...rest, ...fields }, { timeoutMs });
  }

  /** A counter-offer: it takes the place of the latest one, and all acceptances of that are void. */
  propose(sessionId: string, content: Json, options: ProposeOptions = {}): Promise<Answer<M, 'Propose'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#send(pool, { type: 'Propose', sessionId, content, ...fields }, { timeoutMs });
  }

  /** Accepts the latest offer, and no other one: `stale_proposal`. Agreed when all have. */
  accept(
    sessionId: string,
    proposalId: string,
    options: AcceptOptions = {},
  ): Promise<Answer<M, 'AcceptProposal'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#send(pool, { type: 'AcceptProposal', sessionId, proposalId, ...fields }, { timeoutMs });
  }

  /** Ends the session without agreement. */
  reject(sessionId: string, options: RejectOptions = {}): Promise<Answer<M, 'RejectProposal'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#send(pool, { type: 'RejectProposal', sessionId, ...fields }, { timeoutMs });
  }
}

/**
 * Agreeing on something by offers and counter-offers. Every decision resolves with its outcome; a rejection is a value.
 * Infrastructure errors reject, as in {@link ConvergeClient.decide} and {@link ConvergeClient.query}.
 */
export class NegotiationProtocol extends NegotiationDecisions<'outcome'> {
  /** The same decisions without waiting for the outcome. */
  readonly publishing: NegotiationDecisions<'published'>;
  readonly #client: ConvergeClient;

  constructor(client: ConvergeClient) {
    const newId = () => client.newId();
    super({ send: (pool, decision, options) => client.decide(pool, decision, options), newId });
    this.publishing = new NegotiationDecisions({
      send: (pool, decision, options) => client.publish(pool, decision, options),
      newId,
    });
    this.#client = client;
  }

  /** The whole history of offers; undefined if there is no such session. */
  getSession(
    sessionId: string,
    { pool = COMMONS, timeoutMs }: InPool & AskOptions = {},
  ): Promise<PublicNegotiation | undefined> {
    return undefinedIfNotFound(this.#client.query('negotiation', { pool, sessionId }, { timeoutMs }));
  }
}
