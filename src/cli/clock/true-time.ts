/** Finds the true time for a command: by the clocks of this machine, Redis and the workers. */
import { UnavailableError } from '../../lib/errors.ts';
import { sleep } from '../../lib/timers.ts';
import { systemKeys } from '../../state/keys.ts';
import type { Redis } from '../../state/redis.ts';
import { type Agreement, agree, type Reading } from '../../workers/time/agree.ts';
import { whereIs } from '../../workers/time/machine.ts';
import { Movement } from '../../workers/time/movement.ts';
import { machineOf } from '../../workers/time/server-machines.ts';
import { clocksOf } from '../../workers/time/worker-clocks.ts';

const LOOKS = 8;
const LOOK_MS = 200;

/** Milliseconds since the epoch. Throws where the clocks do not agree. */
export async function trueTimeNow(redis: Redis, redisUrl: string, namespace: string): Promise<number> {
  const heartbeats = new Movement<string>();
  for (let look = 0; look < LOOKS; look++) {
    const from = performance.now();
    const all = await redis.hgetall(systemKeys(namespace).heartbeats);
    heartbeats.look(new Map(Object.entries(all)), from, performance.now());
    if (Object.keys(all).length === 0) break;
    await sleep(LOOK_MS);
  }
  const own = whereIs();
  const from = performance.now();
  const [seconds, micros] = await redis.time();
  const to = performance.now();
  const time = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  const machine = machineOf(new URL(redisUrl).hostname, own, []);
  const readings: Reading[] = [
    {
      clock: 'this machine',
      machine: own.machine,
      low: Date.now() - performance.now(),
      high: Date.now() - from,
    },
    { clock: 'Redis', machine, low: time - to, high: time + 1 - from },
    ...clocksOf(heartbeats, '', to).map(({ worker, machine: of, wall, notBefore, notAfter }) => ({
      clock: worker,
      machine: of,
      low: wall - notAfter,
      high: wall + 1 - notBefore,
    })),
  ];
  const agreed: Agreement | undefined = agree(readings);
  if (agreed !== undefined) return performance.now() + agreed.offsetMs;
  const shown = readings.map(
    ({ clock, low, high }) => `${clock} ${new Date((low + high) / 2 + performance.now()).toISOString()}`,
  );
  throw new UnavailableError(`the clocks do not agree on the time: ${shown.join(', ')}; correct them first`);
}
