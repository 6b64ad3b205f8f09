/**
 * Do more workers do more? Each has a fixed part of a core, so that four of them, the servers and the agents fit on two
 * cores and the workers are what is scarce.
 */
import { shardOf } from '../../../src/protocol/shard.ts';
import { ConvergeSystem, SHARDS } from '../sides/converge.ts';
import type { Side } from '../sides/side.ts';
import { cpuQuota } from '../support/cpu-quota.ts';
import { alternate, type SideResult } from '../support/rounds.ts';
import { withServers } from '../support/servers.ts';
import { Stops } from '../support/stops.ts';
import type { NotMeasured, SectionContext } from './section.ts';

const WORKERS = [1, 2, 4] as const;
const SHARE_OF_A_CORE = 0.2;
const POOLS_PER_SHARD = 2;
/** A worker that is ten times slower renews later, and must not lose its shards for it. */
const LEASE_MS = 9_000;

export interface ScaleOutResult {
  readonly how: string;
  readonly shareOfACore: number;
  /** `workers-1`, `workers-2`, `workers-4`. */
  readonly sides: Readonly<Record<string, SideResult>>;
}

export async function scaleOut(context: SectionContext): Promise<ScaleOutResult | NotMeasured> {
  const until = performance.now() + context.plan.budgetMs.scaleOut;
  const quota = cpuQuota();
  if ('notMeasured' in quota) return quota;
  return await withServers(context, async (servers) => {
    const { plan, checks, say } = context;
    await using stops = new Stops();
    stops.add(quota);
    const pools = evenly(SHARDS, POOLS_PER_SHARD);
    const sides: Side[] = [];
    for (const workers of WORKERS) {
      const namespace = `workers-${workers}`;
      const config = { leaseMs: LEASE_MS };
      const system = stops.add(await ConvergeSystem.start({ servers, namespace, workers, config }));
      await system.prepare(pools);
      // Compiled before it is slowed down: otherwise the rounds would measure the compiler.
      await system.lifecycles(pools, 'single', plan.warmUp * workers);
      for (const { pid } of system.workers) quota.limit(pid, SHARE_OF_A_CORE);
      const title = `${workers} worker${workers === 1 ? '' : 's'} with ${SHARE_OF_A_CORE * 100} % of a core each`;
      sides.push(system.side(namespace, title, pools, 'single', checks));
      say(`${workers} workers are ready`);
    }
    const { results } = await alternate(sides, {
      rounds: plan.scaleOutRounds,
      roundMs: plan.scaleOutRoundMs,
      warmUp: plan.warmUp,
      until,
      say,
    });
    return {
      how: `${quota.how}; a message for each decision; ${pools.length} pools, equally many on each shard`,
      shareOfACore: SHARE_OF_A_CORE,
      sides: results,
    };
  });
}

/** Names of pools, so many on each shard. */
function evenly(shards: number, perShard: number): string[] {
  const found = Array.from({ length: shards }, (): string[] => []);
  for (let i = 0; found.some((names) => names.length < perShard); i++) {
    const names = found[shardOf(`s-${i}`, shards)];
    if (names !== undefined && names.length < perShard) names.push(`s-${i}`);
  }
  return found.flat();
}
