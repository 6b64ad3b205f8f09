/** The raw pipe, given the sizes of what ours wrote and published in this very run. */
import { z } from 'zod';
import { isObject } from '../../../src/protocol/json.ts';
import { connectForReads, openRedis } from '../../../src/state/redis.ts';
import { BenchChild } from '../support/child.ts';
import { CpuMeter } from '../support/cpu.ts';
import { Ledger } from '../support/ledger.ts';
import { type LifecyclesReport, lifecyclesReportSchema, type Mode } from '../support/lifecycles.ts';
import type { BenchServers } from '../support/servers.ts';
import { AGENTS, batchFor, type ConvergeSystem, SHARDS, WINDOW } from './converge.ts';
import { type Checks, type Round, ShortOfWorkError, type Side } from './side.ts';

/** What one message of each kind cost ours. */
export interface Shape {
  readonly commitBytesPerMessage: number;
  readonly kinds: Readonly<
    Record<string, { outcome: string; events: number; eventBytes: number; verb: string }>
  >;
}

const VERBS: ReadonlyMap<string, string> = new Map([
  ['s', 'submitted'],
  ['c', 'claimed'],
  ['r', 'completed'],
]);

/** Measures ours: bytes that Redis received, and of each kind of message the outcome and its events. */
export async function measureShape(
  system: ConvergeSystem,
  servers: BenchServers,
  pools: readonly string[],
  mode: Mode,
  lifecycles: number,
): Promise<Shape> {
  const before = await redisInputBytes(servers);
  const { samples, messages } = await system.lifecycles(pools, mode, lifecycles);
  const bytes = (await redisInputBytes(servers)) - before;
  const kinds: Record<string, Shape['kinds'][string]> = {};
  for (const [kind, verb] of VERBS) {
    const outcome = samples[kind];
    const event = await system.ledger.lastTaskEvent(verb);
    if (outcome === undefined || event === undefined) throw new ShortOfWorkError(`no sample of ${verb}`);
    kinds[kind] = { outcome, events: eventsOf(outcome), eventBytes: Buffer.byteLength(event), verb };
  }
  return { commitBytesPerMessage: bytes / messages, kinds };
}

function eventsOf(outcome: string): number {
  const parsed: unknown = JSON.parse(outcome);
  return isObject(parsed) && Array.isArray(parsed.events) ? parsed.events.length : 0;
}

async function redisInputBytes({ redis }: BenchServers): Promise<number> {
  const connection = await openRedis(connectForReads(redis.url));
  const info = await connection.info('stats');
  connection.disconnect();
  return Number(/total_net_input_bytes:(\d+)/.exec(info)?.[1] ?? Number.NaN);
}

export class RawPipe {
  readonly #servers: BenchServers;
  readonly #process: BenchChild;
  readonly #publisher: BenchChild;
  readonly #ledger: Ledger;

  static async start(servers: BenchServers): Promise<RawPipe> {
    const namespace = 'raw';
    const { nats, redis } = servers;
    const options = { natsUrl: nats.url, redisUrl: redis.url, namespace, shards: SHARDS };
    const process = await BenchChild.start('raw-pipe', options);
    const publisher = await BenchChild.start('publisher', {
      url: nats.url,
      namespace,
      shards: SHARDS,
      agents: AGENTS,
    });
    return new RawPipe(servers, process, publisher, await Ledger.open(servers, namespace, SHARDS));
  }

  private constructor(servers: BenchServers, process: BenchChild, publisher: BenchChild, ledger: Ledger) {
    this.#servers = servers;
    this.#process = process;
    this.#publisher = publisher;
    this.#ledger = ledger;
  }

  side(
    name: string,
    title: string,
    pools: readonly string[],
    mode: Mode,
    shape: Shape,
    checks: Checks,
  ): Side {
    return {
      name,
      title,
      guarantees: 'as ours in what is written and published; nothing is understood, decided or remembered',
      run: async (lifecycles) => {
        await this.#process.call('shape', shape, z.unknown());
        return await this.#round(name, pools, mode, lifecycles, shape, checks);
      },
    };
  }

  async stop(): Promise<void> {
    await this.#ledger.close();
    await this.#publisher.stop();
    await this.#process.stop();
  }

  async #round(
    name: string,
    pools: readonly string[],
    mode: Mode,
    lifecycles: number,
    shape: Shape,
    checks: Checks,
  ): Promise<Round> {
    const { redis, nats } = this.#servers;
    const after = await this.#ledger.eventsEnd();
    const before = await this.#committed();
    const meter = new CpuMeter({
      worker: [this.#process.pid],
      redis: [redis.pid],
      nats: [nats.pid],
      publisher: [this.#publisher.pid],
    });
    const report = await this.#lifecycles(pools, mode, lifecycles);
    const cpu = meter.used();
    checks.expect(
      `${name}: messages committed in Redis`,
      report.messages,
      (await this.#committed()) - before,
    );
    const expected = eventsExpected(report, shape);
    for (const [kind, verb] of VERBS) {
      const count = expected[kind] ?? 0;
      const events = await this.#ledger.taskEvents(verb, after, count);
      checks.expect(`${name}: events task.${verb} in JetStream`, count, events);
    }
    return { lifecycles, decisions: report.decisions, seconds: report.seconds, cpu };
  }

  async #lifecycles(pools: readonly string[], mode: Mode, lifecycles: number): Promise<LifecyclesReport> {
    const work = { pools, mode, lifecycles, batch: batchFor(pools), window: WINDOW };
    return await this.#publisher.call('lifecycles', work, lifecyclesReportSchema);
  }

  async #committed(): Promise<number> {
    return (await this.#process.call('committed', {}, z.object({ committed: z.int() }))).committed;
  }
}

/** A third of the messages is of each kind. */
function eventsExpected({ messages }: LifecyclesReport, { kinds }: Shape): Record<string, number> {
  return Object.fromEntries(
    Object.entries(kinds).map(([kind, { events }]) => [kind, (messages / VERBS.size) * events]),
  );
}
