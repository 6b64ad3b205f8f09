import { every, type Timer } from './timers.ts';

export interface PeriodicOptions {
  readonly everyMs: number;
  readonly run: () => Promise<void> | void;
  /** Called with what a run throws; the next one comes all the same. */
  readonly onError: (error: unknown) => void;
}

/** Does the same again and again. A run that is due while the one before is under way is left out. */
export class Periodic {
  readonly #options: PeriodicOptions;
  #timer: Timer | undefined;
  #underWay: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: PeriodicOptions) {
    this.#options = options;
  }

  /** The first run is due after one interval. */
  start(): void {
    if (this.#isStopped) return;
    this.#timer ??= every(this.#options.everyMs, () => {
      if (this.#underWay !== undefined) return;
      this.#underWay = this.#runOnce().finally(() => {
        this.#underWay = undefined;
      });
    });
  }

  /** No run begins any more, for good. Resolves when the one under way has ended, for those who need that. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#underWay;
  }

  async #runOnce(): Promise<void> {
    try {
      await this.#options.run();
    } catch (error) {
      this.#options.onError(error);
    }
  }
}
