/** The clocks: do they agree, is one of them wrong, and is the time of a shard ahead. */
import { messageOf } from '../../lib/errors.ts';
import { systemKeys } from '../../state/keys.ts';
import { parseHeartbeat, workerNameOf } from '../../state/lease.ts';
import type { Redis } from '../../state/redis.ts';
import { WRONG_FROM_MS } from '../../workers/time/agree.ts';
import { AHEAD_BOUND_MS } from '../../workers/time/log-time.ts';
import { trueTimeNow } from '../clock/true-time.ts';
import { formatDuration } from '../durations.ts';
import { type Check, fail, ok, shardList, warn } from './check.ts';

export interface Clocks {
  readonly check: Check;
  /** The true time; undefined where the clocks do not agree. */
  readonly now: number | undefined;
}

export async function clockCheck(
  redis: Redis,
  redisUrl: string,
  namespace: string,
  live: readonly string[],
): Promise<Clocks> {
  try {
    const now = await trueTimeNow(redis, redisUrl, namespace);
    const heartbeats = Object.entries(await redis.hgetall(systemKeys(namespace).heartbeats));
    const seen = heartbeats.flatMap(([holder, text]) => {
      const worker = workerNameOf(holder);
      const skews = live.includes(worker) ? parseHeartbeat(text)?.skews : undefined;
      return Object.entries(skews ?? {}).flatMap(([clock, ms]) =>
        ms === undefined ? [] : [{ clock: clock === 'worker' ? `worker ${worker}` : clock, ms }],
      );
    });
    return { now, check: skewCheck(seen) };
  } catch (error) {
    return { now: undefined, check: fail('clocks', messageOf(error)) };
  }
}

function skewCheck(seen: readonly { readonly clock: string; readonly ms: number }[]): Check {
  const furthest = new Map<string, number>();
  for (const { clock, ms } of seen) {
    if (Math.abs(ms) >= Math.abs(furthest.get(clock) ?? 0)) furthest.set(clock, ms);
  }
  const said = [...furthest].map(([clock, ms]) => `${clock} ${side(ms)}`);
  const detail = said.length === 0 ? 'those that can be read agree' : said.join(', ');
  const isWrong = [...furthest].some(
    ([clock, ms]) => Math.abs(ms) > (clock === 'log' ? AHEAD_BOUND_MS : WRONG_FROM_MS),
  );
  if (isWrong) return fail('clocks', `${detail}: docs/operations.md says what to do`);
  const isOff = [...furthest.values()].some((ms) => Math.abs(ms) > WRONG_FROM_MS);
  return isOff ? warn('clocks', detail) : ok('clocks', detail);
}

function side(ms: number): string {
  if (Math.abs(ms) < 10) return 'right';
  return `${formatDuration(Math.abs(ms))} ${ms > 0 ? 'ahead' : 'behind'}`;
}

/** A shard whose time is ahead lets nothing expire until that time has come. */
export function shardTimeCheck(
  times: readonly { readonly shard: number; readonly at: number }[],
  now: number,
): Check {
  const ahead = times.filter(({ at }) => at - now > AHEAD_BOUND_MS);
  if (ahead.length === 0) return ok('shard-times', 'no shard is ahead of the true time');
  const most = ahead.reduce((far, { at }) => Math.max(far, at - now), 0);
  const shards = shardList(ahead.map(({ shard }) => shard));
  return fail(
    'shard-times',
    `the time of ${shards} is up to ${formatDuration(most)} ahead: nothing expires until then (converge clock distrust --whole --dry-run)`,
  );
}
