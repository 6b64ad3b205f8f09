/**
 * The users of Redis: one for the workers' own commands on their keys, one for BullMQ's on its own. Passwords stand in
 * the file as digests.
 */
import { createHash } from 'node:crypto';

export const REDIS_WORKER = 'converge-worker';
export const REDIS_BULLMQ = 'converge-bullmq';

export interface RedisPasswords {
  readonly worker: string;
  readonly bullmq: string;
}

/** Commands by which a connection introduces itself and queries the server. */
const CONNECTION = words('auth hello ping quit select client|setname info time');

/** Leases, commits, outbox, queries, snapshots, `digest`, `rebuild` and `doctor`. */
const WORKER = words(`
  get set del unlink exists type scan pexpire
  hget hmget hgetall hset hdel hlen hstrlen hvals hkeys hscan hincrby hexists
  rpush ltrim lrange llen lindex
  zadd zrem zcard zlexcount zrange zrangebyscore zrangebylex zremrangebyscore zscan
  eval evalsha config|get`);

/** Commands of BullMQ's scripts, and of its classes outside of them. */
const BULLMQ = words(`
  get set del unlink exists type scan incr incrby persist pexpire pexpireat pttl rename
  hget hmget hgetall hset hmset hdel hlen hincrby hexists hscan
  lindex llen lpop lpush rpush lrange lrem lset ltrim lpos rpop rpoplpush
  sadd srem smembers sismember scard sscan
  zadd zrem zcard zcount zlexcount zscore zrange zrevrange zrangebylex zrangebyscore zrevrangebyscore
  zpopmin bzpopmin zremrangebyrank zremrangebyscore
  xadd xdel xlen xrange xread xtrim
  eval evalsha multi exec`);

/** The text of a Redis `aclfile`. Nobody gets in without a name: the default user is off. */
export function redisAcl(namespace: string, passwords: RedisPasswords): string {
  return [
    'user default off',
    user(REDIS_WORKER, passwords.worker, `~${namespace}:{*`, [...CONNECTION, ...WORKER]),
    user(REDIS_BULLMQ, passwords.bullmq, `~{${namespace}:bull}:*`, [...CONNECTION, ...BULLMQ]),
    '',
  ].join('\n');
}

function user(name: string, password: string, keys: string, commands: readonly string[]): string {
  const allowed = [...new Set(commands)].map((command) => `+${command}`).join(' ');
  return `user ${name} on #${sha256(password)} resetchannels ${keys} -@all ${allowed}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The URL of a server as one of its users. */
export function redisUrlAs(url: string, name: string, password: string): string {
  const parsed = new URL(url);
  parsed.username = name;
  parsed.password = password;
  return parsed.href;
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
