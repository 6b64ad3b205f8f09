/**
 * One agent sends far more than its quota allows, into the pool where the others work. How much longer do the others
 * wait? Windows with and without the flood in turn, at several rates of it, with the quota and without.
 */
import { z } from 'zod';
import { AGENTS, ConvergeSystem } from '../sides/converge.ts';
import { BenchChild } from '../support/child.ts';
import { CpuMeter } from '../support/cpu.ts';
import { type OpenLoopReport, openLoopReportSchema } from '../support/open-loop.ts';
import { type BenchServers, withServers } from '../support/servers.ts';
import { median, rounded } from '../support/stats.ts';
import { Stops } from '../support/stops.ts';
import type { SectionContext } from './section.ts';

/** The decisions of all others together: each of the four stays below the quota. */
const OTHERS_PER_S = 300;
/** Of every agent. */
const QUOTA_PER_S = 100;
const WINDOW_MS = { least: 1_500, most: 2_500 };
const WARM_UP_PER_S = 1_000;
const POOL = 'p0';

export interface FloodFigures {
  /** Medians of the windows' medians, milliseconds. */
  readonly calmP50Ms: number;
  readonly floodedP50Ms: number;
  readonly calmP99Ms: number;
  readonly floodedP99Ms: number;
  /** Flooded by calm, of the medians: the median of the pairs of windows. */
  readonly p50Ratio: number;
  /** Share of the flood that was refused. */
  readonly limitedShare: number;
  /**
   * CPU of the worker, the log and the store for each decision of the flood, microseconds: a figure that holds also on a
   * machine that is busy with other things. Less what a window without the flood takes.
   */
  readonly cpuUsPerFloodDecision: Readonly<Record<string, number>>;
  /** Every window of the others kept its rate. */
  readonly kept: boolean;
  readonly pairs: number;
}

/** By the rate of the flood. */
export interface FloodResult {
  readonly how: string;
  readonly withQuota: Readonly<Record<string, FloodFigures>>;
  readonly withoutQuota: Readonly<Record<string, FloodFigures>>;
}

interface Pair {
  readonly calm: OpenLoopReport;
  readonly flooded: OpenLoopReport;
  readonly limitedShare: number;
  readonly cpuUs: Readonly<Record<string, number>>;
}

const floodReportSchema = z.object({ answered: z.int(), limited: z.int(), tookMs: z.number() });

export async function flood(context: SectionContext): Promise<FloodResult> {
  return await withServers(context, async (servers) => ({
    how:
      `the others: ${OTHERS_PER_S} decisions/s of ${AGENTS.length} agents, open loop, in one pool; the flood: one agent in a process of its own, in the ` +
      `same pool; quota ${QUOTA_PER_S}/s of each agent; windows with and without the flood in turn`,
    withQuota: await side(servers, context, 'quota', { agentDecisionsPerS: QUOTA_PER_S }),
    withoutQuota: context.plan.quick ? {} : await side(servers, context, 'free', {}),
  }));
}

async function side(
  servers: BenchServers,
  { plan, say, checks }: SectionContext,
  namespace: string,
  settings: object,
): Promise<Record<string, FloodFigures>> {
  await using stops = new Stops();
  const system = stops.add(await ConvergeSystem.start({ servers, namespace, config: { settings } }));
  const { shards } = system;
  const flooder = await BenchChild.start('flooder', { url: servers.nats.url, namespace, shards });
  stops.add(flooder);
  await system.prepare([POOL]);
  const windowMs = Math.min(WINDOW_MS.most, Math.max(plan.latencyWindowMs, WINDOW_MS.least));
  const others = async (): Promise<OpenLoopReport> => {
    const requests = Math.ceil((OTHERS_PER_S * windowMs) / 3_000) * 3;
    const args = { pools: [POOL], agents: AGENTS, perS: OTHERS_PER_S, requests };
    const report = await system.publisher.call('latency', args, openLoopReportSchema);
    checks.expect('flood, the others: answered', requests, report.answered);
    return report;
  };
  await others();
  const warmUp = { pool: POOL, perS: WARM_UP_PER_S, requests: WARM_UP_PER_S };
  await flooder.call('flood', warmUp, floodReportSchema);
  const figures: Record<string, FloodFigures> = {};
  for (const perS of plan.floodsPerS) {
    const pairs: Pair[] = [];
    for (let window = 0; window < plan.floodPairs; window++) {
      const calmMeter = new CpuMeter(system.processes);
      const calm = await others();
      const calmCpu = calmMeter.used();
      const meter = new CpuMeter(system.processes);
      // It begins before the others and ends after them.
      const requests = Math.ceil((perS * (windowMs + 600)) / 1_000);
      const flooding = flooder.call('flood', { pool: POOL, perS, requests }, floodReportSchema);
      const flooded = await others();
      const { answered, limited } = await flooding;
      checks.expect('flood: answered', requests, answered);
      const cpu = Object.entries(meter.used()).map(([name, seconds]) => {
        const more = seconds - (calmCpu[name] ?? Number.NaN);
        return [name, (more * 1e6) / answered] as const;
      });
      pairs.push({ calm, flooded, limitedShare: limited / answered, cpuUs: Object.fromEntries(cpu) });
    }
    const found = figuresOf(pairs);
    figures[perS] = found;
    say(`${namespace}, flood of ${perS}/s: p50 ${found.calmP50Ms} → ${found.floodedP50Ms} ms`);
  }
  return figures;
}

function figuresOf(pairs: readonly Pair[]): FloodFigures {
  const middle = (of: (pair: Pair) => number): number => rounded(median(pairs.map(of)), 3);
  return {
    calmP50Ms: middle(({ calm }) => calm.p50),
    floodedP50Ms: middle(({ flooded }) => flooded.p50),
    calmP99Ms: middle(({ calm }) => calm.p99),
    floodedP99Ms: middle(({ flooded }) => flooded.p99),
    p50Ratio: middle(({ calm, flooded }) => flooded.p50 / calm.p50),
    limitedShare: middle(({ limitedShare }) => limitedShare),
    cpuUsPerFloodDecision: Object.fromEntries(
      Object.keys(pairs[0]?.cpuUs ?? {}).map((name) => [
        name,
        middle(({ cpuUs }) => cpuUs[name] ?? Number.NaN),
      ]),
    ),
    kept: pairs.every(({ calm, flooded }) => calm.kept && flooded.kept),
    pairs: pairs.length,
  };
}
