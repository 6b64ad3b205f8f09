/** What the processes of all job queues share. */
import { z } from 'zod';
import { configOf } from './serve.ts';

const configSchema = z.object({
  role: z.enum(['producer', 'consumer']),
  url: z.string(),
  queue: z.string(),
  concurrency: z.int().min(1),
});

export function queueConfig(): z.output<typeof configSchema> {
  return configOf(configSchema);
}

const jobsSchema = z.object({ jobs: z.int().min(1) });
const SILENCE_MS = 30_000;

export function jobsOf(args: unknown): number {
  return jobsSchema.parse(args).jobs;
}

export interface Sum {
  readonly a: number;
  readonly b: number;
}

/** The work of one job: that of the lifecycles, so that only the queues differ. */
export function add({ a, b }: Sum): { sum: number } {
  return { sum: a + b };
}

export function sums(first: number, count: number): Sum[] {
  return Array.from({ length: count }, (_, i) => ({ a: first + i, b: 1 }));
}

/** Counts completed jobs; gives up when none comes any more. */
export class Completions {
  #done = 0;
  #onDone: () => void = () => undefined;

  count(jobs = 1): void {
    this.#done += jobs;
    this.#onDone();
  }

  /** Resolves when so many more are done, or with fewer when nothing was done for a long time. */
  async next(jobs: number): Promise<{ done: number }> {
    const before = this.#done;
    let last = before;
    await new Promise<void>((resolve) => {
      const silence = setInterval(() => {
        if (this.#done === last) resolve();
        last = this.#done;
      }, SILENCE_MS);
      this.#onDone = () => {
        if (this.#done - before < jobs) return;
        clearInterval(silence);
        resolve();
      };
    });
    return { done: this.#done - before };
  }
}
