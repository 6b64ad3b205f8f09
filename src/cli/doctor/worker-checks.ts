/** The workers: does anyone live, does anyone answer, does anyone sweep. */
import type { QueryClient } from '../../bus/query-client.ts';
import { messageOf } from '../../lib/errors.ts';
import { isObject } from '../../protocol/json.ts';
import { systemKeys } from '../../state/keys.ts';
import type { Redis } from '../../state/redis.ts';
import { formatDuration } from '../durations.ts';
import { type Check, fail, ok, warn } from './check.ts';

const ANSWER_WITHIN_MS = 2_000;
const OLD_SWEEP_MS = 10_000;
const MOST_NAMED = 5;

/** Time by the server's clock: this machine's may differ. */
export async function redisNow(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

export function workersCheck(workers: readonly string[]): Check {
  if (workers.length === 0)
    return fail('workers', 'none is running: decisions wait in the log until one is (converge worker)');
  const named = workers.slice(0, MOST_NAMED).join(', ');
  const others = workers.length - MOST_NAMED;
  return ok('workers', `${workers.length} alive: ${named}${others > 0 ? ` and ${others} more` : ''}`);
}

/** The whole way of a query: NATS, a worker, Redis, and back. */
export async function queriesCheck(queries: QueryClient): Promise<Check> {
  const started = performance.now();
  try {
    await queries.ask('pools-of-agent', { agent: 'doctor' }, { timeoutMs: ANSWER_WITHIN_MS });
    return ok('queries', `answered in ${formatDuration(performance.now() - started)}`);
  } catch (error) {
    return fail('queries', messageOf(error));
  }
}

export async function sweepCheck(redis: Redis, namespace: string, now: number): Promise<Check> {
  const at = timeOf(await redis.get(systemKeys(namespace).lastSweep));
  if (at === undefined)
    return warn('last-sweep', 'there was none yet: nothing expires and no claim goes back');
  const age = Math.max(0, now - at);
  const detail = `${formatDuration(age)} ago`;
  return age > OLD_SWEEP_MS
    ? warn('last-sweep', `${detail}: is a worker running, is BullMQ stuck?`)
    : ok('last-sweep', detail);
}

function timeOf(json: string | null): number | undefined {
  if (json === null) return undefined;
  const sweep: unknown = JSON.parse(json);
  return isObject(sweep) && typeof sweep.at === 'number' ? sweep.at : undefined;
}
