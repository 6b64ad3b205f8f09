/** A worker with a hundred thousand live tasks is killed: how long until the next one answers, and what does it hold? */
import { z } from 'zod';
import { ConvergeSystem, stateOf } from '../../sides/converge.ts';
import type { BenchChild } from '../../support/child.ts';
import { roundedSpread } from '../../support/rounds.ts';
import type { BenchServers } from '../../support/servers.ts';
import { median, rounded, type Spread } from '../../support/stats.ts';
import { Stops } from '../../support/stops.ts';
import type { SectionContext } from '../section.ts';

export interface TakeOverResult {
  readonly how: string;
  readonly liveTasks: number;
  readonly takeOvers: number;
  /** From when the successor has the lease until the shard is loaded, as it logs itself. */
  readonly loadMs: Spread;
  /** From the kill to the outcome of a decision that was sent at that moment; the lease has to lapse first. */
  readonly killToOutcomeMs: Spread;
  readonly leaseMs: number;
  readonly memory: {
    readonly how: string;
    readonly heapBytesPerLiveTask: number;
    readonly rssBytesPerLiveTask: number;
  };
}

const LEASE_MS = 3_000;
const POOL = 'live';
const memorySchema = z.object({ heapUsed: z.number(), rss: z.number(), collected: z.literal(true) });

export async function takeOver(servers: BenchServers, context: SectionContext): Promise<TakeOverResult> {
  const { plan, say } = context;
  await using stops = new Stops();
  const system = stops.add(
    await ConvergeSystem.start({
      servers,
      namespace: 'takeover',
      shards: 1,
      config: { leaseMs: LEASE_MS },
      execArgv: ['--expose-gc'],
      agents: ['owner'],
    }),
  );
  await system.prepare([POOL]);
  await system.submit(POOL, plan.liveTasks);
  const found: Taken[] = [];
  for (let i = 0; i < plan.takeOvers; i++) {
    found.push(await once(system));
    say(
      `take-over: loaded in ${found.at(-1)?.loadMs} ms, answered after ${Math.round(found.at(-1)?.wholeMs ?? 0)} ms`,
    );
  }
  const perTask = (of: (taken: Taken) => number): number =>
    rounded(median(found.map(of)) / plan.liveTasks, 3);
  return {
    how: 'kill -9 of the worker that has the shard, while another one stands by',
    liveTasks: plan.liveTasks,
    takeOvers: found.length,
    loadMs: roundedSpread(found.map(({ loadMs }) => loadMs)),
    killToOutcomeMs: roundedSpread(found.map(({ wholeMs }) => wholeMs)),
    leaseMs: LEASE_MS,
    memory: {
      how: 'the successor after a full collection, with all of them, less the same process before it had any',
      heapBytesPerLiveTask: perTask(({ heapBytes }) => heapBytes),
      rssBytesPerLiveTask: perTask(({ rssBytes }) => rssBytes),
    },
  };
}

interface Taken {
  readonly loadMs: number;
  readonly wholeMs: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
}

async function once(system: ConvergeSystem): Promise<Taken> {
  const successor = await system.addWorker();
  await system.balanced();
  const before = await memoryOf(successor);
  const owner = system.workers.find((worker) => worker !== successor);
  if (owner === undefined) throw new Error('there is nobody to take over from');
  await system.kill(owner);
  const { tookMs } = await system.publisher.call(
    'probe',
    { pools: [POOL] },
    z.object({ tookMs: z.number() }),
  );
  const { loads } = await stateOf(successor);
  const after = await memoryOf(successor);
  return {
    loadMs: loads.at(-1) ?? Number.NaN,
    wholeMs: tookMs,
    heapBytes: after.heapUsed - before.heapUsed,
    rssBytes: after.rss - before.rss,
  };
}

async function memoryOf(worker: BenchChild): Promise<z.output<typeof memorySchema>> {
  return await worker.call('memory', {}, memorySchema);
}
