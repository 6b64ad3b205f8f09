/**
 * Publishes decisions into the log. Core publishes, whose acknowledgements all arrive on one inbox, with one timer for
 * everything that is under way: a request with a promise and a timer of its own would cost more than the decision.
 *
 * A message is sent again, byte for byte, until the log confirms it or its deadline passes. It carries no id for the log
 * to recognise it by: the log stores what arrives twice twice, and the state, which knows every decision by its pool,
 * agent, id and bytes, answers it once. An id for the log would be one for the whole stream, and anyone could use it up.
 * Pending decisions are bounded in number and bytes; callers that come when it is full wait in line.
 */
import type { Msg, NatsConnection, Subscription } from 'nats';
import { messageOf, type PermissionDeniedError, PublishError } from '../lib/errors.ts';
import { every, type Timer } from '../lib/timers.ts';
import { isObject } from '../protocol/json.ts';
import { newInbox } from './connection.ts';
import { deniedOn, permissionDenied } from './permission-denied.ts';
import { watchConnection } from './watch-connection.ts';
import { type Place, Window } from './window.ts';

export interface DecisionMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  /** How long to try before giving up, milliseconds; the publisher's `deadlineMs` when left out. */
  readonly deadlineMs?: number | undefined;
}

export interface PublishAck {
  /** Where in the log it stands: the first place that was confirmed, when it had to be sent again. */
  readonly seq: number;
}

export interface DecisionPublisherOptions {
  readonly connection: NatsConnection;
  /** Most messages, and most bytes of them, that are sent and not yet confirmed (8,192 and 16 MiB). */
  readonly maxUnconfirmed?: number | undefined;
  readonly maxUnconfirmedBytes?: number | undefined;
  /** How long to wait for the first confirmation before sending again; doubles each time (2,000). */
  readonly ackTimeoutMs?: number | undefined;
  /** How long to try before giving up (30,000). */
  readonly deadlineMs?: number | undefined;
}

interface Publication extends Place {
  readonly token: string;
  readonly message: DecisionMessage;
  readonly deadline: number;
  readonly resolve: (ack: PublishAck) => void;
  readonly reject: (error: PublishError | PermissionDeniedError) => void;
  attempts: number;
  /** Of these, how many the log said that it did not store. */
  refused: number;
  /** When it is to be sent again. */
  dueAt: number;
  problem: string;
}

const SWEEP_MS = 50;
const MAX_ACK_TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2_000;

export class DecisionPublisher {
  readonly #connection: NatsConnection;
  readonly #inbox: string;
  readonly #acks: Subscription;
  readonly #window: Window;
  readonly #ackTimeoutMs: number;
  readonly #deadlineMs: number;
  readonly #underWay = new Map<string, Publication>();
  readonly #waiting = new Set<Publication>();
  readonly #unwatch: () => void;
  #nextToken = 0;
  #soonestWaitingDeadline = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;
  #isConnected = true;
  #closedBecause: string | undefined;

  constructor(options: DecisionPublisherOptions) {
    const { connection, maxUnconfirmed = 8_192, maxUnconfirmedBytes = 16 * 1024 * 1024 } = options;
    this.#connection = connection;
    this.#inbox = newInbox(connection);
    this.#ackTimeoutMs = options.ackTimeoutMs ?? 2_000;
    this.#deadlineMs = options.deadlineMs ?? 30_000;
    this.#window = new Window(maxUnconfirmed, maxUnconfirmedBytes);
    this.#acks = connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, ack) =>
        error === null ? this.#onAck(ack) : this.#close((permissionDenied(error) ?? error).message),
    });
    this.#unwatch = watchConnection(connection, {
      disconnected: () => {
        this.#isConnected = false;
      },
      reconnected: () => this.#sendEverythingAgain(),
      denied: (subject) => this.#refuseAll(subject),
      closed: (why) => this.#close(why?.message ?? 'the connection is closed'),
    });
  }

  /** Sent and not yet confirmed. */
  get unconfirmed(): number {
    return this.#underWay.size;
  }

  /**
   * Resolves once the log has the message. Messages of one caller reach the log in the order of the calls unless some
   * have to be sent again. Rejects with a {@link PublishError}: at once when the message can never be stored, at the
   * deadline when the log is full, or when nobody confirmed (then it may be stored all the same). With a
   * {@link PermissionDeniedError} when the server does not let this connection decide in that name.
   */
  publish(message: DecisionMessage): Promise<PublishAck> {
    return new Promise((resolve, reject) => {
      const publication: Publication = {
        token: (this.#nextToken++).toString(36),
        message,
        deadline: performance.now() + (message.deadlineMs ?? this.#deadlineMs),
        resolve,
        reject,
        attempts: 0,
        refused: 0,
        dueAt: 0,
        problem: 'no acknowledgement',
        size: message.payload.byteLength,
        state: 'outside',
        begin: () => this.#begin(publication),
      };
      if (this.#closedBecause !== undefined) return this.#fail(publication, this.#closedBecause);
      this.#waiting.add(publication);
      this.#soonestWaitingDeadline = Math.min(this.#soonestWaitingDeadline, publication.deadline);
      this.#window.enter(publication);
      this.#timer ??= every(SWEEP_MS, () => this.#sweep());
    });
  }

  /**
   * Publishes any number of messages in order, taking them from the iterable no faster than the log confirms them.
   * After the first failure no further ones are accepted; rejects with its {@link PublishError}.
   */
  async publishAll(messages: Iterable<DecisionMessage>): Promise<PublishAck[]> {
    const acks: Promise<PublishAck>[] = [];
    let hasFailed = false;
    for (const message of messages) {
      const ack = this.publish(message);
      ack.catch(() => {
        hasFailed = true;
      });
      acks.push(ack);
      if (this.#window.isCrowded) await this.#window.uncrowded();
      if (hasFailed) break;
    }
    return Promise.all(acks);
  }

  /** Rejects everything that is not confirmed by now. The connection stays open. */
  close(): void {
    this.#close('the publisher is closed');
  }

  #begin(publication: Publication): void {
    this.#waiting.delete(publication);
    this.#underWay.set(publication.token, publication);
    this.#send(publication);
  }

  #send(publication: Publication): void {
    if (!this.#isConnected) {
      publication.problem = 'not connected';
      return;
    }
    const { subject, payload } = publication.message;
    const waitMs = Math.min(this.#ackTimeoutMs * 2 ** publication.attempts, MAX_ACK_TIMEOUT_MS);
    publication.attempts++;
    publication.dueAt = performance.now() + waitMs;
    const reply = `${this.#inbox}.${publication.token}`;
    try {
      this.#connection.publish(subject, payload, { reply });
    } catch (error) {
      // Too large for the server, not a subject, or the connection is closed: trying again changes nothing.
      publication.refused++;
      this.#fail(publication, messageOf(error), true);
    }
  }

  #onAck(ack: Msg): void {
    const publication = this.#underWay.get(ack.subject.slice(this.#inbox.length + 1));
    if (publication === undefined) return;
    const answer = answerOf(ack);
    switch (answer.kind) {
      case 'stored':
        this.#leave(publication);
        publication.resolve({ seq: answer.seq });
        return;
      case 'later': {
        publication.problem = answer.problem;
        if (answer.isRefused) publication.refused++;
        const wait = Math.min(FIRST_RETRY_MS * 2 ** (publication.attempts - 1), MAX_RETRY_MS);
        publication.dueAt = performance.now() + wait * (0.5 + Math.random() / 2);
        return;
      }
      case 'never':
        publication.refused++;
        this.#fail(publication, answer.problem, true);
    }
  }

  #sweep(): void {
    const now = performance.now();
    for (const publication of this.#underWay.values()) {
      if (now >= publication.deadline) this.#giveUp(publication);
      else if (this.#isConnected && now >= publication.dueAt) this.#send(publication);
    }
    if (now >= this.#soonestWaitingDeadline) this.#giveUpWaiting(now);
    if (this.#underWay.size > 0 || this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #giveUp(publication: Publication): void {
    const { attempts, problem } = publication;
    const fate = mayBeStored(publication) ? '; it may have been stored' : '';
    const sent = attempts === 0 ? 'it was not sent' : `sent ${attempts} times${fate}`;
    this.#fail(publication, `not confirmed in time (${problem}): ${sent}`);
  }

  #giveUpWaiting(now: number): void {
    this.#soonestWaitingDeadline = Number.POSITIVE_INFINITY;
    for (const publication of this.#waiting) {
      if (now >= publication.deadline) {
        this.#fail(publication, 'it was not sent: too many earlier messages are unconfirmed');
      } else {
        this.#soonestWaitingDeadline = Math.min(this.#soonestWaitingDeadline, publication.deadline);
      }
    }
  }

  /** A message sent on a broken connection may or may not have arrived: sending it again with its id is safe. */
  #sendEverythingAgain(): void {
    this.#isConnected = true;
    for (const publication of this.#underWay.values()) this.#send(publication);
  }

  #refuseAll(subject: string): void {
    for (const publication of this.#underWay.values()) {
      if (publication.message.subject === subject) this.#failAs(publication, deniedOn('publish', subject));
    }
  }

  #fail(publication: Publication, problem: string, isFinal = false): void {
    const { subject } = publication.message;
    const message = `the log did not accept a decision on ${subject}: ${problem}`;
    this.#failAs(publication, new PublishError(message, { isFinal, mayBeStored: mayBeStored(publication) }));
  }

  #failAs(publication: Publication, error: PublishError | PermissionDeniedError): void {
    this.#leave(publication);
    publication.reject(error);
  }

  #leave(publication: Publication): void {
    this.#underWay.delete(publication.token);
    this.#waiting.delete(publication);
    this.#window.leave(publication);
  }

  #close(why: string): void {
    if (this.#closedBecause !== undefined) return;
    this.#closedBecause = why;
    this.#unwatch();
    this.#timer?.cancel();
    this.#acks.unsubscribe();
    for (const publication of this.#waiting) this.#fail(publication, `it was not sent: ${why}`);
    for (const publication of this.#underWay.values()) {
      this.#fail(publication, `not confirmed: ${why}; it may have been stored`);
    }
  }
}

/** It went out more often than the log said that it did not store it. */
function mayBeStored({ attempts, refused }: Publication): boolean {
  return attempts > refused;
}

type LogAnswer =
  | { readonly kind: 'stored'; readonly seq: number }
  | { readonly kind: 'later'; readonly problem: string; readonly isRefused: boolean }
  | { readonly kind: 'never'; readonly problem: string };

/**
 * JetStream's own codes for having no room: the stream's limits, the server's or account's storage and memory; and the
 * one that a log gives which was closed because it is nearly full (no other has a largest message).
 */
const FULL: ReadonlySet<unknown> = new Set([10077, 10023, 10028, 10047, 10002, 10054]);

function answerOf(ack: Msg): LogAnswer {
  if (ack.headers?.code === 503) {
    const problem = 'no stream listens on the subject: the shard does not exist, or the log is unavailable';
    return { kind: 'later', problem, isRefused: true };
  }
  const body = parsed(ack);
  if (isObject(body) && isObject(body.error)) return refusal(body.error);
  if (!isObject(body) || typeof body.seq !== 'number') {
    return { kind: 'later', problem: 'unreadable acknowledgement', isRefused: false };
  }
  return { kind: 'stored', seq: body.seq };
}

function refusal(error: { readonly [member: string]: unknown }): LogAnswer {
  const why = `${String(error.description)} (${String(error.err_code)})`;
  if (FULL.has(error.err_code)) {
    return { kind: 'later', problem: `the log is full: ${why}`, isRefused: true };
  }
  const isPermanent = typeof error.code === 'number' && error.code >= 400 && error.code < 500;
  // Other errors of the server may come when a replica holds the message already.
  return isPermanent ? { kind: 'never', problem: why } : { kind: 'later', problem: why, isRefused: false };
}

function parsed(message: Msg): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}
