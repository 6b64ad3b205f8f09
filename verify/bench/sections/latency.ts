/** How long an agent waits for the outcome of a decision, next to how long one waits for a job of BullMQ's. */
import { z } from 'zod';
import { ConvergeSystem, poolNames } from '../sides/converge.ts';
import { startBullmq } from '../sides/queues.ts';
import type { Checks } from '../sides/side.ts';
import { type OpenLoopReport, openLoopReportSchema } from '../support/open-loop.ts';
import { withServers } from '../support/servers.ts';
import { median, rounded } from '../support/stats.ts';
import { Stops } from '../support/stops.ts';
import type { SectionContext } from './section.ts';

const RATES_PER_S = [500, 2_000, 10_000] as const;
const POOLS = 16;

export interface LatencyFigures {
  /** Medians of the windows, milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** The longest of all windows. */
  readonly maxMs: number;
  /** Every window kept the rate; if not, a backlog grew and the times say how far it got. */
  readonly kept: boolean;
  readonly windows: number;
  readonly requestsPerWindow: number;
}

/** By rate, then by side. */
export interface LatencyResult {
  readonly how: string;
  readonly rates: Readonly<
    Record<string, { readonly ours: LatencyFigures; readonly bullmq: LatencyFigures }>
  >;
}

type Window = (perS: number, requests: number) => Promise<OpenLoopReport>;

export async function latency(context: SectionContext): Promise<LatencyResult> {
  return await withServers(context, async (servers) => {
    const until = performance.now() + context.plan.budgetMs.latency;
    await using stops = new Stops();
    const { plan, checks, say } = context;
    const ours = stops.add(await ConvergeSystem.start({ servers, namespace: 'ours' }));
    const bullmq = stops.add(await startBullmq(servers, checks));
    const pools = poolNames('p', POOLS);
    await ours.prepare(pools);
    await ours.lifecycles(pools, 'single', plan.warmUp);
    await bullmq.run(plan.warmUp);
    const sides: Record<'ours' | 'bullmq', Window> = {
      ours: (perS, requests) => ourWindow(ours, pools, perS, requests, checks),
      bullmq: async (perS, requests) => {
        const report = await bullmq.producer.call('latency', { perS, requests }, openLoopReportSchema);
        checks.expect('latency, bullmq: completed jobs heard of', requests, report.answered);
        return report;
      },
    };
    await sides.bullmq(RATES_PER_S[0], RATES_PER_S[0] / 2);
    const reports = new Map<string, OpenLoopReport[]>();
    for (let window = 0; window < plan.latencyWindows; window++) {
      if (window > 0 && performance.now() > until) break;
      for (const perS of RATES_PER_S) {
        // The order changes, so that none always follows the other.
        const order = window % 2 === 0 ? (['ours', 'bullmq'] as const) : (['bullmq', 'ours'] as const);
        for (const side of order) {
          const report = await sides[side](perS, requestsOf(perS, plan.latencyWindowMs));
          const key = `${side} ${perS}`;
          reports.set(key, [...(reports.get(key) ?? []), report]);
          say(`${side} at ${perS}/s: p50 ${rounded(report.p50, 3)} ms, p99 ${rounded(report.p99, 3)} ms`);
        }
      }
    }
    const figures = (side: string, perS: number): LatencyFigures =>
      figuresOf(reports.get(`${side} ${perS}`) ?? [], requestsOf(perS, plan.latencyWindowMs));
    return {
      how:
        'open loop, from when each was due: ours from publishing a decision to its outcome in the same process, ' +
        "BullMQ's from add to its completed event in the process that added; windows of both in turn",
      rates: Object.fromEntries(
        RATES_PER_S.map((perS) => [perS, { ours: figures('ours', perS), bullmq: figures('bullmq', perS) }]),
      ),
    };
  });
}

/** Whole lifecycles. */
function requestsOf(perS: number, windowMs: number): number {
  return Math.ceil((perS * windowMs) / 3_000) * 3;
}

async function ourWindow(
  system: ConvergeSystem,
  pools: readonly string[],
  perS: number,
  requests: number,
  checks: Checks,
): Promise<OpenLoopReport> {
  const after = await system.ledger.eventsEnd();
  const schema = openLoopReportSchema.extend({ accepted: z.int() });
  const report = await system.publisher.call('latency', { pools, perS, requests }, schema);
  checks.expect('latency, ours: accepted outcomes', requests, report.accepted);
  const events = await system.ledger.taskEvents('completed', after, requests / 3);
  checks.expect('latency, ours: events task.completed in JetStream', requests / 3, events);
  return report;
}

function figuresOf(reports: readonly OpenLoopReport[], requestsPerWindow: number): LatencyFigures {
  const middle = (of: (report: OpenLoopReport) => number): number => rounded(median(reports.map(of)), 3);
  return {
    p50Ms: middle(({ p50 }) => p50),
    p99Ms: middle(({ p99 }) => p99),
    p999Ms: middle(({ p999 }) => p999),
    maxMs: rounded(Math.max(...reports.map(({ max }) => max)), 3),
    kept: reports.every(({ kept }) => kept),
    windows: reports.length,
    requestsPerWindow,
  };
}
