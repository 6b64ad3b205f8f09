/**
 * A claim that the agent holds: renewed by itself every third of its time, given up when the system says that it is
 * lost, or when it has not been renewed in time. The work is notified by an AbortSignal.
 */
import { messageOf } from '../../lib/errors.ts';
import { Signal } from '../../lib/signal.ts';
import { MAX_REASON_CHARS } from '../../protocol/limits.ts';
import type { HeldTask } from '../../protocol/outcome-data.ts';
import { boundedText } from '../core/bounded-text.ts';
import { isAboutTheClaim } from '../core/insist.ts';
import { isAccepted, type RejectedOutcome, retryAfterMs } from '../core/outcomes.ts';
import type { TaskManager } from '../managers/task-manager.ts';

/** Why the agent no longer holds the claim. */
export class ClaimLostError extends Error {
  override readonly name = 'ClaimLostError';
}

export interface HeldClaimOptions {
  readonly tasks: TaskManager;
  readonly pool: string;
  readonly task: HeldTask;
  /** Log time of the claim, milliseconds since the epoch; and `performance.now()` from before it was asked for. */
  readonly claimedAt: number;
  readonly askedAt: number;
  readonly onEnd: (claim: HeldClaim) => void;
  /** Told what goes wrong with renewing, and of a claim whose time was over before it could be renewed. */
  readonly onError: (error: unknown) => void;
}

/** Progress is told no more often than this, unless a renewal is due anyway. */
const PROGRESS_EVERY_MS = 1_000;
const MIN_RENEWAL_MS = 50;
/** Codes that say that the agent has no claims there any more, whatever it does. */
const SHUT_OUT: ReadonlySet<string> = new Set(['not_a_member', 'agent_banned', 'not_allowed']);

export class HeldClaim {
  readonly pool: string;
  readonly task: HeldTask;
  readonly #options: HeldClaimOptions;
  readonly #lost = new AbortController();
  readonly #changed = new Signal();
  /** By our own clock, counted from before we asked: the claim is never over sooner than we think. */
  #endsAt = 0;
  #renewAt = 0;
  #toldAt: number;
  #untold: { readonly progress: number; readonly note?: string } | undefined;
  #hasBegun = false;
  #hasEnded = false;
  /** How long the process has done nothing but one thing, at most. */
  #blockedMs = 0;

  constructor(options: HeldClaimOptions) {
    const { task, pool, claimedAt, askedAt } = options;
    this.#options = options;
    this.pool = pool;
    this.task = task;
    this.#toldAt = askedAt;
    this.#lasts(askedAt, task.claim.expiresAt - claimedAt);
  }

  /** It is renewed from here on, until it ends. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    void this.#keep();
  }

  /** Aborted, with a {@link ClaimLostError}, when the claim is lost. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Lost, or done with. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Told with a renewal soon, a second later at most. `fraction` is between 0 and 1, or a RangeError is thrown. */
  progress(fraction: number, note?: string): void {
    if (!(fraction >= 0 && fraction <= 1))
      throw new RangeError(`progress must be between 0 and 1, not ${fraction}`);
    const told = note === undefined ? {} : { note: boundedText(note, MAX_REASON_CHARS) };
    this.#untold = { progress: fraction, ...told };
    this.#changed.notify();
  }

  /** The process did nothing else for so long. */
  wasBlocked(ms: number): void {
    this.#blockedMs = Math.max(this.#blockedMs, ms);
  }

  lose(why: string): void {
    if (this.#hasEnded) return;
    const isOverdue = performance.now() >= this.#endsAt;
    const error = new ClaimLostError(
      `claim of task ${this.task.taskId} lost: ${why}${isOverdue ? this.#explained() : ''}`,
    );
    this.end();
    this.#lost.abort(error);
    // A cancelled or released claim is no fault; an expired one is.
    if (isOverdue) this.#options.onError(error);
  }

  /** The task is reported, failed or released: nothing is left to be renewed. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#changed.notify();
    this.#options.onEnd(this);
  }

  #explained(): string {
    const { pool, task } = this;
    const lastsMs = this.#options.task.claim.expiresAt - this.#options.claimedAt;
    if (this.#blockedMs < lastsMs / 3) return '';
    return (
      ` (pool ${pool}, attempt ${task.attempt}): the event loop stood still for ${Math.round(this.#blockedMs)} ms, and the ` +
      `claim lasts ${Math.round(lastsMs)} ms unless it is renewed; do long synchronous work in a worker thread, or ` +
      'choose a longer claimTtlMs'
    );
  }

  #lasts(from: number, forMs: number): void {
    this.#endsAt = from + forMs;
    this.#renewAt = from + Math.max(MIN_RENEWAL_MS, forMs / 3);
  }

  async #keep(): Promise<void> {
    while (!this.#hasEnded) {
      const now = performance.now();
      if (now >= this.#endsAt) return this.lose('it was not renewed in time');
      const next = Math.min(this.#nextRenewal(), this.#endsAt);
      if (now < next) {
        await this.#changed.next(next - now);
        this.wasBlocked(performance.now() - next);
      } else await this.#renew();
    }
  }

  #nextRenewal(): number {
    const progress = this.#untold === undefined ? Number.POSITIVE_INFINITY : this.#toldAt + PROGRESS_EVERY_MS;
    return Math.min(this.#renewAt, progress);
  }

  async #renew(): Promise<void> {
    const askedAt = performance.now();
    const { tasks } = this.#options;
    const untold = this.#untold;
    this.#untold = undefined;
    this.#toldAt = askedAt;
    // Until it is answered; where `maxRunMs` ends the claim, what is left of it gets shorter each time.
    this.#lasts(askedAt, this.#endsAt - askedAt);
    try {
      const outcome = await tasks.renew(this.task.taskId, {
        pool: this.pool,
        epoch: this.task.claim.epoch,
        ...untold,
        timeoutMs: Math.max(1, this.#endsAt - askedAt),
      });
      if (isAccepted(outcome)) this.#lasts(askedAt, outcome.data.expiresAt - outcome.at);
      else this.#refused(outcome);
    } catch (error) {
      if (this.#hasEnded) return;
      // Not known whether it was renewed: tried again until our time is over.
      if (performance.now() >= this.#endsAt) this.lose(messageOf(error));
      else this.#options.onError(error);
    }
  }

  /** Only what says that the claim is over ends it; anything else is told, and renewing tried again while there is time. */
  #refused(outcome: RejectedOutcome): void {
    const { code, message } = outcome;
    if (isAboutTheClaim(code) || SHUT_OUT.has(code)) {
      this.lose(message === undefined ? code : `${code}: ${message}`);
      return;
    }
    if (outcome.transient !== true)
      this.#options.onError(
        new ClaimLostError(`claim of task ${this.task.taskId} not renewed: ${code}: ${message}`),
      );
    const now = performance.now();
    const latest = this.#endsAt - MIN_RENEWAL_MS;
    this.#renewAt = Math.min(
      now + Math.max(MIN_RENEWAL_MS, retryAfterMs(outcome) ?? 0),
      Math.max(now, latest),
    );
  }
}
