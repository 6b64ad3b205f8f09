/** `converge clock`: the way out when the clock of NATS was wrong, on real servers whose clock is moved (rules 3.3 to 3.6). */
import { Redis } from 'ioredis';
import { connect } from 'nats';
import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { shardOf } from '../../src/protocol/shard.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { systemKeys } from '../../src/state/keys.ts';
import { parseConfig } from '../../src/workers/config.ts';
import { type RunningWorker, startWorker } from '../../src/workers/process/worker.ts';
import { CannotSkewError, skewClock } from '../../verify/chaos/system/skew-clock.ts';
import { until } from '../support/until.ts';
import { jsonOf, useConverge } from './command.ts';
import { LITTLE_ROOM, SHARDS, useServers } from './servers.ts';

vi.setConfig({ testTimeout: 300_000 });

const servers = useServers();
const converge = useConverge(() => servers.env);
const YEAR_S = 365 * 24 * 3_600;

async function worker(namespace: string): Promise<RunningWorker> {
  const { natsUrl, redisUrl } = { natsUrl: servers.running.nats.url, redisUrl: servers.running.redis.url };
  const room = { logMaxBytes: LITTLE_ROOM, eventsMaxBytes: LITTLE_ROOM, snapshotsMaxBytes: LITTLE_ROOM };
  const config = parseConfig({ natsUrl, redisUrl, namespace, shards: SHARDS, httpPort: -1, ...room });
  const started = await startWorker(config, { logger: pino({ level: 'silent' }) });
  onTestFinished(() => started.stop());
  return started;
}

/** One Heartbeat to each shard, stamped by a clock that is a year ahead. Answers false where no clock can be moved. */
async function poison(namespace: string): Promise<boolean> {
  const { pid, url } = servers.running.nats;
  const connection = await connect({ servers: url });
  try {
    if (pid === undefined) throw new CannotSkewError('the server is not ours');
    skewClock(pid, YEAR_S);
    try {
      for (const pool of poolsOfAllShards()) {
        const body = JSON.stringify({ id: 'ahead', type: 'Heartbeat' });
        await connection.request(subjects(namespace).decision(pool, 'ann', SHARDS), body, { timeout: 5_000 });
      }
    } finally {
      skewClock(pid, 0);
    }
    return true;
  } catch (error) {
    if (error instanceof CannotSkewError) return false;
    throw error;
  } finally {
    await connection.close();
  }
}

function poolsOfAllShards(): string[] {
  const pools = new Map<number, string>();
  for (let i = 0; pools.size < SHARDS; i++) pools.set(shardOf(`p${i}`, SHARDS), `p${i}`);
  return [...pools.values()];
}

async function decides(namespace: string): Promise<number> {
  const args = ['publish', poolsOfAllShards()[0] ?? '', 'CreatePool', '--json', '--agent', 'ann'];
  const { at } = jsonOf(await converge([...args, '--namespace', namespace]));
  return at;
}

it('a year ahead for a moment: shards wait, doctor says why, distrust lets them go on, and no time was moved', async ({
  skip,
}) => {
  const namespace = 'ahead';
  const running = await worker(namespace);
  if (!(await poison(namespace))) return skip('the clock of a process cannot be moved here');
  await until('the shards to wait', () => running.notReady().some((why) => why.includes('clock_log')));
  expect((await converge(['doctor', '--namespace', namespace])).stdout).toContain('is stamped 3153');
  const shown = jsonOf(
    await converge(['clock', 'distrust', '--dry-run', '--json', '--namespace', namespace]),
  );
  expect(shown).toMatchObject({ said: [], ranges: expect.any(Array) });
  expect(shown.ranges).toHaveLength(SHARDS);
  const said = await converge(['clock', 'distrust', '--json', '--namespace', namespace]);
  expect(said.code).toBe(0);
  expect(jsonOf(said)).toMatchObject({ waiting: [] });
  const at = await decides(namespace);
  expect(Math.abs(at - Date.now())).toBeLessThan(10_000);
  expect(
    jsonOf(await converge(['clock', 'distrust', '--json', '--whole', '--namespace', namespace])).ranges,
  ).toEqual([]);
});

it('a log that was poisoned is mended by distrust --applied and a rebuild', async ({ skip }) => {
  const namespace = 'poisoned';
  const running = await worker(namespace);
  const accepted = new Date(Date.now() + 2 * YEAR_S * 1_000).toISOString();
  expect((await converge(['clock', 'accept', '--until', accepted, '--namespace', namespace])).code).toBe(0);
  const redis = new Redis(servers.running.redis.url);
  onTestFinished(() => redis.disconnect());
  expect(await redis.get(systemKeys(namespace).clockAccepted)).toBe(String(Date.parse(accepted)));
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  if (!(await poison(namespace))) return skip('the clock of a process cannot be moved here');
  expect((await decides(namespace)) - Date.now()).toBeGreaterThan(YEAR_S * 999);
  expect((await converge(['clock', 'accept', '--until', 'off', '--namespace', namespace])).code).toBe(0);
  expect((await converge(['doctor', '--namespace', namespace])).stdout).toMatch(/fail +shard-times/);
  const refused = await converge(['clock', 'distrust', '--whole', '--namespace', namespace]);
  expect(refused.code).toBe(78);
  expect(refused.stderr).toContain('--applied');
  expect((await converge(['clock', 'distrust', '--whole', '--applied', '--namespace', namespace])).code).toBe(
    0,
  );
  await until('the shards to halt', () => running.notReady().some((why) => why.includes('clock_late')));
  await running.stop();
  const rebuilt = await converge(['rebuild', '--force', '--json', '--namespace', namespace]);
  expect(rebuilt.stderr + String(rebuilt.code)).toBe('0');
  await worker(namespace);
  const times = await converge(['doctor', '--namespace', namespace]);
  expect(times.stdout).toMatch(/ok +shard-times/);
});
