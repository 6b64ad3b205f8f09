/** What an operator and an orchestrator can see of a worker, and that starting and stopping leave nothing behind. */
import { createServer } from 'node:http';
import { type AddressInfo, connect as connectTo } from 'node:net';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { expect, it, vi } from 'vitest';
import { ConfigurationError, UnavailableError } from '../../src/lib/errors.ts';
import { freePort, startNats } from '../../src/servers/index.ts';
import { startWorker } from '../../src/workers/process/worker.ts';
import { figuresOf, readOperations } from '../support/operations.ts';
import { NO_SWEEPS, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();

it('says that it lives, that it is ready, and what it counts', async () => {
  const space = system.space({ sweepOverdueMs: 86_400_000 });
  const { healthUrl } = await space.worker({ httpPort: 0 });
  const agent = await space.agent('ann');
  await agent.decide('commons', { type: 'SubmitTask', taskId: 't', objective: 'o' });
  await agent.decide('commons', { type: 'ClaimTask', taskId: 'none' });
  await agent.sendRaw(`${space.ns}.decisions.0.commons.ann`, 'rubbish');
  await agent.sendRaw(
    `${space.ns}.decisions.${agent.shardOf('commons')}.commons.ann`,
    '{"id":"n1","type":"Nonsense"}',
  );
  await space.applied();

  expect(await (await fetch(`${healthUrl}/livez`)).text()).toBe('ok\n');
  await until('it to be ready', async () => (await fetch(`${healthUrl}/readyz`)).ok);
  expect(await (await fetch(`${healthUrl}/readyz`)).json()).toEqual({ ready: true, reasons: [] });
  await until('the first sweep', async () => {
    const text = await (await fetch(`${healthUrl}/metrics`)).text();
    return /converge_sweeps_total\{result="succeeded"\} [1-9]/.test(text);
  });
  const response = await fetch(`${healthUrl}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain');
  const text = await response.text();
  for (const line of [
    'converge_decisions_total{type="SubmitTask",status="accepted",code=""} 1',
    'converge_decisions_total{type="ClaimTask",status="rejected",code="task_not_found"} 1',
    'converge_decisions_total{type="unknown",status="rejected",code="unknown_type"} 1',
    'converge_dead_letters_total 1',
    'converge_events_total 1',
    'converge_handler_faults_total 0',
    'converge_shards_held 2',
    'converge_live_tasks 1',
    'converge_shard_halted{shard="0"} 0',
    'converge_shard_halted{shard="1"} 0',
    'converge_own_sweeps_total 0',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
  const registered = [...text.matchAll(/^# TYPE (converge_\w+) /gm)].map(([, name]) => name);
  expect(figuresOf(await readOperations()).toSorted()).toEqual(registered.toSorted());
  const age = Number(/^converge_last_sweep_age_seconds (\S+)$/m.exec(text)?.[1]);
  expect(age).toBeGreaterThanOrEqual(0);
  expect(age).toBeLessThan(100);
});

it('with a token, everything but /livez wants to be shown it', async () => {
  const httpToken = 'a-token-of-some-length';
  const { healthUrl } = await system.space(NO_SWEEPS).worker({ httpPort: 0, httpToken });
  const status = async (path: string, authorization?: string): Promise<number> =>
    (await fetch(`${healthUrl}${path}`, { headers: authorization === undefined ? {} : { authorization } }))
      .status;
  expect(await status('/livez')).toBe(200);
  for (const path of ['/readyz', '/metrics', '/none']) {
    expect(await status(path)).toBe(401);
    expect(await status(path, 'Bearer another-token-entirely')).toBe(401);
    expect(await status(path, httpToken)).toBe(401);
  }
  expect(await status('/metrics', `Bearer ${httpToken}`)).toBe(200);
  expect(await status('/none', `Bearer ${httpToken}`)).toBe(404);
});

it('off loopback nothing but /livez answers without a token', async () => {
  const { healthUrl } = await system.space(NO_SWEEPS).worker({ httpPort: 0, httpHost: '0.0.0.0' });
  expect((await fetch(`${healthUrl}/livez`)).status).toBe(200);
  const refused = await fetch(`${healthUrl}/metrics`);
  expect(refused.status).toBe(401);
  expect(await refused.text()).toContain('CONVERGE_HTTP_TOKEN');
});

it('answers nothing else', async () => {
  const { healthUrl } = await system.space(NO_SWEEPS).worker({ httpPort: 0 });
  expect((await fetch(`${healthUrl}/`)).status).toBe(404);
  expect((await fetch(`${healthUrl}/livez`, { method: 'POST' })).status).toBe(405);
});

it('is not ready without Redis, and its figures can be had all the same', async () => {
  const space = system.space(NO_SWEEPS);
  const worker = await space.worker({ httpPort: 0 });
  await until('it to be ready', () => worker.notReady().length === 0);
  await system.servers.redis.kill();
  try {
    await until('it to say so', async () => (await fetch(`${worker.healthUrl}/readyz`)).status === 503);
    const response = await fetch(`${worker.healthUrl}/metrics`, { signal: AbortSignal.timeout(5_000) });
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/^converge_shards_held \d$/m);
    expect((await fetch(`${worker.healthUrl}/livez`)).status).toBe(200);
  } finally {
    await system.servers.redis.restart();
  }
  await until('it to be ready again', () => worker.notReady().length === 0);
});

it('that cannot have its port does not start, and holds nothing', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  system.onEndOfTest(() => new Promise((resolve) => other.close(resolve)));
  const { port } = other.address() as AddressInfo;
  const space = system.space({ ...NO_SWEEPS, leaseMs: 60_000 });
  await expect(space.worker({ httpPort: port })).rejects.toThrow('EADDRINUSE');
  expect(await system.redis.keys(`${space.ns}:{?}:r:lease`)).toEqual([]);
  expect(await system.redis.zcard(`${space.ns}:{system}:workers`)).toBe(0);
  const next = await space.worker();
  expect(next.shards).toEqual([0, 1]);
});

it('that finds no Redis or no NATS says which, and does not wait for ever', async () => {
  const space = system.space(NO_SWEEPS);
  const nowhere = await freePort();
  await expect(
    startWorker(space.config({ redisUrl: `redis://127.0.0.1:${nowhere}`, logLevel: 'silent' })),
  ).rejects.toThrow(UnavailableError);
  await expect(
    startWorker(space.config({ natsUrl: `nats://127.0.0.1:${nowhere}`, logLevel: 'silent' })),
  ).rejects.toThrow(/NATS does not answer/);
});

it('with another number of shards than the system was created with does not start', async () => {
  const space = system.space(NO_SWEEPS);
  await space.worker();
  await expect(space.worker({ shards: 3 })).rejects.toThrow(ConfigurationError);
});

it('on a NATS server that takes only small messages does not start', async () => {
  const env = { ...process.env, CONVERGE_NATS_URL: undefined };
  const dataDir = join(system.dataDir, 'small');
  const nats = await startNats({ dataDir, env, maxPayloadBytes: 65_536 });
  system.onEndOfTest(() => nats.stop());
  const starting = system.space(NO_SWEEPS).worker({ natsUrl: nats.url });
  await expect(starting).rejects.toThrow(ConfigurationError);
  await expect(starting).rejects.toThrow('max_payload');
});

it('stopped twice stops once', async () => {
  const worker = await system.space(NO_SWEEPS).worker({ httpPort: 0 });
  await Promise.all([worker.stop(), worker.stop()]);
  await expect(fetch(`${worker.healthUrl}/livez`)).rejects.toThrow();
  expect(worker.shards).toEqual([]);
  expect(worker.notReady()).toContain('stopping');
});

/** The answer's status to a request with this Host; rebinding cannot be tried with fetch, which sets it itself. */
async function statusFor(url: string, path: string, host: string, headers = ''): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connectTo(Number(port), hostname.replace(/^\[|\]$/g, ''));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers}Connection: close\r\n\r\n`);
  const answer = await textOf(socket);
  return answer.split(' ')[1] ?? answer;
}

it('answers nobody who calls it by a name that it does not have: a page that rebinds its own name reads nothing', async () => {
  const { healthUrl = '' } = await system
    .space()
    .worker({ httpPort: 0, httpHosts: 'metrics.internal, other' });
  for (const path of ['/metrics', '/readyz']) {
    for (const host of [
      'evil.example',
      'evil.example:80',
      '',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
    ]) {
      expect(await statusFor(healthUrl, path, host), `${path} as ${host}`).toMatch(/^4(21|00)$/);
    }
    for (const host of [
      'localhost',
      '127.0.0.1:99',
      '[::1]:1',
      'METRICS.internal',
      'other:9100',
      'localhost.',
    ]) {
      expect(await statusFor(healthUrl, path, host), `${path} as ${host}`).toMatch(/^(200|503)$/);
    }
  }
  expect(await statusFor(healthUrl, '/livez', 'evil.example')).toBe('200');
});

it('who shows the token may call it by any name', async () => {
  const httpToken = 'a-token-of-some-length';
  const { healthUrl = '' } = await system.space().worker({ httpPort: 0, httpToken });
  const bearer = `Authorization: Bearer ${httpToken}\r\n`;
  expect(await statusFor(healthUrl, '/metrics', 'metrics.example', bearer)).toBe('200');
  expect(await statusFor(healthUrl, '/metrics', 'metrics.example')).toBe('401');
});

it.each(['', 'GET /livez HT', 'GET /livez HTTP/1.1\r\nHost: localhost\r\n'])(
  'holds no socket for a request that does not come to its end: %j',
  async (half) => {
    const { healthUrl = '' } = await system.space().worker({ httpPort: 0 });
    const socket = connectTo(Number(new URL(healthUrl).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(half);
    const started = performance.now();
    await textOf(socket).catch(() => '');
    expect(performance.now() - started).toBeLessThan(12_000);
  },
);

it('says where it is in a form that can be used, on IPv6 too', async () => {
  const { healthUrl = '' } = await system.space().worker({ httpPort: 0, httpHost: '::1' });
  expect(healthUrl).toMatch(/^http:\/\/\[::1\]:\d+$/);
  expect((await fetch(`${healthUrl}/livez`)).status).toBe(200);
  expect((await fetch(`${healthUrl}/metrics`)).status).toBe(200);
});
