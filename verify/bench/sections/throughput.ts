/** Lifecycles per second of ours, of what people would use instead, and of the raw pipe; and what they cost in CPU. */
import { z } from 'zod';
import { batchFor, ConvergeSystem, poolNames } from '../sides/converge.ts';
import { bestConcurrency } from '../sides/queue.ts';
import { startBeeQueue, startBullmq, startBullmqTold, startPgBoss } from '../sides/queues.ts';
import { measureShape, RawPipe } from '../sides/raw-pipe.ts';
import type { Round, Side } from '../sides/side.ts';
import type { CpuSeconds } from '../support/cpu.ts';
import type { Mode } from '../support/lifecycles.ts';
import { MODES } from '../support/lifecycles.ts';
import { startPostgres } from '../support/postgres.ts';
import { alternate, cpuPerMillion, type SideResult } from '../support/rounds.ts';
import { type BenchServers, withServers } from '../support/servers.ts';
import { Stops } from '../support/stops.ts';
import type { NotMeasured, SectionContext } from './section.ts';

export const POOL_COUNTS = [1, 16, 1_000] as const;
const CONCURRENCIES = [50, 200, 500] as const;

export interface ThroughputResult {
  readonly sides: Readonly<Record<string, SideResult | NotMeasured>>;
  readonly cost: Readonly<Record<string, Cost>>;
  /** By which concurrency BullMQ's worker did best. */
  readonly bullmqConcurrency: number;
  /** What one message of ours wrote and published, which the raw pipe repeats. */
  readonly shapes: Readonly<Record<Mode, ShapeSummary>>;
}

export interface Cost {
  readonly cpuSecondsPerMillionLifecycles: CpuSeconds;
  readonly cpuSecondsPerMillionDecisions?: CpuSeconds;
}

interface ShapeSummary {
  readonly redisBytesPerMessage: number;
  readonly kinds: Readonly<Record<string, { outcomeBytes: number; events: number; eventBytes: number }>>;
}

export function oursName(mode: Mode, pools: number): string {
  return `ours-${mode}-${pools}`;
}

export async function throughput(context: SectionContext): Promise<ThroughputResult> {
  return await withServers(context, async (servers) => {
    await using stops = new Stops();
    return await measure(servers, context, stops);
  });
}

async function measure(
  servers: BenchServers,
  { plan, checks, notes, say }: SectionContext,
  stops: Stops,
): Promise<ThroughputResult> {
  const until = performance.now() + plan.budgetMs.throughput;
  const ours = stops.add(await ConvergeSystem.start({ servers, namespace: 'ours' }));
  const pools = new Map(POOL_COUNTS.map((count) => [count, poolNames(`p${count}`, count)]));
  for (const names of pools.values()) await ours.prepare(names);
  say('pools are ready');
  const sides: Side[] = [];
  for (const [count, names] of pools) {
    for (const mode of MODES) {
      const way = mode === 'bulk' ? `bulk by ${batchFor(names)}` : mode;
      const title = `ours, ${way}, ${count} pool${count === 1 ? '' : 's'}`;
      sides.push(ours.side(oursName(mode, count), title, names, mode, checks));
    }
  }

  const raw = stops.add(await RawPipe.start(servers));
  const sixteen = pools.get(16) ?? [];
  const shapes: Partial<Record<Mode, ShapeSummary>> = {};
  for (const mode of MODES) {
    await ours.lifecycles(sixteen, mode, plan.warmUp);
    const shape = await measureShape(ours, servers, sixteen, mode, plan.warmUp);
    shapes[mode] = {
      redisBytesPerMessage: Math.round(shape.commitBytesPerMessage),
      kinds: Object.fromEntries(
        Object.entries(shape.kinds).map(([kind, { outcome, events, eventBytes }]) => [
          kind,
          { outcomeBytes: Buffer.byteLength(outcome), events, eventBytes },
        ]),
      ),
    };
    sides.push(raw.side(`raw-${mode}`, `raw pipe, ${mode}`, sixteen, mode, shape, checks));
  }

  const bullmq = stops.add(await startBullmq(servers, checks));
  const bullmqConcurrency = await bestConcurrency(bullmq, CONCURRENCIES, plan.warmUp);
  say(`BullMQ does best with concurrency ${bullmqConcurrency}`);
  const told = stops.add(await startBullmqTold(servers, checks));
  await told.consumer.call('concurrency', { concurrency: bullmqConcurrency }, z.unknown());
  await told.run(plan.warmUp);
  const bee = stops.add(await startBeeQueue(servers, checks));
  sides.push(bullmq, told, bee);
  const postgres = await startPostgres(say);
  if ('notMeasured' in postgres) notes.postgres = postgres.notMeasured;
  else {
    stops.add(postgres);
    notes.postgres = postgres.version;
    sides.push(stops.add(await startPgBoss(postgres, checks)));
  }

  const { results, rounds } = await alternate(sides, { ...plan, until, say });
  const cost = [...rounds].map(([name, each]) => [name, costOf(each)] as const);
  return {
    sides: 'notMeasured' in postgres ? { ...results, 'pg-boss': postgres } : results,
    cost: Object.fromEntries(cost),
    bullmqConcurrency,
    shapes: { single: shapes.single ?? NO_SHAPE, bulk: shapes.bulk ?? NO_SHAPE },
  };
}

const NO_SHAPE: ShapeSummary = { redisBytesPerMessage: Number.NaN, kinds: {} };

function costOf(rounds: readonly Round[]): Cost {
  const hasDecisions = rounds.every(({ decisions }) => decisions !== undefined);
  return {
    cpuSecondsPerMillionLifecycles: cpuPerMillion(rounds, ({ lifecycles }) => lifecycles),
    ...(hasDecisions
      ? { cpuSecondsPerMillionDecisions: cpuPerMillion(rounds, ({ decisions }) => decisions ?? Number.NaN) }
      : {}),
  };
}
