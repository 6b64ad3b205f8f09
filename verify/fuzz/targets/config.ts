/** The environment of a worker: a configuration, or a ConfigurationError or CredentialsError that says in a line what is wrong. */

import { ConfigurationError, CredentialsError } from '../../../src/lib/errors.ts';
import { configFromEnv, configVariables, parseConfig } from '../../../src/workers/config.ts';
import type { Random } from '../../kit/chance/random.ts';
import { nastyText } from '../mutate/nasty.ts';
import { must, mustBeTellable } from '../oracle.ts';
import type { Target } from './target.ts';

const VARIABLES = configVariables();
const VALUES = [
  '',
  '0',
  '1',
  '16',
  '200',
  '5000',
  'converge',
  'info',
  '127.0.0.1',
  'nats://x:4222',
  '1073741824',
] as const;

export const configTarget: Target = {
  name: 'config',
  share: 0.06,
  trial(random) {
    const env = environmentOf(random);
    return { input: Buffer.from(JSON.stringify(env)), run: () => check(env) };
  },
};

function environmentOf(random: Random): Record<string, string> {
  const env: Record<string, string> = { PATH: '/bin' };
  for (let i = random.integer(4); i >= 0; i--) {
    const known = VARIABLES[random.integer(VARIABLES.length)] ?? 'CONVERGE_SHARDS';
    const name = random.chance(0.1)
      ? `CONVERGE_${nastyText(random)}`
      : random.chance(0.05)
        ? known.slice(0, -1)
        : known;
    Object.defineProperty(env, name, {
      value: random.chance(0.5) ? random.pick(VALUES) : nastyText(random),
      enumerable: true,
      configurable: true,
    });
  }
  return env;
}

function check(env: Readonly<Record<string, string>>): void {
  try {
    const config = configFromEnv(env);
    must(Number.isSafeInteger(config.shards) && config.shards >= 1, 'the number of shards is none');
    const again = parseConfig(JSON.parse(JSON.stringify(config)));
    must(
      JSON.stringify(again) === JSON.stringify(config),
      'written and read again it is another configuration',
    );
  } catch (error) {
    if (!(error instanceof ConfigurationError || error instanceof CredentialsError)) throw error;
    mustBeTellable('the message', error.message, 1_000);
  }
}
