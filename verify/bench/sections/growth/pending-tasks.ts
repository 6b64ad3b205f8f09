/** Do a hundred thousand waiting tasks slow down who asks for one? */
import type { z } from 'zod';
import { ConvergeSystem } from '../../sides/converge.ts';
import { timesSchema } from '../../support/request-times.ts';
import type { BenchServers } from '../../support/servers.ts';
import { percentiles, rounded } from '../../support/stats.ts';
import { Stops } from '../../support/stops.ts';
import type { SectionContext } from '../section.ts';

export interface RequestTimes {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface PendingTasksResult {
  readonly how: string;
  readonly pendingTasks: { readonly few: number; readonly many: number };
  readonly requests: number;
  readonly pendingTasksQuery: { readonly few: RequestTimes; readonly many: RequestTimes };
  readonly claimNext: { readonly few: RequestTimes; readonly many: RequestTimes };
}

const PLACES = [
  { pool: 'few', agent: 'of-few' },
  { pool: 'many', agent: 'of-many' },
] as const;

export async function pendingTasks(
  servers: BenchServers,
  context: SectionContext,
): Promise<PendingTasksResult> {
  const { plan, say } = context;
  await using stops = new Stops();
  const agents = PLACES.map(({ agent }) => agent);
  const system = stops.add(await ConvergeSystem.start({ servers, namespace: 'pending', agents }));
  for (const { pool, agent } of PLACES) {
    await system.prepare([pool], [agent]);
    await system.submit(pool, plan.pendingTasks[pool]);
  }
  say(`${plan.pendingTasks.many} tasks are pending`);
  const times = async (name: string, requests: number): Promise<z.output<typeof timesSchema>> =>
    await system.publisher.call(
      name,
      { requests, places: PLACES, limit: plan.pendingTasks.few },
      timesSchema,
    );
  const warmUp = Math.ceil(plan.requests / 5);
  await times('pendingTasksTimes', warmUp);
  await times('claimNextTimes', warmUp);
  const query = await times('pendingTasksTimes', plan.requests);
  const claim = await times('claimNextTimes', plan.requests);
  return {
    how: `one request at a time, to both in turn; pages of ${plan.pendingTasks.few} tasks for both; what was claimed is released between`,
    pendingTasks: plan.pendingTasks,
    requests: plan.requests,
    pendingTasksQuery: { few: timesOf(query.few), many: timesOf(query.many) },
    claimNext: { few: timesOf(claim.few), many: timesOf(claim.many) },
  };
}

function timesOf(times: readonly number[] = []): RequestTimes {
  const { p50, p99 } = percentiles(times);
  return { p50Ms: rounded(p50, 3), p99Ms: rounded(p99, 3) };
}
