import type { ConvergeClient } from '../core/client.ts';
import type { TaskManager } from '../managers/task-manager.ts';
import type { HeldClaim } from './held-claim.ts';
import { runTask, type Work } from './run-task.ts';

export interface WorkBenchOptions {
  readonly work: Work;
  readonly client: ConvergeClient;
  readonly tasks: TaskManager;
  /** Most tasks that are worked on at once; others wait in line, and their claims are renewed meanwhile. */
  readonly concurrency: number;
  readonly onFree: () => void;
  /** Gives a claim back of which it could not be said how the work ended: nobody renews it any more. */
  readonly giveBack: (claim: HeldClaim) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Where claimed tasks are worked on. */
export class WorkBench {
  readonly #options: WorkBenchOptions;
  readonly #waiting: HeldClaim[] = [];
  readonly #running = new Set<Promise<void>>();
  #isOpen = true;

  constructor(options: WorkBenchOptions) {
    this.#options = options;
  }

  get free(): number {
    return Math.max(0, this.#options.concurrency - this.#running.size - this.#waiting.length);
  }

  take(claim: HeldClaim): void {
    this.#waiting.push(claim);
    this.#begin();
  }

  /** Nothing is begun any more. */
  close(): void {
    this.#isOpen = false;
  }

  /** Resolves when nothing is being worked on. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #begin(): void {
    while (this.#isOpen && this.#running.size < this.#options.concurrency) {
      const claim = this.#waiting.shift();
      if (claim === undefined) return;
      if (claim.hasEnded) continue;
      const running: Promise<void> = runTask({ ...this.#options, claim })
        .catch(async (error) => {
          this.#options.onError(error);
          await this.#options.giveBack(claim);
        })
        .finally(() => {
          this.#running.delete(running);
          this.#begin();
          this.#options.onFree();
        });
      this.#running.add(running);
    }
  }
}
