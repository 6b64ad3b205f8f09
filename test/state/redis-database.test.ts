/** State goes into the database that the URL names, or nowhere. */
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/lib/errors.ts';
import { connectForBullMq, connectForCommits, connectForReads, openRedis } from '../../src/state/redis.ts';
import { startWorker } from '../../src/workers/process/worker.ts';
import { useSystem } from '../support/system.ts';

const system = useSystem();
const KINDS = { commits: connectForCommits, reads: connectForReads, bullMq: connectForBullMq };

describe.each(Object.entries(KINDS))('a connection for %s', (_name, connect) => {
  it('refuses a database that the server does not have, and writes nothing anywhere', async () => {
    const before = await system.redis.dbsize();
    const redis = connect(`${system.servers.redis.url}/99`);
    await expect(openRedis(redis)).rejects.toThrow(ConfigurationError);
    await expect(redis.set('stray', '1')).rejects.toThrow();
    expect(await system.redis.dbsize()).toBe(before);
  });

  it('refuses one that is no number', () => {
    for (const path of ['/x', '/1x', '/-1', '/1/2', '/%31']) {
      expect(() => connect(`${system.servers.redis.url}${path}`), path).toThrow(ConfigurationError);
    }
  });

  it('and its copies stay in one that there is', async () => {
    const redis = await openRedis(connect(`${system.servers.redis.url}/7`));
    const copy = redis.duplicate();
    try {
      for (const [i, each] of [redis, copy].entries()) {
        if (each === copy) await copy.connect();
        await each.set(`kept-${i}`, '1');
        expect(await each.dbsize()).toBe(i + 1);
      }
      expect(await system.redis.exists('kept-0', 'kept-1')).toBe(0);
      await redis.flushdb();
    } finally {
      redis.disconnect();
      copy.disconnect();
    }
  });

  it('a copy never works in another one than the original was given', async () => {
    const redis = connect(`${system.servers.redis.url}/7`);
    const copy = redis.duplicate({ db: 99 });
    const before = await system.redis.dbsize();
    await expect(openRedis(copy)).rejects.toThrow(/no database 99/);
    expect(await system.redis.dbsize()).toBe(before);
    redis.disconnect();
  });
});

it('a worker does not start on it', async () => {
  const config = system.space().config({ redisUrl: `${system.servers.redis.url}/99` });
  await expect(startWorker(config)).rejects.toThrow(/Redis has no database 99/);
});
