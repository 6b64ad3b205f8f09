import { DiscardPolicy, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { Redis } from 'ioredis';
import { connect, type NatsConnection } from 'nats';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { NatsTrimMarks } from '../../src/bus/nats-trim-marks.ts';
import { changeMark, trimmedBelow } from '../../src/bus/trim-marks.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { shardKeys, systemKeys } from '../../src/state/keys.ts';
import { leaseText } from '../../src/state/lease.ts';
import { parseConfig } from '../../src/workers/config.ts';
import { type RunningWorker, startWorker } from '../../src/workers/process/worker.ts';
import { until } from '../support/until.ts';
import { jsonOf, useConverge } from './command.ts';
import { LITTLE_ROOM, SHARDS, useServers } from './servers.ts';

/** A lease that nobody renews, and that nobody may take for an hour. */
const GHOST = leaseText({ holder: 'ghost', counter: 0, leaseMs: 3_600_000 });

const servers = useServers();
const converge = useConverge(() => servers.env);
let redis: Redis;
let nats: NatsConnection;

beforeAll(async () => {
  redis = new Redis(servers.running.redis.url);
  nats = await connect({ servers: servers.running.nats.url });
});

afterAll(async () => {
  redis.disconnect();
  await nats.close();
});

interface Diagnosis {
  readonly code: number | null;
  readonly ok: boolean;
  /** `status detail` by name. */
  readonly found: Readonly<Record<string, string>>;
}

async function doctor(namespace: string, ...args: string[]): Promise<Diagnosis> {
  const ended = await converge(['doctor', '--json', '--namespace', namespace, ...args]);
  const { ok, checks } = jsonOf(ended);
  const found: Record<string, string> = {};
  for (const { name, status, detail } of checks) found[name] = `${status} ${detail}`;
  return { code: ended.code, ok, found };
}

/** One in this process: starting another process for each test would take longer than all else. */
async function worker(namespace: string, workerId?: string): Promise<RunningWorker> {
  const { natsUrl, redisUrl } = { natsUrl: servers.running.nats.url, redisUrl: servers.running.redis.url };
  const small = {
    logMaxBytes: LITTLE_ROOM,
    eventsMaxBytes: LITTLE_ROOM,
    snapshotsMaxBytes: LITTLE_ROOM,
    httpPort: -1,
  };
  const id = workerId === undefined ? {} : { workerId };
  const config = parseConfig({ namespace, natsUrl, redisUrl, shards: SHARDS, ...small, ...id });
  const started = await startWorker(config, { logger: pino({ level: 'silent' }) });
  onTestFinished(() => started.stop());
  const { lastSweep } = systemKeys(namespace);
  await until('the first sweep', () => redis.get(lastSweep));
  return started;
}

/** A system that was there, and whose worker has gone. */
async function leftSystem(namespace: string): Promise<void> {
  const started = await worker(namespace);
  await started.stop();
}

function problemsOf({ found }: Diagnosis): string[] {
  return Object.entries(found).flatMap(([name, text]) =>
    text.startsWith('ok') ? [] : [`${name} ${text.split(' ')[0]}`],
  );
}

describe('a healthy system', () => {
  it('is fine in every respect', async () => {
    await worker('healthy', 'w-1');
    const diagnosis = await doctor('healthy');
    expect(diagnosis).toMatchObject({ code: 0, ok: true });
    expect(problemsOf(diagnosis)).toEqual([]);
    expect(diagnosis.found).toMatchObject({
      workers: 'ok 1 alive: w-1',
      'redis-eviction': expect.stringContaining('noeviction'),
      'redis-durability': expect.stringContaining('appendfsync everysec'),
      'nats-durability': expect.stringContaining('process crash: nothing lost; power loss: up to 2 minutes'),
      durability: expect.stringContaining(
        'ok survives: process crash. Process crash: kept. Power loss: the last',
      ),
      snapshots: 'ok none yet',
      'trim-marks': 'ok nothing trimmed',
      'shard-owners': `ok ${SHARDS} shards on 1 worker`,
      log: expect.stringContaining(`HEALTHY_DECISIONS: ${SHARDS} shards`),
    });
  });

  it('is told to people as a table', async () => {
    await worker('table');
    const { code, stdout, stderr } = await converge(['doctor', '--namespace', 'table']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ok {2}config {12}namespace table, nats:\/\/127/);
    expect(stdout).toMatch(/\n\nall \d+ checks passed\n$/);
  });

  it('is found without being told the number of shards, and the wrong number is noticed', async () => {
    await worker('counted');
    expect(problemsOf(await doctor('counted', '--shards', '5'))).toEqual(['shards fail']);
  });
});

describe('a planted problem is found', () => {
  it('a Redis that may evict state', async () => {
    await worker('evicting');
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    onTestFinished(async () => {
      await redis.config('SET', 'maxmemory-policy', 'noeviction');
    });
    const diagnosis = await doctor('evicting');
    expect(diagnosis).toMatchObject({ code: 1, ok: false });
    expect(problemsOf(diagnosis)).toEqual(['redis-eviction fail']);
    expect(diagnosis.found['redis-eviction']).toContain('maxmemory-policy is allkeys-lru');
  });

  it('a Redis that keeps nothing', async () => {
    await worker('forgetful');
    await redis.config('SET', 'appendonly', 'no');
    onTestFinished(async () => {
      await redis.config('SET', 'appendonly', 'yes');
    });
    const diagnosis = await doctor('forgetful');
    expect(diagnosis).toMatchObject({ code: 0, ok: true });
    expect(problemsOf(diagnosis)).toEqual(['redis-durability warn']);
  });

  it('no system in the namespace', async () => {
    const diagnosis = await doctor('nowhere');
    expect(diagnosis).toMatchObject({ code: 1, ok: false });
    expect(problemsOf(diagnosis)).toEqual(['log fail']);
  });

  it('no worker, and what it leaves undone', async () => {
    await leftSystem('deserted');
    await redis.set(systemKeys('deserted').lastSweep, JSON.stringify({ at: Date.now() - 60_000 }));
    expect(
      await converge(['publish', 'p', 'CreatePool', '--no-wait', '--namespace', 'deserted']),
    ).toMatchObject({ code: 0 });
    const diagnosis = await doctor('deserted');
    expect(diagnosis).toMatchObject({ code: 1, ok: false });
    expect(problemsOf(diagnosis)).toEqual([
      'workers fail',
      'shard-owners fail',
      'shard-positions fail',
      'last-sweep warn',
    ]);
    expect(diagnosis.found['shard-positions']).toBe(`fail stalled: shard ${shardOf('p', SHARDS)} at 0 of 1`);
    expect(diagnosis.found['last-sweep']).toMatch(/^warn 1(\.\d)? min ago/);
  });

  it('a shard that is owned but does not move', async () => {
    await leftSystem('stalled');
    const shard = shardOf('p', SHARDS);
    await redis.set(shardKeys('stalled', shard).lease, GHOST);
    await worker('stalled');
    await converge(['publish', 'p', 'CreatePool', '--no-wait', '--namespace', 'stalled']);
    const diagnosis = await doctor('stalled');
    expect(diagnosis.code).toBe(1);
    expect(problemsOf(diagnosis)).toEqual(['shard-positions fail']);
    expect(diagnosis.found['shard-positions']).toBe(`fail stalled: shard ${shard} at 0 of 1`);
  });

  it('a log that was rolled back, and the shard that is halted for it', async () => {
    await leftSystem('halted');
    const keys = shardKeys('halted', 2);
    await redis.hset(keys.meta, 'seq', '99', 'hash', 'x');
    await worker('halted');
    await until('the halt', () => redis.get(keys.halted));
    const diagnosis = await doctor('halted');
    expect(diagnosis.code).toBe(1);
    expect(problemsOf(diagnosis)).toEqual(['shard-halts fail', 'shard-origins fail', 'alarms fail']);
    expect(diagnosis.found.alarms).toMatch(/^fail shard_halted: shard 2: /);
    expect(diagnosis.found.alarms).toContain('restore the right log');
    expect(diagnosis.found['shard-halts']).toMatch(/^fail halted: shard 2: /);
    expect(diagnosis.found['shard-origins']).toMatch(/^fail the state of shard 2 is ahead of the log/);
  });

  it('a log that was made anew', async () => {
    const started = await worker('replaced');
    await converge(['publish', 'p', 'CreatePool', '--namespace', 'replaced']);
    await started.stop();
    const jsm = await jetstreamManager(nats);
    const { decisions } = subjects('replaced').streams;
    const { config } = await jsm.streams.info(decisions);
    await jsm.streams.delete(decisions);
    await worker('replaced');
    const gone = await doctor('replaced');
    expect(gone.found.log).toMatch(/^fail the log is gone: the trim marks belong to log \w+/);
    await jsm.streams.add({
      ...config,
      description: (config.description ?? '').replace(/log \w+/, 'log another'),
    });
    const diagnosis = await doctor('replaced');
    expect(diagnosis.code).toBe(1);
    expect(diagnosis.found['shard-origins']).toMatch(
      /^fail the state of shard \d comes from another log than this one/,
    );
    expect(diagnosis.found['trim-marks']).toMatch(/belong to another log than this one/);
  });

  it('events that nobody can publish', async () => {
    await leftSystem('stuck');
    await redis.hset(shardKeys('stuck', 1).outbox, '3', 'R ada.d-1');
    await redis.set(shardKeys('stuck', 1).lease, GHOST);
    await worker('stuck');
    const diagnosis = await doctor('stuck');
    expect(diagnosis).toMatchObject({ code: 0, ok: true });
    expect(problemsOf(diagnosis)).toEqual(['outboxes warn']);
    expect(diagnosis.found.outboxes).toContain('no progress on shard 1');
  });

  it('a trimmed log without snapshots', async () => {
    await leftSystem('cut');
    const marks = new NatsTrimMarks(await jetstreamManager(nats), subjects('cut'));
    for (const shard of [1, 3]) await changeMark(marks, shard, (mark) => mark && trimmedBelow(mark, 2));
    await worker('cut');
    for (const shard of [1, 3]) {
      await until('the halt', () => redis.get(shardKeys('cut', shard).halted));
    }
    const diagnosis = await doctor('cut');
    expect(diagnosis.code).toBe(1);
    expect(problemsOf(diagnosis)).toEqual(['snapshots fail', 'shard-halts fail', 'alarms fail']);
    expect(diagnosis.found.snapshots).toContain('the log of shards 1, 3 was trimmed');
  });

  it('a log in memory', async () => {
    const jsm = await jetstreamManager(nats);
    const { decisions } = subjects('volatile').streams;
    await jsm.streams.add({
      name: decisions,
      description: `converge layout 2, ${SHARDS} shards`,
      subjects: Array.from({ length: SHARDS }, (_, shard) => subjects('volatile').shardLog(shard)),
      storage: StorageType.Memory,
      max_bytes: LITTLE_ROOM,
      discard: DiscardPolicy.New,
      duplicate_window: 120_000_000_000,
    });
    await worker('volatile');
    const diagnosis = await doctor('volatile');
    expect(problemsOf(diagnosis)).toEqual(['nats-durability fail', 'durability fail', 'alarms fail']);
    expect(diagnosis.found.durability).toContain('survives: nothing');
  });

  it('dead letters', async () => {
    await worker('rubbish');
    nats.publish(subjects('rubbish').decision('p', 'eve', SHARDS), 'not JSON');
    const args = ['tail', 'deadletters', '--since', 'all', '--count', '1', '--namespace', 'rubbish'];
    expect(await converge(args)).toMatchObject({ code: 0 });
    expect(problemsOf(await doctor('rubbish'))).toEqual(['dead-letters warn']);
  });

  it('a Redis that is gone, with 69', async () => {
    const ended = await doctor('healthy', '--redis', 'redis://127.0.0.1:1');
    expect(ended).toMatchObject({ code: 69, ok: false });
    expect(problemsOf(ended)).toContain('redis fail');
  });
});
