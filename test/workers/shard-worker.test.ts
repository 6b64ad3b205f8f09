/** One shard worker against the real Redis, with a log and a publisher that do what the test wants. */
import { describe, expect, it } from 'vitest';
import { dumpState } from '../support/dump-state.ts';
import { firstDifference } from '../support/first-difference.ts';
import {
  MemoryLog,
  RecordingPublisher,
  type ShardUnderTest,
  startShard,
  testClock,
} from '../support/shard.ts';
import { useSystem } from '../support/system.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { START, workload } from '../support/workload.ts';

const system = useSystem();
let spaces = 0;

class TestShard {
  readonly ns = `shard-${spaces++}`;
  readonly log = new MemoryLog();
  #ids = 0;

  say(pool: string, agent: string, body: object, at = START + this.log.messages.length): string {
    const id = `d${this.#ids++}`;
    const data = Buffer.from(JSON.stringify({ id, ...body }));
    this.log.append({ at, subject: `${this.ns}.decisions.0.${pool}.${agent}`, data });
    return `${pool}.${agent}.${id}`;
  }

  submit(count: number): string[] {
    return Array.from({ length: count }, () =>
      this.say('commons', 'ann', { type: 'SubmitTask', taskId: `t${this.#ids}`, objective: 'o' }),
    );
  }

  get outbox(): Promise<number> {
    return system.redis.hlen(`${this.ns}:{0}:r:outbox`);
  }

  get seq(): Promise<number> {
    return system.redis.hget(`${this.ns}:{0}:s:meta`, 'seq').then(Number);
  }
}

function sequencesOf(publisher: RecordingPublisher): number[] {
  return publisher.published.map(({ json }) => Number(JSON.parse(json).sequence));
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('between commit and publication', () => {
  it('a crash loses nothing: the successor publishes results, events and dead letters in order', async () => {
    const shard = new TestShard();
    const crashed = await startShard(system, { ...shard, publisher: broken(), maxBatch: 3 });
    const keys = shard.submit(7);
    shard.log.append({
      at: START,
      subject: `${shard.ns}.decisions.0.commons.ann`,
      data: Buffer.from('not json'),
    });
    await crashed.applied();
    await crashed.stop();
    expect(await shard.outbox).toBe(3);
    expect(crashed.publisher.published).toEqual([]);

    const successor = await startShard(system, { ...shard });
    await until('the outbox to be drained', async () => (await shard.outbox) === 0);
    expect(sequencesOf(successor.publisher)).toEqual(upTo(7));
    expect(successor.publisher.results.map(({ key }) => key)).toEqual(keys);
    expect(successor.publisher.deadLetters).toEqual([{ seq: shard.log.lastSeq, reason: 'not JSON' }]);
    expect(successor.publisher.results.map(({ outcome }) => JSON.parse(outcome).status)).toEqual(
      keys.map(() => 'accepted'),
    );
  });

  it('a crash with a dead letter whose reason quotes a line break does not stop the shard', async () => {
    const shard = new TestShard();
    const crashed = await startShard(system, { ...shard, publisher: broken() });
    const body = '[{"a line\\nbreak and \\u2028": 1e999}]';
    shard.log.append({ at: START, subject: `${shard.ns}.decisions.0.commons.ann`, data: Buffer.from(body) });
    await crashed.applied();
    await crashed.stop();

    const successor = await startShard(system, { ...shard });
    shard.submit(1);
    await successor.applied();
    expect(successor.publisher.deadLetters).toHaveLength(1);
  });

  it('an events stream that takes nothing holds the shard up, and loses nothing when it takes again', async () => {
    const shard = new TestShard();
    const held = await startShard(system, { ...shard, publisher: broken(), maxBatch: 1 });
    shard.submit(40);
    await until('the worker to have tried', () => held.publisher.refused > 3);
    const stoodAt = await until('some to be applied', () => shard.seq);
    expect(stoodAt).toBeLessThan(shard.log.lastSeq);
    expect(await shard.outbox).toBeLessThan(12);
    held.publisher.broken = false;
    await held.applied();
    await until('everything to be published', async () => sequencesOf(held.publisher).length === 40);
    expect(sequencesOf(held.publisher)).toEqual(upTo(40));
  });

  it('a worker can be stopped while the events stream takes nothing', async () => {
    const shard = new TestShard();
    const held = await startShard(system, { ...shard, publisher: broken(), maxBatch: 1 });
    shard.submit(40);
    await until('the worker to wait for room', async () => (await shard.outbox) >= 8);
    await within(2_000, held.stop(), 'stopping');
    expect(held.worker.status).toBe('stopped');
  });

  it('a worker can be stopped while it cannot publish what its predecessor left', async () => {
    const shard = new TestShard();
    const crashed = await startShard(system, { ...shard, publisher: broken() });
    shard.submit(3);
    await crashed.applied();
    await crashed.stop();
    const successor = await startShard(system, { ...shard, publisher: broken() });
    await until('the worker to have tried', () => successor.publisher.refused > 1);
    await within(2_000, successor.stop(), 'stopping');
    expect(await shard.outbox).toBe(1);
  });

  it('a lease that is lost ends publication: what is left is for the next owner', async () => {
    const shard = new TestShard();
    let holds = true;
    const publisher = broken();
    const loser = await startShard(system, { ...shard, publisher, holdsLease: () => holds });
    shard.submit(3);
    await loser.applied();
    await until('the worker to have tried', () => publisher.refused > 0);
    holds = false;
    publisher.broken = false;
    shard.submit(30);
    await within(2_000, loser.stop(), 'stopping');
    // The same process may well be given the shard again, while the old work has not noticed yet.
    holds = true;
    const next = await startShard(system, { ...shard });
    await until('the next owner to publish', async () => (await shard.outbox) === 0);
    expect(publisher.published).toEqual([]);
    await next.applied();
    await until('the rest to be published', () => sequencesOf(next.publisher).length === 33);
    expect(sequencesOf(next.publisher)).toEqual(upTo(33));
  });

  it('results that were held back while the lease was in doubt are sent when it is not', async () => {
    const shard = new TestShard();
    let holds = true;
    const doubtful = await startShard(system, { ...shard, holdsLease: () => holds });
    shard.submit(1);
    await until('the first result', () => doubtful.publisher.results.length === 1);
    holds = false;
    const [key] = shard.submit(1);
    await doubtful.applied();
    expect(doubtful.publisher.results).toHaveLength(1);
    holds = true;
    await until('the second result', () => doubtful.publisher.results.some((result) => result.key === key));
  });
});

describe('two owners at once', () => {
  it('a zombie that was paused before its commit writes nothing and publishes nothing of it', async () => {
    const shard = new TestShard();
    const paused = new MemoryLog();
    // The zombie was given these messages and then stood still, believing in its lease.
    shard.submit(2);
    paused.messages.push(...shard.log.messages);
    const gate = gateOf(paused);
    const zombie = await startShard(system, { ns: shard.ns, log: gate.log });
    await gate.reached;
    shard.submit(3);
    const owner = await startShard(system, { ...shard, maxBatch: 1 });
    await owner.applied();
    await until('the outbox to be empty', async () => (await shard.outbox) === 0);
    const before = await dumpState(system.redis, shard.ns);
    paused.messages.splice(0, paused.messages.length, ...shard.log.messages);
    gate.open();
    await until('the zombie to catch up', () => zombie.worker.position === shard.log.lastSeq);
    await zombie.stop();
    expect(firstDifference(before, await dumpState(system.redis, shard.ns))).toBeUndefined();
    expect(zombie.publisher.published).toEqual([]);
    expect(zombie.publisher.results).toEqual([]);
  });

  it('give the state that one gives, and between them publish every event and result', async () => {
    const shard = new TestShard();
    const traffic = workload({ ns: shard.ns, seed: 77, count: 600, sweeps: 0.01 });
    const alone = new MemoryLog();
    for (const message of traffic) alone.append(message);
    const single = await startShard(system, { ns: shard.ns, log: alone });
    await single.applied();
    await single.stop();
    const expected = await dumpState(system.redis, shard.ns);
    await system.redis.flushall();

    const publisher = new RecordingPublisher();
    const owners = [
      await startShard(system, { ...shard, publisher, maxBatch: 5 }),
      await startShard(system, { ...shard, publisher, maxBatch: 3 }),
    ];
    for (const [i, message] of traffic.entries()) {
      shard.log.append(message);
      if (i % 20 === 0) await system.redis.ping();
    }
    await owners[0]?.applied();
    await until('the outbox to be empty', async () => (await shard.outbox) === 0);
    for (const owner of owners) await owner.stop();

    expect(firstDifference(expected, await dumpState(system.redis, shard.ns))).toBeUndefined();
    const once = [...new Map(publisher.published.map((event) => [event.id, event.json])).values()];
    expect(once.sort()).toEqual(single.publisher.published.map(({ json }) => json).sort());
    const outcomes = new Set(publisher.results.map(({ outcome }) => outcome));
    expect(outcomes).toEqual(new Set(single.publisher.results.map(({ outcome }) => outcome)));
  });
});

describe('the answer of a commit is lost', () => {
  const isCommit = (request: string): boolean => /evalsha/i.test(request) && request.includes(':s:meta');

  it.each(['reply', 'request'] as const)(
    'a lost %s: every decision is applied exactly once',
    async (loss) => {
      const shard = new TestShard();
      const proxy = await TcpProxy.start(system, system.servers.redis.url);
      const worker = await startShard(system, { ...shard, redisUrl: proxy.url, maxBatch: 2 });
      shard.submit(2);
      await worker.applied();
      for (let i = 0; i < 3; i++) {
        const lost = proxy.loseNext(loss, isCommit);
        shard.submit(3);
        await lost;
        await worker.applied();
      }
      shard.submit(1);
      await worker.applied();
      await until('all events', () => worker.publisher.published.length >= 12);
      await worker.stop();
      expect(sequencesOf(worker.publisher)).toEqual(upTo(12));
      expect(await system.redis.zcard(`${shard.ns}:{0}:s:tasks-in:commons:pending`)).toBe(12);
      expect(await system.redis.hlen(`${shard.ns}:{0}:s:receipts`)).toBe(12);
    },
  );

  it('connections that are dead without being closed are given up, and the shard goes on', async () => {
    const shard = new TestShard();
    const proxy = await TcpProxy.start(system, system.servers.redis.url);
    const worker = await startShard(system, { ...shard, redisUrl: proxy.url, answerWithinMs: 300 });
    shard.submit(1);
    await worker.applied();
    proxy.strandConnections();
    shard.submit(1);
    await until('the decision to be applied', async () => (await shard.seq) === shard.log.lastSeq, 15_000);
  });
});

describe('a store that goes back', () => {
  it('emptied while the shard works: the log fills it again', async () => {
    const shard = new TestShard();
    const worker = await startShard(system, { ...shard });
    shard.submit(20);
    await worker.applied();
    const before = await dumpState(system.redis, shard.ns);
    await system.redis.flushall();
    const [key] = shard.submit(1);
    await worker.applied();
    shard.log.messages.pop();
    expect((await dumpState(system.redis, shard.ns))[`${shard.ns}:{0}:s:pools`]).toEqual(
      before[`${shard.ns}:{0}:s:pools`],
    );
    expect(worker.publisher.results.filter((result) => result.key === key)).toHaveLength(1);
    expect(await system.redis.zcard(`${shard.ns}:{0}:s:tasks-in:commons:pending`)).toBe(21);
  });

  it('emptied while nothing happens: the shard notices by itself', async () => {
    const shard = new TestShard();
    const worker = await startShard(system, { ...shard });
    shard.submit(5);
    await worker.applied();
    await until('the outbox to be empty', async () => (await shard.outbox) === 0);
    const before = await dumpState(system.redis, shard.ns);
    await system.redis.flushall();
    await until('the state to be there again', async () => (await shard.seq) === shard.log.lastSeq, 5_000);
    expect(firstDifference(before, await dumpState(system.redis, shard.ns))).toBeUndefined();
  });
});

describe('a log that does not continue what was applied', () => {
  async function halted(shard: TestShard): Promise<ShardUnderTest> {
    const worker = await startShard(system, { ...shard });
    shard.submit(3);
    await worker.applied();
    shard.log.name = 'another log';
    worker.worker.interrupt('test');
    await until('the shard to halt', () => worker.worker.status === 'halted', 5_000);
    return worker;
  }

  const metric = async ({ metrics }: ShardUnderTest): Promise<string | undefined> =>
    /^converge_shard_halted\{shard="0"\} (\d)$/m.exec(await metrics.registry.metrics())?.[1];

  it('halts the shard: nothing is applied, and everyone can see why', async () => {
    const shard = new TestShard();
    const worker = await halted(shard);
    const before = await dumpState(system.redis, shard.ns);
    shard.submit(2);
    await until('another look at the log', async () => (await metric(worker)) === '1');
    expect(worker.worker.haltReason).toContain('another log');
    expect(await system.redis.get(`${shard.ns}:{0}:r:halted`)).toContain('another log');
    expect(await worker.metrics.registry.metrics()).toContain('converge_shard_halts_total 1');
    expect(firstDifference(before, await dumpState(system.redis, shard.ns))).toBeUndefined();
  });

  it('resumes when the right log is back, and says so although nothing was decided since', async () => {
    const shard = new TestShard();
    const worker = await halted(shard);
    shard.log.name = '2026-01-01T00:00:00Z';
    await until('the shard to run', () => worker.worker.status === 'running', 5_000);
    expect(worker.worker.haltReason).toBeUndefined();
    expect(await metric(worker)).toBe('0');
    expect(await system.redis.exists(`${shard.ns}:{0}:r:halted`)).toBe(0);
    shard.submit(1);
    await worker.applied();
  });

  it('is no longer held against the shard when another worker finds the right one', async () => {
    const shard = new TestShard();
    await (await halted(shard)).stop();
    shard.log.name = '2026-01-01T00:00:00Z';
    const successor = await startShard(system, { ...shard });
    await until('the successor to run', () => successor.worker.status === 'running');
    shard.submit(1);
    await successor.applied();
    expect(await system.redis.exists(`${shard.ns}:{0}:r:halted`)).toBe(0);
  });
});

describe('the owner sweeps itself', () => {
  it('when what is due has waited for too long, and again only after as long', async () => {
    const shard = new TestShard();
    let now = START;
    const clock = testClock(() => now);
    const worker = await startShard(system, { ...shard, clock, sweepOverdueMs: 1_000 });
    shard.submit(1);
    shard.say('commons', 'ann', { type: 'ClaimNextTask', claimTtlMs: 100 });
    await worker.applied();
    expect(worker.publisher.sweeps).toBe(0);
    now = START + 150;
    shard.submit(1);
    await worker.applied();
    now = START + 1_100;
    shard.submit(1);
    await worker.applied();
    expect(worker.publisher.sweeps).toBe(0);
    now = START + 1_150;
    await until('the sweep', () => worker.publisher.sweeps === 1);
    now = START + 2_100;
    shard.submit(1);
    await worker.applied();
    expect(worker.publisher.sweeps).toBe(1);
    now = START + 2_150;
    await until('the next sweep', () => worker.publisher.sweeps === 2);
  });

  it('goes on at once with what its own Sweep leaves due (rule 1.4), as long as each settles something', async () => {
    const shard = new TestShard();
    let now = START;
    const clock = testClock(() => now);
    const worker = await startShard(system, { ...shard, clock, sweepOverdueMs: 1_000 });
    shard.submit(1);
    shard.say('commons', 'ann', { type: 'ClaimNextTask', claimTtlMs: 100 });
    shard.submit(1);
    shard.say('commons', 'ann', { type: 'ClaimNextTask', claimTtlMs: 100 });
    await worker.applied();
    now = START + 1_150;
    shard.say('_shard', '_sweeper', { type: 'Sweep', limit: 1 }, START + 100);
    await worker.applied();
    // With what the sweeper leaves, the sweeper goes on.
    expect(worker.publisher.sweeps).toBe(0);
    now = START + 2_150;
    await until('the sweep', () => worker.publisher.sweeps === 1);
    shard.submit(1);
    shard.say('commons', 'ann', { type: 'ClaimNextTask', claimTtlMs: 100 });
    shard.say('_shard', '_sweeper', { type: 'Sweep', limit: 1 }, START + 200);
    await until('the sweep that goes on', () => worker.publisher.sweeps === 2);
    shard.say('_shard', '_sweeper', { type: 'Sweep' }, START + 200);
    await worker.applied();
    expect(worker.publisher.sweeps).toBe(2);
  });

  it('but not while it catches up with a log that holds the sweeps already', async () => {
    const shard = new TestShard();
    for (let i = 0; i < 50; i++) {
      shard.submit(1);
      shard.say('commons', 'ann', { type: 'ClaimNextTask', claimTtlMs: 100 }, START + i * 1_000);
      shard.say('_shard', '_sweeper', { type: 'Sweep' }, START + i * 1_000 + 200);
    }
    const now = START + 50_000;
    const clock = testClock(() => now);
    const worker = await startShard(system, { ...shard, clock, maxBatch: 1, sweepOverdueMs: 5_000 });
    await worker.applied();
    expect(worker.publisher.sweeps).toBe(0);
  });
});

function broken(): RecordingPublisher {
  const publisher = new RecordingPublisher();
  publisher.broken = true;
  return publisher;
}

/** A log whose first reader gives out its messages only when the gate is opened. */
function gateOf(log: MemoryLog): { log: MemoryLog; reached: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  let reach = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const original = log.open.bind(log);
  log.open = async (position) => {
    const reader = await original(position);
    const take = reader.take.bind(reader);
    reader.take = async (max, waitMs) => {
      const messages = await take(max, waitMs);
      reach();
      await opened;
      return messages;
    };
    return reader;
  };
  return { log, reached, open };
}

async function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
