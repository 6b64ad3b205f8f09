/** Do a million finished tasks slow down the next one? Two systems on the same servers, in turn. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { connectForReads, openRedis } from '../../../../src/state/redis.ts';
import { ConvergeSystem, poolNames } from '../../sides/converge.ts';
import { ShortOfWorkError } from '../../sides/side.ts';
import { BenchChild } from '../../support/child.ts';
import { CpuMeter } from '../../support/cpu.ts';
import { MODES } from '../../support/lifecycles.ts';
import { alternate, type SideResult } from '../../support/rounds.ts';
import type { BenchServers } from '../../support/servers.ts';
import { rounded } from '../../support/stats.ts';
import { Stops } from '../../support/stops.ts';
import type { SectionContext } from '../section.ts';

const POOLS = 16;
const SIZES = ['few', 'many'] as const;

export interface StoredTasksResult {
  readonly how: string;
  readonly finalTasks: { readonly few: number; readonly many: number };
  /** `few-bulk`, `many-bulk`, `few-single`, `many-single`. */
  readonly sides: Readonly<Record<string, SideResult>>;
  /** Per cent of a core that a worker takes that has nothing to do; null where that cannot be measured. */
  readonly idleCpuPercent: { readonly few: number | null; readonly many: number | null };
  readonly idleMs: number;
}

export async function storedTasks(
  servers: BenchServers,
  context: SectionContext,
): Promise<StoredTasksResult> {
  const { plan, checks, say } = context;
  await using stops = new Stops();
  const pools = poolNames('g', POOLS);
  const systems = new Map<(typeof SIZES)[number], ConvergeSystem>();
  for (const size of SIZES) {
    systems.set(size, stops.add(await filled(servers, size, pools, plan.finalTasks[size], say)));
  }
  await noRewrite(servers);
  const until = performance.now() + plan.budgetMs.growth;
  const sides = [...systems].flatMap(([size, system]) =>
    MODES.map((mode) => {
      const title = `${plan.finalTasks[size].toLocaleString('en-US')} final tasks stored, ${mode}`;
      return system.side(`${size}-${mode}`, title, pools, mode, checks);
    }),
  );
  const { results } = await alternate(sides, { ...plan, until, say });
  const idleCpuPercent = await idle([...systems.values()], plan.idleMs);
  say(`idle workers: ${idleCpuPercent.join(' %, ')} % of a core`);
  const [few = null, many = null] = idleCpuPercent;
  return {
    how: 'final tasks and their receipts are copies of real ones, written by the store itself before the worker loads them',
    finalTasks: plan.finalTasks,
    sides: results,
    idleCpuPercent: { few, many },
    idleMs: plan.idleMs,
  };
}

async function filled(
  servers: BenchServers,
  namespace: string,
  pools: readonly string[],
  tasks: number,
  say: (line: string) => void,
): Promise<ConvergeSystem> {
  const system = await ConvergeSystem.start({ servers, namespace });
  await system.prepare(pools);
  await system.lifecycles(pools, 'single', pools.length);
  await system.stopWorkers();
  const started = performance.now();
  const filler = await BenchChild.start('fill', { url: servers.redis.url, namespace, shards: system.shards });
  const perPool = Math.ceil(tasks / pools.length);
  for (const pool of pools) {
    const args = { pool, tasks: perPool - 1 };
    const { stored } = await filler.call('fill', args, z.object({ stored: z.int() }));
    if (stored !== perPool) throw new ShortOfWorkError(`${pool} holds ${stored} final tasks, not ${perPool}`);
  }
  await filler.stop();
  const seconds = rounded((performance.now() - started) / 1_000, 3);
  say(`${perPool * pools.length} final tasks stored in ${seconds} s`);
  await system.addWorker();
  await system.balanced();
  return system;
}

/** Redis rewrites its log when it has grown: that shall not fall into the rounds of only one side. */
async function noRewrite({ redis }: BenchServers): Promise<void> {
  const connection = await openRedis(connectForReads(redis.url));
  for (let tries = 0; tries < REWRITE_TRIES; tries++) {
    const info = await connection.info('persistence');
    if (!/aof_rewrite_(in_progress|scheduled):1/.test(info)) break;
    await delay(REWRITE_POLL_MS);
  }
  connection.disconnect();
}

const REWRITE_TRIES = 300;
const REWRITE_POLL_MS = 200;
const SETTLE_MS = 1_000;

async function idle(systems: readonly ConvergeSystem[], forMs: number): Promise<(number | null)[]> {
  await delay(SETTLE_MS);
  const meters = systems.map((system) => new CpuMeter({ worker: system.workers.map(({ pid }) => pid) }));
  const started = performance.now();
  await delay(forMs);
  const seconds = (performance.now() - started) / 1_000;
  return meters.map((meter) => {
    const { worker } = meter.used();
    return worker === undefined ? null : rounded((worker / seconds) * 100, 2);
  });
}
