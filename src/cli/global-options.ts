/** The options that every command has, and those that stand for a setting. */
import { InvalidArgumentError, Option } from 'commander';
import type { z } from 'zod';
import { isPlainNumber, settingFault } from '../lib/setting-fault.ts';
import { isName, isReserved, OPERATOR } from '../protocol/names.ts';
import { configSchema } from '../workers/config.ts';

export interface GlobalOptions {
  readonly json?: true;
  readonly nats?: string;
  readonly redis?: string;
  readonly namespace?: string;
  readonly shards?: number;
  readonly creds?: string;
  readonly nkey?: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly context?: string;
}

export function globalOptions(): Option[] {
  return [
    new Option('--json', 'data as JSON, one text per line'),
    setting('--nats <url>', 'NATS servers, separated by commas', 'natsUrl'),
    setting('--redis <url>', 'Redis', 'redisUrl'),
    setting('--namespace <name>', 'which of the systems on these servers', 'namespace'),
    setting('--shards <number>', 'shards of the system, fixed when it is created', 'shards'),
    setting('--creds <file>', 'NATS credentials: a JWT and its seed', 'natsCreds'),
    setting('--nkey <file>', 'NATS credentials: the seed of an nkey (converge auth)', 'natsNkey'),
    setting('--user <name>', 'NATS credentials: a user, with a password', 'natsUser'),
    setting(
      '--password <text>',
      'better in CONVERGE_NATS_PASSWORD: others can see arguments',
      'natsPassword',
    ),
    setting('--token <text>', 'NATS credentials: a token; better in CONVERGE_NATS_TOKEN', 'natsToken'),
    setting('--context <name>', 'a context of the nats command, or its file', 'natsContext'),
  ];
}

/** An option for a setting: judged by the setting's own schema, so that a mistake is one of usage. */
export function setting(flags: string, text: string, name: keyof typeof configSchema.shape): Option {
  const schema: z.ZodType = configSchema.shape[name];
  return new Option(flags, text).argParser((value) => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new InvalidArgumentError(issue === undefined ? '' : sentence(settingFault(issue, undefined)));
    }
    if (typeof parsed.data === 'number' && !isPlainNumber(value))
      throw new InvalidArgumentError('Expected a whole number.');
    return parsed.data;
  });
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Reads a pool, an agent or an id. */
export function nameOption(text: string): string {
  if (!isName(text)) throw new InvalidArgumentError('Letters, digits, _ and -, 1 to 64 of them.');
  return text;
}

/** A name that an agent can have or give: those of the system begin with _. */
export function ownNameOption(text: string): string {
  if (isReserved(text))
    throw new InvalidArgumentError('Names that start with _ are reserved for the system.');
  return nameOption(text);
}

/** An agent, or the one name of the system under which its operators decide. */
export function operatorOption(text: string): string {
  return text === OPERATOR ? text : ownNameOption(text);
}

export function countOption(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count) || count < 1)
    throw new InvalidArgumentError('A positive integer.');
  return count;
}
