/** A job queue: one process adds, another works, and the server's own counts say that nothing is left. */
import { z } from 'zod';
import { BenchChild } from '../support/child.ts';
import { CpuMeter, type Processes } from '../support/cpu.ts';
import type { Checks, Round, Side } from './side.ts';

export interface QueueOptions {
  readonly name: string;
  readonly title: string;
  readonly guarantees: string;
  /** The file in `verify/bench/processes`, started twice: with the role `producer` and with the role `consumer`. */
  readonly entry: string;
  readonly url: string;
  /** The servers that it stands on. */
  readonly servers: () => Processes;
  readonly concurrency: number;
  /** The producer is told of every job that it is completed, and a round lasts until then. */
  readonly told?: true;
  readonly checks: Checks;
}

const countsSchema = z.object({
  /** Jobs ever added. */
  added: z.int(),
  /** Jobs that wait, run or have failed. */
  unfinished: z.int(),
});
const doneSchema = z.object({ done: z.int() });

export class QueueSystem implements Side {
  readonly producer: BenchChild;
  readonly consumer: BenchChild;
  readonly #options: QueueOptions;

  static async start(options: QueueOptions): Promise<QueueSystem> {
    const { entry, url, concurrency } = options;
    const queue = `bench-${options.name}`;
    const producer = await BenchChild.start(entry, { role: 'producer', url, queue, concurrency });
    const consumer = await BenchChild.start(entry, { role: 'consumer', url, queue, concurrency });
    return new QueueSystem(options, producer, consumer);
  }

  private constructor(options: QueueOptions, producer: BenchChild, consumer: BenchChild) {
    this.#options = options;
    this.producer = producer;
    this.consumer = consumer;
  }

  get name(): string {
    return this.#options.name;
  }

  get title(): string {
    return this.#options.title;
  }

  get guarantees(): string {
    return this.#options.guarantees;
  }

  async run(lifecycles: number): Promise<Round> {
    const { servers, checks, name, told } = this.#options;
    const before = await this.#counts();
    const meter = new CpuMeter({
      ...servers(),
      worker: [this.consumer.pid],
      publisher: [this.producer.pid],
    });
    const started = performance.now();
    const worked = this.consumer.call('work', { jobs: lifecycles }, doneSchema);
    if (told !== true) await this.producer.call('add', { jobs: lifecycles }, z.unknown());
    else {
      const heard = await this.producer.call('addAndHear', { jobs: lifecycles }, doneSchema);
      checks.expect(`${name}: jobs that the producer was told of`, lifecycles, heard.done);
    }
    const { done } = await worked;
    const seconds = (performance.now() - started) / 1_000;
    const cpu = meter.used();
    const after = await this.#counts();
    checks.expect(`${name}: jobs completed by the worker`, lifecycles, done);
    checks.expect(`${name}: jobs that the server counted`, lifecycles, after.added - before.added);
    checks.expect(`${name}: jobs left or failed`, 0, after.unfinished);
    return { lifecycles, seconds, cpu };
  }

  async stop(): Promise<void> {
    await this.producer.stop();
    await this.consumer.stop();
  }

  async #counts(): Promise<z.output<typeof countsSchema>> {
    return await this.producer.call('counts', {}, countsSchema);
  }
}

/** The concurrency that does best, by a short round of each. */
export async function bestConcurrency(
  system: QueueSystem,
  candidates: readonly number[],
  lifecycles: number,
): Promise<number> {
  let best = { concurrency: candidates[0] ?? 1, perS: 0 };
  for (const concurrency of candidates) {
    await system.consumer.call('concurrency', { concurrency }, z.unknown());
    const round = await system.run(lifecycles);
    const perS = round.lifecycles / round.seconds;
    if (perS > best.perS) best = { concurrency, perS };
  }
  await system.consumer.call('concurrency', { concurrency: best.concurrency }, z.unknown());
  return best.concurrency;
}
