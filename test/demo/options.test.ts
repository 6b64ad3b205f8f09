import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../demo/options.ts';
import { UsageError } from '../../src/lib/program/command-line.ts';

describe('the command line', () => {
  it('needs nothing', () => {
    expect(parseOptions([])).toEqual({
      trace: undefined,
      workers: 3,
      json: false,
      seed: 1,
      auth: false,
    });
  });

  it('takes a trace, workers, a seed and the form of the answer', () => {
    const args = ['--tasks', 't.csv', '--nodes=n.csv', '--workers', '5', '--seed', '42', '--json'];
    expect(parseOptions(args)).toEqual({
      trace: { tasksFile: 't.csv', nodesFile: 'n.csv' },
      workers: 5,
      json: true,
      seed: 42,
      auth: false,
    });
  });

  it('takes --auth', () => {
    expect(parseOptions(['--auth'])).toMatchObject({ auth: true });
  });

  it('gives help', () => {
    expect(parseOptions(['--help'])).toBe('help');
  });

  it.each([
    [['--auction']],
    [['surplus']],
    [['--tasks', 't.csv']],
    [['--nodes', 'n.csv']],
    [['--workers']],
    [['--workers', '0']],
    [['--workers', '17']],
    [['--workers', '2.5']],
    [['--seed', '-1']],
    [['--json=yes']],
  ])('refuses %j', (args) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
  });
});
