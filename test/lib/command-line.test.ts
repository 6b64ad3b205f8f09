/** Command lines as the demo, the benchmark, chaos, the fuzzer and the simulator have them. */
import { describe, expect, it } from 'vitest';
import { CommandLine, UsageError } from '../../src/lib/program/command-line.ts';

const COLOURS = ['red', 'green', 'blue'] as const;

const lineOf = (...args: string[]) =>
  new CommandLine(args, { flags: ['json'], values: ['file', 'count', 'minutes', 'colours', 'colour'] });

describe('a command line', () => {
  it('holds flags, and values of every kind', () => {
    const line = lineOf('--json', '--file=f.csv', '--count', '7', '--minutes', '0.5', '--colour', 'red');
    expect(line.has('json')).toBe(true);
    expect(line.text('file', 'a file')).toBe('f.csv');
    expect(line.wholeNumber('count', 0, 7)).toBe(7);
    expect(line.number('minutes', 0.5, 9)).toBe(0.5);
    expect(line.oneOf('colour', 'colour', COLOURS)).toBe('red');
  });

  it('says of what was not given that it was not', () => {
    const line = lineOf();
    expect(line.asksForHelp).toBe(false);
    expect(line.has('json')).toBe(false);
    expect(line.text('file', 'a file')).toBeUndefined();
    expect(line.wholeNumber('count', 1, 2)).toBeUndefined();
    expect(line.number('minutes', 1, 2)).toBeUndefined();
    expect(line.oneOf('colour', 'colour', COLOURS)).toBeUndefined();
    expect(line.someOf('colours', 'colour', COLOURS)).toBeUndefined();
  });

  it('takes what looks like an option for a value only where there is no doubt', () => {
    expect(lineOf('--file=--json').text('file', 'a file')).toBe('--json');
    expect(() => lineOf('--file').text('file', 'a file')).toThrow(
      new UsageError('--file needs a file, and got nothing'),
    );
  });

  it('means the last of what is given twice', () => {
    expect(lineOf('--count', '1', '--count', '2').wholeNumber('count', 0, 9)).toBe(2);
  });

  it('has some of what is known in the order in which it is known, each once', () => {
    const line = lineOf('--colours', 'blue, red,blue');
    expect(line.someOf('colours', 'colour', COLOURS)).toEqual(['red', 'blue']);
  });

  it.each([[['--help']], [['-h']], [['--cuont', '7', '-h']]])(
    'asks for help, whatever else is in it: %j',
    (args) => {
      expect(lineOf(...args).asksForHelp).toBe(true);
    },
  );
});

describe('what is refused, and in which words', () => {
  it.each([
    [['--cuont', '7'], 'unknown option --cuont; did you mean --count?'],
    [['--quick=1'], 'unknown option --quick'],
    [['--no-json'], 'unknown option --no-json; did you mean --json?'],
    [['--constructor'], 'unknown option --constructor'],
    [['--json', 'surplus'], 'unknown option surplus'],
    [['-x'], 'unknown option -x'],
    [['--json=yes'], '--json takes no value'],
    [['--file', '--json'], '--file has no value: --json follows it'],
  ])('%j, at once', (args, message) => {
    expect(() => lineOf(...args)).toThrow(new UsageError(message));
  });

  it.each([
    [['--count'], '--count needs a whole number from 1 to 9, and got nothing'],
    [['--count', ''], '--count wants a whole number from 1 to 9, not ""'],
    [['--count', '0'], '--count wants a whole number from 1 to 9, not "0"'],
    [['--count', '10'], '--count wants a whole number from 1 to 9, not "10"'],
    [['--count', '-1'], '--count wants a whole number from 1 to 9, not "-1"'],
    [['--count', '2.5'], '--count wants a whole number from 1 to 9, not "2.5"'],
    [['--count', '1e0'], '--count wants a whole number from 1 to 9, not "1e0"'],
  ])('%j, as a whole number from 1 to 9', (args, message) => {
    expect(() => lineOf(...args).wholeNumber('count', 1, 9)).toThrow(new UsageError(message));
  });

  it.each(['0.1', '10', '.5', '1.', '-1', 'Infinity'])('%j, as a number from 0.2 to 9', (text) => {
    expect(() => lineOf('--minutes', text).number('minutes', 0.2, 9)).toThrow(
      new UsageError(`--minutes wants a number from 0.2 to 9, not ${JSON.stringify(text)}`),
    );
  });

  it('what is not known, with what may have been meant', () => {
    expect(() => lineOf('--colour', 'gren').oneOf('colour', 'colour', COLOURS)).toThrow(
      new UsageError('--colour: there is no colour "gren"; did you mean green?'),
    );
    expect(() => lineOf('--colours', 'red,,blue').someOf('colours', 'colour', COLOURS)).toThrow(
      new UsageError('--colours: there is no colour ""'),
    );
  });
});
