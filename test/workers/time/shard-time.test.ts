/** A shard waits before a time that has not come, and a Clock says which stamps do not count (rules 3.3 to 3.6). */
import { expect, it } from 'vitest';
import type { Clock } from '../../../src/workers/shard/ports.ts';
import type { TimeSource } from '../../../src/workers/time/log-time.ts';
import { MemoryLog, startShard } from '../../support/shard.ts';
import { useSystem } from '../../support/system.ts';
import { believing } from '../../support/time.ts';
import { until } from '../../support/until.ts';

const system = useSystem({ redis: { appendOnly: false } });

const NOW = 1_700_000_000_000;
const YEAR = 365 * 24 * 3_600_000;

let spaces = 0;

class Shard {
  readonly ns = `time-${spaces++}`;
  readonly log = new MemoryLog();
  now: number | undefined = NOW;
  acceptedUntil = 0;
  isLogBehind = false;
  suspicions = 0;
  readonly time: TimeSource;
  #ids = 0;

  constructor() {
    const shard = this;
    this.time = {
      ...believing({ now: () => NOW }),
      now: () => shard.now,
      get acceptedUntil() {
        return shard.acceptedUntil;
      },
      get isLogBehind() {
        return shard.isLogBehind;
      },
      suspectLog: () => {
        shard.suspicions++;
      },
    };
  }

  async start(more: Partial<Parameters<typeof startShard>[1]> = {}) {
    const clock: Clock = {
      now: () => NOW,
      monotonic: () => performance.now(),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20))),
    };
    return await startShard(system, { ns: this.ns, log: this.log, time: this.time, clock, ...more });
  }

  say(at: number, decision: object, pool = 'commons', agent = 'ann'): number {
    const data = Buffer.from(JSON.stringify({ id: `d${this.#ids++}`, ...decision }));
    return this.log.append({ at, subject: `${this.ns}.decisions.0.${pool}.${agent}`, data }).seq;
  }

  beat(at: number): number {
    return this.say(at, { type: 'Heartbeat' });
  }

  clock(from: number, to: number, at = NOW): number {
    return this.say(at, { type: 'Clock', from, to }, '_clock', '_operator');
  }

  sweep(at: number, more: object = {}): number {
    return this.say(at, { type: 'Sweep', ...more }, '_shard', '_sweeper');
  }
}

type Started = Awaited<ReturnType<Shard['start']>>;

/** What is applied is told a moment later. */
async function timesOf({ publisher }: Started, count: number): Promise<number[]> {
  await until('outcomes to be told', () => publisher.results.length >= count);
  return publisher.results.map(({ outcome }) => JSON.parse(outcome).at);
}

async function expectTimes(worker: Started, times: readonly number[]): Promise<void> {
  expect(await timesOf(worker, times.length)).toEqual(times);
}

it('a year ahead for some messages: none is applied, those before are, and a Clock lets the shard go on', async () => {
  const shard = new Shard();
  shard.beat(NOW - 10);
  const from = shard.beat(NOW + YEAR);
  shard.beat(NOW + YEAR + 5);
  const to = shard.beat(NOW + YEAR + 9);
  shard.beat(NOW + 20);
  const worker = await shard.start();
  await until('the shard to stand still', () => worker.worker.status === 'halted');
  expect(worker.worker.haltReason).toContain(`message ${from} is stamped 31536000 s ahead`);
  expect(worker.alarms.active.map(({ alarm, shard: of }) => [alarm, of])).toEqual([['clock_log', 0]]);
  expect(worker.alarms.notReady()).toHaveLength(1);
  await expectTimes(worker, [NOW - 10]);
  shard.clock(from, to, NOW + 30);
  await worker.applied();
  await expectTimes(worker, [NOW - 10, NOW - 10, NOW - 10, NOW - 10, NOW + 20, NOW + 30]);
  await until('it to be told', () => worker.worker.status === 'running');
  expect(worker.alarms.active).toEqual([]);
});

it('goes on by itself when the time has come', async () => {
  const shard = new Shard();
  shard.beat(NOW + 60_000);
  const worker = await shard.start();
  await until('the shard to stand still', () => worker.worker.status === 'halted');
  shard.now = NOW + 50_000;
  await worker.applied();
  await expectTimes(worker, [NOW + 60_000]);
});

it.each([9_999, 300, -300, -YEAR])('what is stamped %s ms ahead is applied', async (ms) => {
  const shard = new Shard();
  shard.beat(NOW + ms);
  const worker = await shard.start();
  await worker.applied();
  await expectTimes(worker, [NOW + ms]);
});

it('leaders that are 300 ms apart and take turns move the time forward only, and stop nothing', async () => {
  const shard = new Shard();
  for (let i = 0; i < 10; i++) shard.beat(NOW + i * 10 + (i % 2) * 300);
  const worker = await shard.start();
  await worker.applied();
  const times = await timesOf(worker, 10);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times.at(-1)).toBe(NOW + 90 + 300);
  expect(worker.alarms.active).toEqual([]);
});

it.each([
  ['applied something: it halts, because its log is another one', true, 'halted'],
  ['applied nothing: it begins with the new one', false, 'running'],
] as const)(
  'waits before no message of a log that is gone (rule 3.3): when it had %s',
  async (_, hasApplied, then) => {
    const shard = new Shard();
    if (hasApplied) shard.beat(NOW);
    const seq = shard.beat(NOW + YEAR);
    const worker = await shard.start();
    await until('the shard to stand still', () => worker.worker.status === 'halted');
    expect(worker.worker.haltReason).toContain(`message ${seq} is stamped`);
    shard.log.messages.length = 0;
    shard.log.name = 'another log';
    shard.beat(NOW + 5);
    await until(
      'the shard to look again',
      () => worker.worker.haltReason?.includes(`message ${seq} `) !== true,
    );
    if (!hasApplied) await worker.applied();
    await until('it to stand as it should', () => worker.worker.status === then);
    expect(worker.alarms.active.map(({ alarm }) => alarm)).toEqual(hasApplied ? ['shard_halted'] : []);
  },
);

it('waits before no message that its log has lost (rule 3.3)', async () => {
  const shard = new Shard();
  shard.beat(NOW);
  shard.beat(NOW + YEAR);
  const worker = await shard.start();
  await until('the shard to stand still', () => worker.worker.status === 'halted');
  shard.log.messages.length = 1;
  shard.beat(NOW + 5);
  await worker.applied();
  await expectTimes(worker, [NOW, NOW + 5]);
  await until('the alarm to end', () => worker.alarms.active.length === 0);
});

it('where the clocks do not agree nothing is applied until they do', async () => {
  const shard = new Shard();
  shard.now = undefined;
  shard.beat(NOW);
  const worker = await shard.start();
  await until('the shard to stand still', () => worker.worker.status === 'halted');
  expect(worker.alarms.active.map(({ alarm }) => alarm)).toEqual(['clock_unknown']);
  shard.now = NOW;
  await worker.applied();
});

it('what an operator accepts is applied, and nothing beyond it', async () => {
  const shard = new Shard();
  shard.acceptedUntil = NOW + YEAR;
  shard.beat(NOW + YEAR);
  const beyond = shard.beat(NOW + YEAR + 1);
  const worker = await shard.start();
  await until('the shard to stand still', () => worker.worker.status === 'halted');
  await expectTimes(worker, [NOW + YEAR]);
  expect(worker.worker.haltReason).toContain(`message ${beyond} `);
});

it('the time that a Sweep brings along counts, and is believed no further than a stamp', async () => {
  const shard = new Shard();
  shard.sweep(NOW - 3_600_000, { at: NOW - 5 });
  shard.beat(NOW - 3_600_000);
  const worker = await shard.start();
  await worker.applied();
  await expectTimes(worker, [NOW - 5, NOW - 5]);
  shard.sweep(NOW - 3_600_000, { at: NOW + YEAR });
  await until('the shard to stand still', () => worker.worker.status === 'halted');
});

it('where the clock of the log is behind, the owner brings the time along each second, and not else', async () => {
  const shard = new Shard();
  const worker = await shard.start({ sweepOverdueMs: 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(worker.publisher.carried).toEqual([]);
  shard.isLogBehind = true;
  await until('the time to be brought along', () => worker.publisher.carried.length > 1);
  expect(new Set(worker.publisher.carried)).toEqual(new Set([NOW]));
});

it('what is due for seconds and is not settled puts the clock of the log under suspicion', async () => {
  const shard = new Shard();
  shard.sweep(NOW - 3_600_000);
  const worker = await shard.start({ sweepOverdueMs: 60_000 });
  await worker.applied();
  shard.say(NOW - 3_600_000, { type: 'SubmitTask', taskId: 't', objective: 'x', deadline: NOW - 5_000 });
  await worker.applied();
  await until('the log to be suspected', () => shard.suspicions > 0);
});

it('a Clock about what is applied already halts the shard, before and after a restart', async () => {
  const shard = new Shard();
  shard.acceptedUntil = NOW + YEAR;
  const from = shard.beat(NOW + YEAR);
  const worker = await shard.start();
  await worker.applied();
  await until('the time to be seen', () => worker.alarms.active.some(({ alarm }) => alarm === 'clock_ahead'));
  shard.clock(from, from);
  await until('the shard to halt', () => worker.worker.haltReason?.includes('already applied') === true);
  expect(worker.alarms.active.some(({ alarm }) => alarm === 'clock_late')).toBe(true);
  await worker.stop();
  const again = await shard.start();
  await until('it to halt again', () => again.worker.haltReason?.includes('already applied') === true);
});

it('a Clock that was known when its messages were applied is not late after a restart', async () => {
  const shard = new Shard();
  const from = shard.beat(NOW + YEAR);
  const last = shard.beat(NOW + YEAR);
  const worker = await shard.start({ maxBatch: 1 });
  await until('the shard to stand still', () => worker.worker.status === 'halted');
  const clock = shard.clock(from, last);
  await worker.applied();
  const stored = await system.redis.hget(`${shard.ns}:{0}:s:meta`, 'clock');
  expect(stored?.split(' ')[0]).toBe(String(clock));
  await worker.stop();
  shard.beat(NOW + 1);
  const again = await shard.start();
  await again.applied();
  expect(again.worker.status).toBe('running');
});

it.each(['another message stands there', 'another Clock stands there', 'nothing stands there'])(
  'a log that lost the Clock by which times were decided halts the shard: %s',
  async (now) => {
    const shard = new Shard();
    const from = shard.beat(NOW + YEAR);
    const last = shard.beat(NOW + YEAR);
    // Between what the Clock is about and the Clock the shard stands still.
    shard.beat(NOW + YEAR);
    const clock = shard.clock(from, last);
    const right = [...shard.log.messages];
    const worker = await shard.start();
    await until('what the Clock is about to be applied', () => worker.worker.position === last);
    await until('the shard to stand still', () => worker.worker.status === 'halted');
    await worker.stop();
    shard.log.messages.splice(right.findIndex(({ seq }) => seq === last) + 1);
    if (now !== 'nothing stands there') shard.beat(NOW);
    if (now === 'another message stands there') expect(shard.beat(NOW)).toBe(clock);
    if (now === 'another Clock stands there') expect(shard.clock(last, last)).toBe(clock);
    const again = await shard.start();
    await until('the shard to halt', () => again.worker.status === 'halted');
    expect(again.worker.haltReason).toContain('no longer holds Clock');
    expect(again.alarms.active.map(({ alarm }) => alarm)).toContain('shard_halted');
    shard.log.messages.splice(0, shard.log.messages.length, ...right);
    await until('it to go on', () => again.worker.haltReason?.includes('is stamped') === true);
  },
);

it.each([
  ['about itself', 0, 0],
  ['about what is to come', 0, 5],
  ['about nothing', 3, 1],
])('a Clock %s is refused and changes nothing', async (_, fromAdd, toAdd) => {
  const shard = new Shard();
  const first = shard.beat(NOW);
  const own = first + 10;
  const worker = await shard.start();
  await worker.applied();
  const seq = shard.log.lastSeq + 1 + (shard.log.messages.length % 3);
  expect(seq).toBeLessThan(own);
  shard.clock(seq + fromAdd, seq + toAdd);
  await timesOf(worker, 2);
  const outcome = JSON.parse(worker.publisher.results.at(-1)?.outcome ?? '{}');
  expect(outcome).toMatchObject({ type: 'Clock', status: 'rejected', code: 'invalid_decision' });
});

it('only an operator of the system says a Clock', async () => {
  const shard = new Shard();
  const first = shard.beat(NOW + YEAR);
  const worker = await shard.start();
  await until('the shard to stand still', () => worker.worker.status === 'halted');
  shard.say(NOW, { type: 'Clock', from: first, to: first }, '_clock', 'ann');
  shard.say(NOW, { type: 'Clock', from: first, to: first }, 'commons', '_operator');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(worker.worker.status).toBe('halted');
  await expectTimes(worker, []);
});
