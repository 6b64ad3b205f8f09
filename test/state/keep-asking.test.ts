import { expect, it } from 'vitest';
import { connectForReads, keepAsking, openRedis } from '../../src/state/redis.ts';
import { useSystem } from '../support/system.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const system = useSystem();

it('a connection that died while nobody used it is another one by the time it is needed', async () => {
  const proxy = await TcpProxy.start(system, system.servers.redis.url);
  const redis = connectForReads(proxy.url, { answerWithinMs: 200 });
  keepAsking(redis, 20);
  system.onEndOfTest(async () => redis.disconnect());
  await openRedis(redis);
  let connections = 1;
  redis.on('ready', () => connections++);
  proxy.strandConnections();
  await until('a new connection', () => connections > 1);
  expect(await redis.ping()).toBe('PONG');
});
