import { expect, it } from 'vitest';
import { parseNatsInfo, parseNatsUrl } from '../../src/servers/ask-nats.ts';
import { parseRedisInfo } from '../../src/servers/ask-redis.ts';

it('a Redis tells its version, process and run id', () => {
  const info = '# Server\r\nredis_version:7.0.15\r\nprocess_id:42\r\nrun_id:abc\r\n\r\nloading:0\r\n';
  expect(parseRedisInfo(info)).toEqual({
    product: 'redis-server',
    version: '7.0.15',
    identity: 'abc',
    processId: 42,
    ready: true,
  });
});

it('a Valkey is told apart by its own version', () => {
  const info =
    'redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\nrun_id:abc\r\nprocess_id:1\r\n';
  expect(parseRedisInfo(info)).toMatchObject({ product: 'valkey-server', version: '8.1.0' });
});

it('a Redis that still loads its data is not ready', () => {
  expect(parseRedisInfo('redis_version:7.0.15\r\nrun_id:abc\r\nloading:1\r\n').ready).toBe(false);
});

it('a NATS server tells its version and name', () => {
  expect(parseNatsInfo('INFO {"server_id":"NA","server_name":"mine","version":"2.9.10"}')).toMatchObject({
    product: 'nats-server',
    version: '2.9.10',
    identity: 'mine',
  });
  expect(() => parseNatsInfo('-ERR unknown command')).toThrow();
  expect(() => parseNatsInfo('INFO null')).toThrow();
});

it.each([
  ['nats://127.0.0.1:4333', [{ host: '127.0.0.1', port: 4333 }]],
  ['localhost', [{ host: 'localhost', port: 4222 }]],
  [
    'tls://me:secret@one, nats://[::1]:5',
    [
      { host: 'one', port: 4222 },
      { host: '::1', port: 5 },
    ],
  ],
])('%s is understood as the clients do', (url, addresses) => {
  expect(parseNatsUrl(url)).toEqual(addresses);
});
