/**
 * A claim that the agent holds: renewed by itself every third of its time, given up when the system says that it is
 * lost, or when it has not been renewed in time. Whoever works on the task learns of that by an AbortSignal.
 */
import { messageOf } from '../../errors.ts';
import type { Code } from '../../protocol/codes.ts';
import { MAX_REASON_CHARS } from '../../protocol/limits.ts';
import { type HeldTask, isAccepted } from '../outcomes.ts';
import type { TaskManager } from '../task-manager.ts';
import { Bell } from './bell.ts';

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
}

/** Progress is told no more often than this, unless a renewal is due anyway. */
const PROGRESS_EVERY_MS = 1_000;
const MIN_RENEWAL_MS = 50;

export class HeldClaim {
  readonly pool: string;
  readonly task: HeldTask;
  readonly #options: HeldClaimOptions;
  readonly #lost = new AbortController();
  readonly #bell = new Bell();
  /** By our own clock, counted from before we asked: the claim is never over sooner than we think. */
  #endsAt = 0;
  #renewAt = 0;
  #toldAt: number;
  #untold: { readonly progress: number; readonly note?: string } | undefined;
  #hasEnded = false;

  constructor(options: HeldClaimOptions) {
    const { task, pool, claimedAt, askedAt } = options;
    this.#options = options;
    this.pool = pool;
    this.task = task;
    this.#toldAt = askedAt;
    this.#lasts(askedAt, task.claim.expiresAt - claimedAt);
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
      throw new RangeError(`progress is between 0 and 1, not ${fraction}`);
    const told = note === undefined ? {} : { note: note.slice(0, MAX_REASON_CHARS) };
    this.#untold = { progress: fraction, ...told };
    this.#bell.ring();
  }

  lose(why: string): void {
    if (this.#hasEnded) return;
    this.end();
    this.#lost.abort(new ClaimLostError(`claim of task ${this.task.taskId} lost: ${why}`));
  }

  /** The task is reported, failed or released: nothing is left to be renewed. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#bell.ring();
    this.#options.onEnd(this);
  }

  #lasts(from: number, forMs: number): void {
    this.#endsAt = from + forMs;
    this.#renewAt = from + Math.max(MIN_RENEWAL_MS, forMs / 3);
  }

  async #keep(): Promise<void> {
    while (!this.#hasEnded) {
      const now = performance.now();
      if (now >= this.#endsAt) return this.lose('it was not renewed in time');
      const next = this.#nextRenewal();
      if (now < next) await this.#bell.heard(Math.min(next, this.#endsAt) - now);
      else await this.#renew();
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
      else if (outcome.transient !== true) this.lose(reasonOf(outcome.code, outcome.message));
    } catch (error) {
      // Not known whether it was renewed: tried again until our time is over.
      if (performance.now() >= this.#endsAt) this.lose(messageOf(error));
    }
  }
}

function reasonOf(code: Code, message: string | undefined): string {
  return message === undefined ? code : `${code}: ${message}`;
}
