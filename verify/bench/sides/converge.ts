/** Ours: worker processes and one process of agents, in a namespace of their own. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { BenchChild } from '../support/child.ts';
import { CpuMeter, type Processes } from '../support/cpu.ts';
import { Ledger } from '../support/ledger.ts';
import { type LifecyclesReport, lifecyclesReportSchema, type Mode } from '../support/lifecycles.ts';
import { type BenchServers, ROOM } from '../support/servers.ts';
import { type Checks, type Round, ShortOfWorkError, type Side } from './side.ts';

export const SHARDS = 16;
/** More than one, because one agent may hold 1,000 claims in one pool. */
export const AGENTS = ['a1', 'a2', 'a3', 'a4'];
export const WINDOW = 2_400;
const MANY_POOLS = 100;

/** A Batch is of one pool: with many pools at work at a time there is less of each to put together. */
export function batchFor(pools: readonly string[]): number {
  return pools.length > MANY_POOLS ? 25 : 100;
}

export const GUARANTEES =
  'every decision is validated, decided exactly once in log order, committed with its position, answered by an ' +
  'outcome that is remembered, and told by durable events';

export interface ConvergeOptions {
  readonly servers: BenchServers;
  readonly namespace: string;
  readonly workers?: number;
  readonly shards?: number;
  /** Configuration of the workers beyond the defaults. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly execArgv?: readonly string[];
  readonly agents?: readonly string[];
}

const stateSchema = z.object({
  shards: z.array(z.int()),
  notReady: z.array(z.string()),
  loads: z.array(z.number()),
});

const acceptedSchema = z.object({ accepted: z.int() });

export class ConvergeSystem {
  readonly namespace: string;
  readonly publisher: BenchChild;
  readonly workers: BenchChild[] = [];
  readonly ledger: Ledger;
  readonly #options: ConvergeOptions;

  static async start(options: ConvergeOptions): Promise<ConvergeSystem> {
    const { servers, namespace, workers = 1, shards = SHARDS, agents = AGENTS } = options;
    const first = await startWorkerProcess(options);
    const publisher = await BenchChild.start('publisher', {
      url: servers.nats.url,
      namespace,
      shards,
      agents,
    });
    const ledger = await Ledger.open(servers, namespace, shards);
    const system = new ConvergeSystem(options, publisher, ledger);
    system.workers.push(first);
    while (system.workers.length < workers) system.workers.push(await startWorkerProcess(options));
    await system.balanced();
    return system;
  }

  private constructor(options: ConvergeOptions, publisher: BenchChild, ledger: Ledger) {
    this.#options = options;
    this.namespace = options.namespace;
    this.publisher = publisher;
    this.ledger = ledger;
  }

  get shards(): number {
    return this.#options.shards ?? SHARDS;
  }

  get processes(): Processes {
    const { redis, nats } = this.#options.servers;
    return {
      worker: this.workers.map(({ pid }) => pid),
      redis: [redis.pid],
      nats: [nats.pid],
      publisher: [this.publisher.pid],
    };
  }

  async addWorker(): Promise<BenchChild> {
    const worker = await startWorkerProcess(this.#options);
    this.workers.push(worker);
    return worker;
  }

  async stopWorkers(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.stop()));
  }

  /** As a machine that loses its power. */
  async kill(worker: BenchChild): Promise<void> {
    this.workers.splice(this.workers.indexOf(worker), 1);
    await worker.kill();
  }

  /** Resolves when every shard runs and every worker has its fair share of them. */
  async balanced(): Promise<void> {
    const share = Math.ceil(this.shards / this.workers.length);
    for (let waitedMs = 0; waitedMs < BALANCED_WITHIN_MS; waitedMs += POLL_MS) {
      const states = await Promise.all(this.workers.map(stateOf));
      const held = new Set(states.flatMap(({ shards }) => shards));
      const isFair = states.every(({ shards, notReady }) => shards.length <= share && notReady.length === 0);
      if (isFair && held.size === this.shards) return;
      await delay(POLL_MS);
    }
    throw new Error(`the workers of ${this.namespace} did not share their shards in time`);
  }

  /** Creates the pools and makes every agent, or only some, a member. */
  async prepare(pools: readonly string[], only?: readonly string[]): Promise<void> {
    const agents = this.#options.agents ?? AGENTS;
    const { accepted } = await this.publisher.call(
      'prepare',
      { pools, agents: only ?? agents },
      acceptedSchema,
    );
    const expected = pools.length * (1 + (only ?? agents).length);
    if (accepted !== expected)
      throw new ShortOfWorkError(`pools: ${accepted} of ${expected} decisions accepted`);
  }

  /** Tasks that nobody claims. */
  async submit(pool: string, tasks: number): Promise<void> {
    const { accepted } = await this.publisher.call('submit', { pool, tasks }, acceptedSchema);
    if (accepted !== tasks) throw new ShortOfWorkError(`${pool}: ${accepted} of ${tasks} tasks accepted`);
  }

  /** Lifecycles without a check: for warming up and filling. */
  async lifecycles(pools: readonly string[], mode: Mode, lifecycles: number): Promise<LifecyclesReport> {
    const work = { pools, mode, lifecycles, batch: batchFor(pools), window: WINDOW };
    return await this.publisher.call('lifecycles', work, lifecyclesReportSchema);
  }

  side(name: string, title: string, pools: readonly string[], mode: Mode, checks: Checks): Side {
    return {
      name,
      title,
      guarantees: GUARANTEES,
      run: (lifecycles) => this.#round(name, pools, mode, lifecycles, checks),
    };
  }

  async stop(): Promise<void> {
    await this.ledger.close();
    await this.publisher.stop();
    await this.stopWorkers();
  }

  async #round(
    name: string,
    pools: readonly string[],
    mode: Mode,
    lifecycles: number,
    checks: Checks,
  ): Promise<Round> {
    const after = await this.ledger.eventsEnd();
    const before = await this.ledger.tasksIn('completed');
    const meter = new CpuMeter(this.processes);
    const report = await this.lifecycles(pools, mode, lifecycles);
    const cpu = meter.used();
    if (report.rejected.length > 0)
      throw new ShortOfWorkError(`${name} refused: ${report.rejected.join('\n')}`);
    checks.expect(`${name}: accepted reports`, lifecycles, report.lifecycles);
    for (const verb of ['submitted', 'claimed', 'completed']) {
      const events = await this.ledger.taskEvents(verb, after, lifecycles);
      checks.expect(`${name}: events task.${verb} in JetStream`, lifecycles, events);
    }
    // The sweep may remove old ones meanwhile: a task that was removed was stored.
    const removed = await this.ledger.taskEvents('removed', after, 0);
    const stored = (await this.ledger.tasksIn('completed')) - before + removed;
    checks.expect(`${name}: completed tasks in Redis`, lifecycles, stored);
    return { lifecycles, decisions: report.decisions, seconds: report.seconds, cpu };
  }
}

export async function stateOf(worker: BenchChild): Promise<z.output<typeof stateSchema>> {
  return await worker.call('state', {}, stateSchema);
}

async function startWorkerProcess({
  servers,
  namespace,
  shards = SHARDS,
  config = {},
  execArgv = [],
}: ConvergeOptions): Promise<BenchChild> {
  return await BenchChild.start(
    'worker',
    {
      natsUrl: servers.nats.url,
      redisUrl: servers.redis.url,
      namespace,
      shards,
      httpPort: -1,
      ...ROOM,
      ...config,
    },
    { execArgv },
  );
}

export function poolNames(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
}

const BALANCED_WITHIN_MS = 60_000;
const POLL_MS = 50;
