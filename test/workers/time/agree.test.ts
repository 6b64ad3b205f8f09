/** True time from clocks of which some are wrong (rule 3.2). */
import { describe, expect, it } from 'vitest';
import {
  type Agreement,
  agree,
  MOST_SPREAD_MS,
  type Reading,
  skewOf,
} from '../../../src/workers/time/agree.ts';
import { Random } from '../../../verify/kit/chance/random.ts';

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

function at(offset: number, clock: string, machine = 'here', doubt = 5): Reading {
  return { clock, machine, low: offset - doubt, high: offset + doubt };
}

const BEFORE: Agreement = { offsetMs: 0, spreadMs: 0 };

describe('one worker, Redis and NATS on one machine', () => {
  const small = (worker: number, redis: number, log?: number): Reading[] => [
    at(worker, 'worker'),
    at(redis, 'redis'),
    ...(log === undefined ? [] : [at(log, 'log')]),
  ];

  it('two that agree are enough, and one alone is not', () => {
    expect(agree(small(0, 0))?.offsetMs).toBe(0);
    expect(agree([at(0, 'worker')])).toBeUndefined();
  });

  it.each([1_200 * 10, HOUR, YEAR, -HOUR, -YEAR])(
    'no single clock that steps by %s moves the time, nor stops the work',
    (step) => {
      expect(agree(small(step, 0), BEFORE)?.offsetMs).toBeCloseTo(0, -1);
      expect(agree(small(0, step), BEFORE)?.offsetMs).toBeCloseTo(0, -1);
      expect(agree(small(0, 0, step), BEFORE)?.offsetMs).toBeCloseTo(0, -1);
      // One that begins has no time that was agreed before: the log decides.
      expect(agree(small(step, 0))).toBeUndefined();
      expect(agree(small(step, 0, 0))?.offsetMs).toBe(0);
      expect(agree(small(0, step, 0))?.offsetMs).toBe(0);
    },
  );

  it.each([HOUR, -YEAR])('two clocks that step together by %s are not believed', (step) => {
    expect(agree(small(step, step, 0), BEFORE)).toBeUndefined();
    expect(agree(small(step, 0, step), BEFORE)).toBeUndefined();
    expect(agree(small(step, 0), BEFORE)?.offsetMs).toBeCloseTo(0, -1);
    expect(agree(small(0, step, step), BEFORE)).toBeUndefined();
  });

  it('a step of all at once is believed: the time of the machine was set', () => {
    expect(agree(small(-HOUR, -HOUR, -HOUR), BEFORE)?.offsetMs).toBe(-HOUR);
    expect(agree(small(HOUR, HOUR), BEFORE)?.offsetMs).toBe(HOUR);
  });

  it('a step is not believed while a clock that would contradict it does not answer', () => {
    const wrong = [at(YEAR, 'worker'), at(YEAR, 'log')];
    expect(agree(wrong, BEFORE, 1)).toBeUndefined();
    expect(agree([...wrong, at(YEAR, 'redis')], BEFORE)?.offsetMs).toBe(YEAR);
  });

  it('three clocks that say three things say nothing', () => {
    expect(agree(small(0, HOUR, YEAR))).toBeUndefined();
  });
});

describe('several machines', () => {
  it('each has one vote, however many processes it has', () => {
    const readings = [
      at(YEAR, 'w1', 'a'),
      at(YEAR, 'w2', 'a'),
      at(YEAR, 'w3', 'a'),
      at(0, 'redis', 'b'),
      at(0, 'w4', 'c'),
    ];
    expect(agree(readings)?.offsetMs).toBe(0);
    expect(agree(readings.slice(0, 4))).toBeUndefined();
    expect(agree(readings.slice(0, 4), BEFORE)?.offsetMs).toBeCloseTo(0, -1);
  });

  it('one whose processes contradict each other bears nothing out', () => {
    const readings = [at(0, 'w1', 'a'), at(0, 'redis', 'b'), at(YEAR, 'log', 'b')];
    expect(agree(readings, BEFORE)?.offsetMs).toBe(0);
    expect(agree(readings)).toBeUndefined();
  });

  it('that are a few seconds apart work together, at the time between them', () => {
    const agreed = agree([at(0, 'w1', 'a'), at(4_000, 'redis', 'b')]);
    expect(agreed?.offsetMs).toBe(2_000);
    expect(agreed?.spreadMs).toBe(3_990);
    expect(agree([at(0, 'w1', 'a'), at(6_000, 'redis', 'b')])).toBeUndefined();
  });
});

it('a skew is what a clock is wrong by at least', () => {
  expect(skewOf(at(0, 'x'), BEFORE)).toBe(0);
  expect(skewOf(at(HOUR, 'x'), BEFORE)).toBe(HOUR - 5);
  expect(skewOf(at(-HOUR, 'x'), BEFORE)).toBe(-HOUR + 5);
  expect(skewOf(at(1_000, 'x'), { offsetMs: 0, spreadMs: 2_000 })).toBe(0);
});

describe('whatever the clocks are', () => {
  const draw = (
    dice: Random,
    count: number,
    wrong: number,
    machines: number,
  ): { readings: Reading[]; truth: number } => {
    const truth = dice.between(-YEAR, YEAR);
    const readings = Array.from({ length: count }, (_, i) => {
      const doubt = dice.next() * 200;
      const error =
        i < wrong
          ? dice.pick([-YEAR, -HOUR, -20_000, 20_000, HOUR, YEAR]) + dice.next()
          : dice.span(-300, 300);
      const machine = machines === 1 ? 'one' : `m${i}`;
      return { clock: `c${i}`, machine, low: truth + error - doubt, high: truth + error + doubt };
    });
    return { readings, truth };
  };

  it.each([1, 2])('less than half of them cannot move the time, on %s machines or more', (machines) => {
    for (let seed = 0; seed < 2_000; seed++) {
      const dice = new Random(seed);
      const count = dice.between(2, 9);
      const { readings, truth } = draw(dice, count, dice.integer(Math.ceil(count / 2)), machines);
      const agreed = agree(readings);
      expect(Math.abs((agreed?.offsetMs ?? Number.NaN) - truth), `seed ${seed}`).toBeLessThan(1_000);
    }
  });

  it('with a time that was agreed before not even half of them can', () => {
    for (let seed = 0; seed < 2_000; seed++) {
      const dice = new Random(seed);
      const wrong = dice.between(1, 4);
      const { readings, truth } = draw(dice, 2 * wrong, wrong, 1);
      const agreed = agree(readings, { offsetMs: truth, spreadMs: 0 });
      expect(Math.abs((agreed?.offsetMs ?? Number.NaN) - truth), `seed ${seed}`).toBeLessThan(1_000);
    }
  });

  it('the order in which they are read is no matter, and the spread has its bound', () => {
    for (let seed = 0; seed < 1_000; seed++) {
      const dice = new Random(seed);
      const count = dice.between(1, 7);
      const { readings } = draw(dice, count, dice.integer(count + 1), dice.between(1, 2));
      const agreed = agree(readings);
      expect(agree([...readings].reverse()), `seed ${seed}`).toEqual(agreed);
      expect(agreed?.spreadMs ?? 0).toBeLessThanOrEqual(MOST_SPREAD_MS);
    }
  });
});
