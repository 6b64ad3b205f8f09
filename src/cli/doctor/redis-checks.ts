/** Redis: is it there, may it throw away state, and what does it lose when. */

import { isAtLeast } from '../../lib/is-at-least.ts';
import { withoutCredentials } from '../../servers/given-server.ts';
import type { ServerAnswer } from '../../servers/server-answer.ts';
import type { Redis } from '../../state/redis.ts';
import { stateDurability } from '../../state/state-durability.ts';
import { formatBytes } from '../durations.ts';
import { type Check, fail, ok, warn } from './check.ts';

/** The oldest that is tested with. */
const OLDEST = '6.2.0';

type Figures = ReadonlyMap<string, string>;

export function redisCheck({ product, version, ready }: ServerAnswer, url: string): Check {
  const detail = `${product} ${version} at ${withoutCredentials(url)}`;
  if (!ready) return fail('redis', `${detail} is still loading its data`);
  if (!isAtLeast(version, OLDEST))
    return warn('redis', `${detail}; it is older than the oldest tested version (${OLDEST})`);
  return ok('redis', detail);
}

export async function redisStateChecks(redis: Redis): Promise<Check[]> {
  const figures = figuresOf(await redis.info());
  return [roleCheck(figures), evictionCheck(figures), await durabilityCheck(redis, figures)].flat();
}

function roleCheck(figures: Figures): Check[] {
  const role = figures.get('role');
  return role === 'slave' || role === 'replica'
    ? [fail('redis-role', 'this is a replica: commits need the primary')]
    : [];
}

/** State that was evicted is missing in the middle: the shard no longer is what its log made of it. */
function evictionCheck(figures: Figures): Check {
  const name = 'redis-eviction';
  const used = Number(figures.get('used_memory') ?? 0);
  const most = Number(figures.get('maxmemory') ?? 0);
  const policy = figures.get('maxmemory_policy') ?? 'unknown';
  const memory = `${formatBytes(used)} used${most === 0 ? '' : ` of ${formatBytes(most)}`}`;
  if (policy !== 'noeviction') {
    const evicted = Number(figures.get('evicted_keys') ?? 0);
    const already = evicted === 0 ? '' : ` and has evicted ${evicted} keys`;
    return fail(name, `maxmemory-policy is ${policy}${already}: state may vanish; set it to noeviction`);
  }
  if (most > 0 && used > most * 0.9)
    return warn(name, `noeviction, ${memory}: nearly full, then commits fail`);
  return ok(name, `noeviction, ${memory}`);
}

/** The log is the truth: what Redis loses is made again from it, which takes time. */
async function durabilityCheck(redis: Redis, figures: Figures): Promise<Check> {
  const name = 'redis-durability';
  const { appendonly, appendfsync } = await stateDurability(redis);
  if (appendonly !== 'yes') {
    return warn(
      name,
      'appendonly no: after a restart Redis is empty or holds an old copy, and the log is applied again from there',
    );
  }
  if (figures.get('aof_last_write_status') === 'err') {
    return fail(name, 'the append-only file cannot be written: is the disk full?');
  }
  const loss = {
    always: '; process crash: nothing lost; power loss: nothing lost',
    everysec: '; process crash: nothing lost; power loss: about a second, applied again from the log',
    no: '; process crash: nothing lost; power loss: the writes that the system had not synced, applied again from the log',
    unknown: '',
  };
  return ok(name, `appendonly yes, appendfsync ${appendfsync}${loss[appendfsync]}`);
}

function figuresOf(info: string): Figures {
  const figures = new Map<string, string>();
  for (const line of info.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) figures.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return figures;
}
