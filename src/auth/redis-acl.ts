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

/** What a connection says of itself and asks the server; of INFO and CONFIG GET, what tells how durable it is. */
const CONNECTION = ['auth', 'hello', 'ping', 'quit', 'select', 'client|setname', 'info', 'time'];

/** Leases, commits, outbox, queries, `digest`, `rebuild` and `doctor`. */
const WORKER = [
  ...['get', 'mget', 'set', 'getset', 'del', 'unlink', 'exists', 'type', 'scan', 'pexpire', 'pttl'],
  ...['hget', 'hmget', 'hgetall', 'hset', 'hdel', 'hlen', 'hvals', 'hkeys', 'hscan', 'hincrby', 'hexists'],
  ...['rpush', 'lpush', 'lpop', 'rpop', 'lrange', 'llen', 'ltrim', 'lindex'],
  ...[
    'zadd',
    'zrem',
    'zcard',
    'zscore',
    'zrange',
    'zrangebyscore',
    'zrangebylex',
    'zremrangebyscore',
    'zscan',
  ],
  ...['eval', 'evalsha', 'script|load', 'script|exists', 'multi', 'exec', 'config|get'],
];

/** As BullMQ's scripts and connections use them. */
const BULLMQ = [
  ...['get', 'set', 'del', 'exists', 'type', 'expire', 'pexpire', 'pttl', 'incr', 'incrby', 'decr', 'rename'],
  ...[
    'hget',
    'hmget',
    'hgetall',
    'hset',
    'hsetnx',
    'hmset',
    'hdel',
    'hlen',
    'hincrby',
    'hexists',
    'hkeys',
    'hvals',
  ],
  ...[
    'lpush',
    'rpush',
    'lpop',
    'rpop',
    'lrange',
    'llen',
    'lrem',
    'ltrim',
    'lpos',
    'lindex',
    'rpoplpush',
    'lmove',
  ],
  ...['blmove', 'brpoplpush', 'linsert'],
  ...[
    'zadd',
    'zrem',
    'zcard',
    'zcount',
    'zscore',
    'zrange',
    'zrevrange',
    'zrangebyscore',
    'zrevrangebyscore',
  ],
  ...['zrangebylex', 'zrank', 'zpopmin', 'zpopmax', 'bzpopmin', 'zremrangebyrank', 'zremrangebyscore'],
  ...['sadd', 'srem', 'smembers', 'sismember', 'scard', 'xadd', 'xtrim', 'xlen'],
  ...['eval', 'evalsha', 'script|load', 'script|exists', 'multi', 'exec', 'scan'],
];

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
