import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/lib/program/command-line.ts';
import { parseOptions } from '../../verify/sim/options.ts';

describe('what the simulator is asked for', () => {
  it('is 100 seeds from 0 on, unless something else is said', () => {
    expect(parseOptions([])).toEqual({
      kind: 'seeds',
      start: 0,
      seeds: 100,
      isJson: false,
      isVerbose: false,
    });
    expect(parseOptions(['--seeds', '2000', '--start', '7', '--json'])).toMatchObject({
      start: 7,
      seeds: 2_000,
      isJson: true,
    });
  });

  it('is one seed, step by step, or a hunt for planted bugs', () => {
    expect(parseOptions(['--seed', '12'])).toMatchObject({ start: 12, seeds: 1, isVerbose: true });
    expect(parseOptions(['--planted'])).toMatchObject({ kind: 'planted', seeds: 1_000 });
  });

  it.each([
    [['--sed', '1'], /unknown option --sed.*--seed/],
    [['--seeds'], /--seeds needs a whole number.*nothing/],
    [['--seeds', '-1'], /whole number/],
    [['--seeds', '1e3'], /whole number/],
    [['--seeds', '0'], /plays nothing/],
    [['--seed', '1', '--seeds', '2'], /one seed/],
    [['7'], /unknown option 7/],
  ])('is refused by name when it is %j', (args, why) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(why);
  });
});
