/** Which workers live, for a program that has not looked before: those whose heartbeats move while it watches. */

import { sleep } from '../lib/timers.ts';
import { greatest } from '../protocol/lists.ts';
import { systemKeys } from './keys.ts';
import { parseHeartbeat, workerNameOf } from './lease.ts';
import type { Redis } from './redis.ts';

const LOOK_AGAIN_MS = 100;
/** Of a heartbeat that does not say how long its worker's leases last. */
const DEFAULT_LEASE_MS = 3_000;

/** Their names. Takes no time if there are no heartbeats, and at most the longest lease if a worker died. */
export async function liveWorkers(
  redis: Redis,
  namespace: string,
  { one = false }: { /** Be content with the first that is seen. */ readonly one?: boolean } = {},
): Promise<string[]> {
  const { heartbeats } = systemKeys(namespace);
  const first = await redis.hgetall(heartbeats);
  const lease = Object.values(first).map((text) => parseHeartbeat(text)?.leaseMs ?? DEFAULT_LEASE_MS);
  const end = performance.now() + (greatest(lease) ?? 0);
  const live = new Set<string>();
  const enough = one ? Math.min(1, lease.length) : lease.length;
  while (live.size < enough && performance.now() < end) {
    await sleep(LOOK_AGAIN_MS);
    const now = await redis.hgetall(heartbeats);
    for (const [holder, text] of Object.entries(now)) if (first[holder] !== text) live.add(holder);
    for (const holder of live) if (now[holder] === undefined) live.delete(holder);
  }
  return [...live].map(workerNameOf);
}
