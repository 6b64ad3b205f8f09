import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Alarms } from '../../src/workers/health/alarms.ts';
import { type ShardHealth, StallWatch } from '../../src/workers/shard/stall-watch.ts';

const READING: ShardHealth = {
  phase: 'read',
  cause: undefined,
  isWaiting: false,
  position: 7,
  progress: '7/0/0',
};

function setUp(health: ShardHealth | undefined, lastSeq = 7) {
  const lines: { msg: string; phase?: string; cause?: string }[] = [];
  const logger = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const time = { now: 0 };
  const clock = { now: () => time.now, monotonic: () => time.now };
  const alarms = new Alarms({ logger, clock });
  const interrupts: string[] = [];
  const shard: { health: ShardHealth | undefined; interrupt(why: string): void } = {
    health,
    interrupt: (why: string) => void interrupts.push(why),
  };
  const log = { lastSeq, asked: 0 };
  const shards = new Map([[3, shard]]);
  const lastSeqOf = async () => {
    log.asked++;
    return log.lastSeq;
  };
  const others = { work: false };
  const givenBack: number[] = [];
  const watch = new StallWatch({
    ...{ shards: () => shards, lastSeqOf, alarms, clock, logger },
    othersWork: () => others.work,
    giveBack: (number) => {
      givenBack.push(number);
      shards.delete(number);
    },
  });
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      time.now += 1_000;
      await watch.look();
    }
  };
  return { alarms, lines, shard, shards, interrupts, log, pass, watch, others, givenBack };
}

describe('a shard on which something waits and nothing moves for 5 s', () => {
  it.each(['load', 'open', 'fetch', 'commit', 'publish'] as const)('is an alarm: %s', async (phase) => {
    const { alarms, pass } = setUp({ ...READING, phase, isWaiting: true, cause: 'OOM' });
    await pass(5);
    expect(alarms.active).toEqual([]);
    await pass(2);
    expect(alarms.active).toMatchObject([
      { alarm: 'shard_stalled', shard: 3, detail: { phase, cause: 'OOM', reason: `${phase}: OOM` } },
    ]);
    expect(alarms.notReady()).toHaveLength(1);
  });

  it('is said again each minute, and over as soon as it moves', async () => {
    const { lines, shard, alarms, pass } = setUp({ ...READING, phase: 'commit', isWaiting: true });
    await pass(130);
    expect(lines.filter(({ msg }) => msg.startsWith('ALARM'))).toHaveLength(3);
    shard.health = { ...READING, phase: 'commit', isWaiting: true, progress: '8/0/0' };
    await pass(1);
    expect(alarms.active).toEqual([]);
  });

  it('is noticed although its consumer is mute: the log itself is asked, and reading begins again', async () => {
    const { alarms, interrupts, log, pass } = setUp(READING, 9);
    await pass(13);
    expect(alarms.active).toMatchObject([{ alarm: 'shard_stalled', detail: { phase: 'read' } }]);
    expect(interrupts[0]).toContain('the log holds message 9');
    expect(log.asked).toBeLessThanOrEqual(3);
  });
});

describe('no alarm', () => {
  it('while something moves, however slowly', async () => {
    const { alarms, shard, pass } = setUp({ ...READING, phase: 'load', isWaiting: true });
    for (let pieces = 0; pieces < 10; pieces++) {
      shard.health = { ...READING, phase: 'load', isWaiting: true, progress: `/0/${pieces}` };
      await pass(4);
    }
    expect(alarms.active).toEqual([]);
  });

  it('while nothing waits, and the log holds nothing more', async () => {
    const { alarms, log, pass } = setUp(READING);
    await pass(60);
    expect(alarms.active).toEqual([]);
    expect(log.asked).toBeLessThanOrEqual(12);
  });

  it('of a shard that is halted or given away', async () => {
    const { alarms, shards, shard, pass } = setUp({ ...READING, phase: 'commit', isWaiting: true });
    await pass(10);
    shard.health = undefined;
    await pass(1);
    expect(alarms.active).toEqual([]);
    shards.clear();
    await pass(10);
    expect(alarms.active).toEqual([]);
  });
});

describe('7.1 a shard that stands still for 30 s', () => {
  const COMMITTING: ShardHealth = { ...READING, phase: 'commit', isWaiting: true };

  it('is given back if the heartbeat of another worker reports progress, and not before', async () => {
    const { pass, others, givenBack, alarms } = setUp(COMMITTING);
    others.work = true;
    await pass(30);
    expect(givenBack).toEqual([]);
    await pass(2);
    expect(givenBack).toEqual([3]);
    expect(alarms.active).toMatchObject([{ alarm: 'shard_stalled', shard: 3 }]);
  });

  it('is kept as long as nobody else makes progress, and given back when somebody does', async () => {
    const { pass, others, givenBack } = setUp(COMMITTING);
    await pass(300);
    expect(givenBack).toEqual([]);
    others.work = true;
    await pass(1);
    expect(givenBack).toEqual([3]);
  });

  it('is kept when it moves in time', async () => {
    const { pass, others, givenBack, shard } = setUp(COMMITTING);
    others.work = true;
    for (let i = 0; i < 5; i++) {
      await pass(25);
      shard.health = { ...COMMITTING, progress: `${8 + i}/0/0` };
    }
    expect(givenBack).toEqual([]);
  });

  it('its worker reports no progress meanwhile, nor after it gave the shard back until another of its shards moves', async () => {
    const { pass, others, watch, shards } = setUp(COMMITTING);
    const busy = { health: READING, interrupt: () => undefined };
    shards.set(5, busy);
    await pass(3);
    expect(watch.works).toBe(true);
    await pass(5);
    expect(watch.works).toBe(false);
    others.work = true;
    await pass(30);
    expect([...shards.keys()]).toEqual([5]);
    await pass(10);
    expect(watch.works).toBe(false);
    busy.health = { ...READING, position: 8, progress: '8/1/0' };
    await pass(1);
    expect(watch.works).toBe(true);
  });
});
