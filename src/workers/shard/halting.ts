/** A halted shard keeps its lease and does nothing; logs, metrics, `/readyz` and the store say why. */
import { ConvergeError, LogDivergedError } from '../../lib/errors.ts';
import type { ShardStore } from '../../state/shard-store.ts';
import type { AlarmDetail, AlarmName, Alarms } from '../health/alarms.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import type { Clock } from './ports.ts';

/** How long a halted shard waits before it is tried again. */
export const LOOK_AGAIN_MS = 1_000;

/**
 * Thrown by any code that finds that the shard must not continue. The shard is loaded and tried again after a while, and
 * continues by itself when nothing throws.
 */
export class ShardHaltedError extends ConvergeError {
  readonly kind = 'failure';
  readonly alarm: AlarmName;
  readonly detail: AlarmDetail;
  readonly lookAgainMs: number;

  constructor(alarm: AlarmName, message: string, detail: AlarmDetail = {}, lookAgainMs = LOOK_AGAIN_MS) {
    super(message);
    this.alarm = alarm;
    this.detail = detail;
    this.lookAgainMs = lookAgainMs;
  }
}

export interface HaltingOptions {
  readonly store: ShardStore;
  readonly shard: number;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly metrics: WorkerMetrics;
}

const DIVERGED = 'the log does not continue from the applied position; the shard is halted';
/** A halt that was written on a broken connection can arrive late: a running shard clears it now and then. */
const UNHALT_EVERY_MS = 10_000;

export class Halting {
  readonly #options: HaltingOptions;
  #reason: string | undefined;
  #alarm: AlarmName | undefined;
  /** When it last cleared the halt in the store: monotonic. */
  #unhaltedAt = 0;

  constructor(options: HaltingOptions) {
    this.#options = options;
  }

  /** Why the shard is halted; undefined when it is not. */
  get reason(): string | undefined {
    return this.#reason;
  }

  async begin(error: LogDivergedError | ShardHaltedError): Promise<void> {
    const { store, metrics, alarms, shard } = this.#options;
    const reason = error.message;
    const isDiverged = error instanceof LogDivergedError;
    const alarm = isDiverged ? 'shard_halted' : error.alarm;
    if (this.#alarm !== alarm) this.#clearAlarm();
    this.#alarm = alarm;
    if (this.#reason !== reason) metrics.halts.inc();
    this.#reason = reason;
    if (isDiverged) alarms.raise(alarm, shard, DIVERGED, { reason });
    else alarms.raise(alarm, shard, `${reason}; the shard is halted`, error.detail);
    // Each time, because the store may be unavailable now, or lose it later.
    await store.setHalted(reason).catch(() => undefined);
    metrics.halted.set({ shard }, 1);
  }

  /** The log could be opened, which ends a halt about the log. Any other halt ends after the next step. */
  async opened(): Promise<void> {
    if (this.#reason === undefined || this.#alarm === 'shard_halted') await this.#end();
  }

  /** To be called after each step of a running shard. */
  async worked(): Promise<void> {
    if (this.#reason !== undefined) await this.#end();
    else if (this.#options.clock.monotonic() - this.#unhaltedAt >= UNHALT_EVERY_MS) {
      await this.#unhalt().catch(() => undefined);
    }
  }

  async #end(): Promise<void> {
    await this.#unhalt();
    this.#options.metrics.halted.set({ shard: this.#options.shard }, 0);
    this.#clearAlarm();
    this.#reason = undefined;
  }

  async #unhalt(): Promise<void> {
    const { store, clock } = this.#options;
    this.#unhaltedAt = clock.monotonic();
    await store.setHalted(undefined);
  }

  #clearAlarm(): void {
    if (this.#alarm !== undefined) this.#options.alarms.clear(this.#alarm, this.#options.shard);
    this.#alarm = undefined;
  }
}
