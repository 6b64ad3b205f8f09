/** How long single requests take, one at a time, to pools in turn: what else happens hits every pool alike. */
import { z } from 'zod';
import { isObject } from '../../../src/protocol/json.ts';
import type { Agents } from './agent.ts';

export const requestsSchema = z.object({
  requests: z.int().min(1),
  /** Each pool has one member, and tasks that wait there. */
  places: z.array(z.object({ pool: z.string(), agent: z.string() })).min(1),
  /** Most tasks that an answer may hold: equally many for all, so that it is not the answers that differ. */
  limit: z.int().min(1),
});

type Requests = z.output<typeof requestsSchema>;

/** By pool, in milliseconds. */
export const timesSchema = z.record(z.string(), z.array(z.number()));
export type Times = z.output<typeof timesSchema>;

export async function pendingTasksTimes(agents: Agents, requests: Requests): Promise<Times> {
  return await eachInTurn(requests, async ({ agent }) => {
    const started = performance.now();
    const page = await agents.ask('pending-tasks', { agent, limit: requests.limit });
    const tookMs = performance.now() - started;
    const found = isObject(page) && Array.isArray(page.items) ? page.items.length : 0;
    if (found !== requests.limit) throw new Error(`${agent} was shown ${found} tasks, not ${requests.limit}`);
    return tookMs;
  });
}

/** What was claimed is given back, outside the time that counts. */
export async function claimNextTimes(agents: Agents, run: string, requests: Requests): Promise<Times> {
  let ids = 0;
  return await eachInTurn(requests, async ({ pool, agent }) => {
    const id = `${run}-n-${ids++}`;
    const started = performance.now();
    const outcome = await agents.decide(pool, agent, id, { type: 'ClaimNextTask' });
    const tookMs = performance.now() - started;
    const taskId = claimedTask(outcome);
    if (taskId === undefined) throw new Error(`${agent} claimed nothing in ${pool}: ${outcome}`);
    await agents.decide(pool, agent, `${id}-back`, { type: 'ReleaseTask', taskId });
    return tookMs;
  });
}

async function eachInTurn(
  { requests, places }: Requests,
  request: (place: Requests['places'][number]) => Promise<number>,
): Promise<Times> {
  const times: Record<string, number[]> = {};
  for (let i = 0; i < requests; i++) {
    for (const place of places) {
      const tookMs = await request(place);
      const ofPool = times[place.pool];
      if (ofPool === undefined) times[place.pool] = [tookMs];
      else ofPool.push(tookMs);
    }
  }
  return times;
}

function claimedTask(json: string): unknown {
  const outcome: unknown = JSON.parse(json);
  const tasks = isObject(outcome) && isObject(outcome.data) ? outcome.data.tasks : undefined;
  const [task]: unknown[] = Array.isArray(tasks) ? tasks : [];
  return isObject(task) ? task.taskId : undefined;
}
