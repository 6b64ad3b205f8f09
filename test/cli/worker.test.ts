import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemKeys } from '../../src/state/keys.ts';
import { ownersOf } from '../support/owners.ts';
import { jsonOf, type Started, useConverge } from './command.ts';
import { SHARDS, useServers } from './servers.ts';

const servers = useServers();
const converge = useConverge(() => ({ ...servers.env, CONVERGE_SHARDS: String(SHARDS) }));
const ALL_SHARDS = Array.from({ length: SHARDS }, (_, shard) => shard);
let redis: Redis;

beforeAll(() => {
  redis = new Redis(servers.running.redis.url);
});

afterAll(() => redis.disconnect());

async function owners(namespace: string): Promise<(string | null)[]> {
  return await ownersOf(redis, namespace, SHARDS);
}

async function worker(namespace: string, ...args: string[]): Promise<Started> {
  const started = converge.start(['worker', '--json', '--namespace', namespace, ...args]);
  await started.json();
  return started;
}

it('says on stdout who it is and what it works on, and logs JSON on stderr', async () => {
  const started = await worker('said', '--id', 'w-1');
  const [summary] = await started.json();
  expect(summary).toEqual({ id: 'w-1', health: expect.stringMatching(/^http:\/\/127/), shards: ALL_SHARDS });
  expect(await (await fetch(`${summary.health}/readyz`)).json()).toEqual({ ready: true, reasons: [] });
  const logged = started.stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(logged).toContainEqual(expect.objectContaining({ worker: 'w-1', msg: 'worker started' }));
});

it.each(['SIGTERM', 'SIGINT'] as const)('on %s it gives its shards back and ends with 0', async (signal) => {
  const namespace = `stopped-${signal}`;
  const started = await worker(namespace, '--id', 'w-1');
  expect(await owners(namespace)).toEqual(ALL_SHARDS.map(() => 'w-1'));
  started.signal(signal);
  expect(await started.ended).toMatchObject({ code: 0, signal: null });
  expect(await owners(namespace)).toEqual(ALL_SHARDS.map(() => null));
  expect(await redis.hlen(systemKeys(namespace).heartbeats)).toBe(0);
});

it('goes on when nobody reads what it said', async () => {
  const started = await worker('unread', '--log-level', 'silent');
  started.closeStdout();
  const args = ['publish', 'p', 'CreatePool', '--namespace', 'unread'];
  expect(await converge(args)).toMatchObject({ code: 0 });
  expect(started.hasEnded).toBe(false);
});

it('refuses another number of shards than the system was created with', async () => {
  await worker('fixed');
  const ended = await converge(['worker', '--namespace', 'fixed', '--shards', String(SHARDS + 1)]);
  expect(ended).toMatchObject({ code: 78, stdout: '' });
  expect(ended.stderr).toContain(`was created with ${SHARDS} shards, the configuration says ${SHARDS + 1}`);
});

it('what it made of the log, rebuild makes again, with the same digest', async () => {
  const ns = ['--namespace', 'rebuilt'];
  const started = await worker('rebuilt');
  for (const pool of ['p', 'q', 'r']) {
    const stdin =
      '{"type":"CreatePool"}\n{"type":"SubmitTask","taskId":"t","objective":"o"}\n{"type":"CreatePool"}';
    expect(await converge(['publish', pool, '--stdin', ...ns], { stdin })).toMatchObject({ code: 3 });
  }
  started.signal('SIGTERM');
  await started.ended;

  const before = jsonOf(await converge(['digest', '--json', ...ns]));
  const refused = await converge(['rebuild', ...ns]);
  expect(refused).toMatchObject({ code: 78, stdout: '' });
  expect(refused.stderr).toContain('--force');
  const rebuilt = await converge(['rebuild', '--force', '--json', ...ns]);
  expect(rebuilt.code).toBe(0);
  const { digest, shards } = jsonOf(rebuilt);
  expect(digest).toBe(before.digest);
  expect(shards).toHaveLength(SHARDS);
});
