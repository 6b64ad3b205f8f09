/** The options of a program: flags, and values that are judged as they are taken. */
import { parseArgs } from 'node:util';
import { didYouMean } from '../did-you-mean.ts';
import { shortened } from '../shortened.ts';

const MAX_MESSAGE_CHARS = 1_000;

/** EX_USAGE of sysexits(3): the command line itself is wrong. */
export const EXIT_USAGE = 64;

/** The message names the fault; anyone who wrote the command line wants to see how it is written. */
export class UsageError extends Error {
  override readonly name = 'UsageError';

  constructor(message: string) {
    super(shortened(message, MAX_MESSAGE_CHARS));
  }
}

export interface OptionNames<Flag extends string, Value extends string> {
  readonly flags: readonly Flag[];
  readonly values: readonly Value[];
}

/** Of what is given twice, the last is meant. Everything that is wrong with it throws an {@link UsageError}. */
export class CommandLine<Flag extends string, Value extends string> {
  /** `--help` or `-h` is among it: then nothing else of it matters. */
  readonly asksForHelp: boolean;
  readonly #flags = new Set<string>();
  readonly #values = new Map<string, string | undefined>();

  constructor(args: readonly string[], { flags, values }: OptionNames<Flag, Value>) {
    const names = new Map<string, 'boolean' | 'string'>([
      ['help', 'boolean'],
      ...flags.map((name) => [name, 'boolean'] as const),
      ...values.map((name) => [name, 'string'] as const),
    ]);
    // Not strict: what is wrong is told in our own words, and with a suggestion.
    const { tokens } = parseArgs({
      args: [...args],
      strict: false,
      tokens: true,
      options: Object.fromEntries([...names].map(([name, type]) => [name, { type }])),
    });
    const given = tokens.filter((token) => token.kind !== 'option-terminator');
    this.asksForHelp = given.some(
      (token) => token.kind === 'option' && (token.rawName === '--help' || token.rawName === '-h'),
    );
    if (this.asksForHelp) return;
    for (const token of given) {
      if (token.kind === 'positional') throw unknown(token.value, names.keys());
      const { name, rawName, value, inlineValue } = token;
      const type = rawName === `--${name}` ? names.get(name) : undefined;
      if (type === undefined) throw unknown(rawName, names.keys());
      if (type === 'string' && inlineValue === false && value.startsWith('--'))
        throw new UsageError(`${rawName} has no value: ${value} follows it`);
      if (type === 'string') this.#values.set(name, value);
      else if (value === undefined) this.#flags.add(name);
      else throw new UsageError(`${rawName} takes no value`);
    }
  }

  has(flag: Flag): boolean {
    return this.#flags.has(flag);
  }

  /** `what` is what the option wants, in words: `a file`. */
  text(name: Value, what: string): string | undefined {
    return this.#judged(name, what, (text) => text);
  }

  wholeNumber(name: Value, least: number, most: number): number | undefined {
    return this.#judged(name, `a whole number from ${least} to ${most}`, (text) =>
      within(/^\d+$/.test(text) ? Number(text) : Number.NaN, least, most),
    );
  }

  number(name: Value, least: number, most: number): number | undefined {
    return this.#judged(name, `a number from ${least} to ${most}`, (text) =>
      within(/^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN, least, most),
    );
  }

  /** One of what is known; `kind` says what they are. */
  oneOf<Known extends string>(name: Value, kind: string, known: readonly Known[]): Known | undefined {
    return this.#judged(name, `a ${kind}`, (text) => named(text, name, kind, known));
  }

  /** Some of what is known, with commas between; in its order, whatever the order in which they were named. */
  someOf<Known extends string>(
    name: Value,
    kind: string,
    known: readonly Known[],
  ): readonly Known[] | undefined {
    return this.#judged(name, `some ${kind}s`, (text) => {
      const wanted = new Set(text.split(',').map((part) => named(part.trim(), name, kind, known)));
      return known.filter((one) => wanted.has(one));
    });
  }

  #judged<T>(name: Value, wants: string, judge: (text: string) => T | undefined): T | undefined {
    if (!this.#values.has(name)) return undefined;
    const text = this.#values.get(name);
    if (text === undefined) throw new UsageError(`--${name} needs ${wants}, and got nothing`);
    const value = judge(text);
    if (value === undefined) throw new UsageError(`--${name} wants ${wants}, not ${JSON.stringify(text)}`);
    return value;
  }
}

function within(number: number, least: number, most: number): number | undefined {
  return number >= least && number <= most ? number : undefined;
}

function named<Known extends string>(
  text: string,
  option: string,
  kind: string,
  known: readonly Known[],
): Known {
  const found = known.find((one) => one === text);
  if (found !== undefined) return found;
  throw new UsageError(`--${option}: there is no ${kind} ${JSON.stringify(text)}${didYouMean(text, known)}`);
}

function unknown(arg: string, names: Iterable<string>): UsageError {
  const options = [...names].map((name) => `--${name}`);
  return new UsageError(`unknown option ${arg}${didYouMean(arg, options)}`);
}
