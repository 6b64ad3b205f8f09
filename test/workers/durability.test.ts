/** What the servers at hand promise is said as it is, and what cannot be known is said to be unknown. */
import { Writable } from 'node:stream';
import { StorageType } from '@nats-io/jetstream';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { type LogDurability, logDurability } from '../../src/bus/log-durability.ts';
import { type StateDurability, stateDurability } from '../../src/state/state-durability.ts';
import { durabilityOf } from '../../src/workers/process/durability.ts';
import { useSystem } from '../support/system.ts';

const system = useSystem();

const LOG: LogDurability = { storage: 'file', replicas: 1, missing: [], syncedWithinMs: 120_000 };
const STATE: StateDurability = { appendonly: 'yes', appendfsync: 'everysec', saves: 'no', replicas: 0 };

describe('the level', () => {
  it('of a log in memory is nothing', () => {
    const { survives, processCrash } = durabilityOf({ ...LOG, storage: 'memory', replicas: 3 }, STATE);
    expect(survives).toBe('nothing');
    expect(processCrash).toContain('lost');
  });

  it('of one replica on disk is the crash of a process, and the power loss costs what was not synced', () => {
    expect(durabilityOf(LOG, STATE)).toMatchObject({
      survives: 'process crash',
      processCrash: 'kept',
      powerLoss: 'the last 120 s can be lost',
      diskLoss: expect.stringContaining('lost'),
    });
  });

  it('of a server that does not tell its sync_interval is unknown after a power loss', () => {
    expect(durabilityOf({ ...LOG, syncedWithinMs: undefined }, STATE).powerLoss).toMatch(/^unknown/);
  });

  it('of three replicas is the loss of one of them, but not of all at once', () => {
    const { survives, powerLoss, diskLoss } = durabilityOf({ ...LOG, replicas: 3 }, STATE);
    expect(survives).toBe('loss of one server');
    expect(powerLoss).toBe(
      'of one server: kept, unless another fault coincides; of all at once: the last 120 s can be lost',
    );
    expect(diskLoss).toBe('of one server: kept, unless another fault coincides');
  });

  it('of three replicas of which one is missing is no more than that of one, and so it is of two', () => {
    const behind = durabilityOf({ ...LOG, replicas: 3, missing: ['c'] }, STATE);
    expect(behind.survives).toBe('process crash');
    expect(behind.diskLoss).toBe('of one server: uncertain, 1 of 3 replicas are missing');
    const two = durabilityOf({ ...LOG, replicas: 2 }, STATE);
    expect(two.survives).toBe('process crash');
    expect(two.diskLoss).toBe('of one server: uncertain, only 2 replicas');
  });

  it.each<[Partial<StateDurability>, RegExp]>([
    [{ appendfsync: 'always' }, /^kept$/],
    [{ appendfsync: 'everysec' }, /about a second is rebuilt/],
    [{ appendfsync: 'no' }, /not yet synced are rebuilt/],
    [{ appendfsync: 'unknown' }, /unknown\)/],
    [{ appendonly: 'no' }, /comes back empty/],
    [{ appendonly: 'no', saves: 'yes' }, /last saved copy/],
    [{ appendonly: 'no', saves: 'unknown' }, /empty or from a saved copy/],
    [{ appendonly: 'unknown' }, /^unknown/],
  ])('does not depend on Redis, whose state is made again: %j', (state, words) => {
    const durability = durabilityOf(LOG, { ...STATE, ...state });
    expect(durability.survives).toBe('process crash');
    expect(durability.state).toMatch(words);
  });
});

describe('what can be read', () => {
  it('of the stream: storage, replicas, and whether the server syncs as it always did', async () => {
    const { config } = await system.jsm.streams.add({ name: 'durable', subjects: ['durable'] });
    expect(logDurability({ config }, '2.9.10')).toEqual(LOG);
    expect(logDurability({ config }, '2.10.0')).toEqual({ ...LOG, syncedWithinMs: undefined });
    expect(logDurability({ config }, '3.0.0').syncedWithinMs).toBeUndefined();
    const memory = { ...config, storage: StorageType.Memory, num_replicas: 3 };
    const replicas = [
      { name: 'b', current: true, offline: false, active: 1, lag: 0 },
      { name: 'c', current: false, offline: false, active: 1, lag: 9 },
    ];
    const cluster = { name: 'cluster', leader: 'a', replicas };
    expect(logDurability({ config: memory, cluster }, '2.9.10')).toMatchObject({
      storage: 'memory',
      replicas: 3,
      missing: ['c'],
    });
  });

  it('of Redis: what it is set to', async () => {
    expect(await stateDurability(system.redis)).toEqual({ ...STATE, saves: 'no' });
    await system.redis.config('SET', 'appendfsync', 'always', 'save', '60 1');
    expect(await stateDurability(system.redis)).toMatchObject({ appendfsync: 'always', saves: 'yes' });
    await system.redis.config('SET', 'appendfsync', 'everysec', 'save', '');
  });

  it('of a Redis that forbids the questions: what it tells all the same, and else that it is unknown', async () => {
    await system.redis.call('ACL', 'SETUSER', 'half', 'on', '>pw', '~*', '+@all', '-config');
    await system.redis.call('ACL', 'SETUSER', 'none', 'on', '>pw', '~*', '+@all', '-config', '-info');
    const asked = async (username: string): Promise<StateDurability> => {
      const redis = new Redis(system.servers.redis.url, {
        username,
        password: 'pw',
        enableReadyCheck: false,
      });
      try {
        return await stateDurability(redis);
      } finally {
        redis.disconnect();
      }
    };
    const unknown = { appendfsync: 'unknown', saves: 'unknown' };
    expect(await asked('half')).toEqual({ ...unknown, appendonly: 'yes', replicas: 0 });
    expect(await asked('none')).toEqual({ ...unknown, appendonly: 'unknown', replicas: 'unknown' });
  });

  it('is said by a worker that starts', async () => {
    const lines: string[] = [];
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    });
    await system.space().worker({}, pino({ level: 'info' }, sink));
    const said = lines.find((line) => line.includes('durability of the servers'));
    expect(JSON.parse(said ?? '{}').durability).toMatchObject({
      survives: 'process crash',
      powerLoss: 'the last 120 s can be lost',
    });
  });
});
