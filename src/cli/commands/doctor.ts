import type { Command } from 'commander';
import { ConfigurationError } from '../../lib/errors.ts';
import { EXIT } from '../../lib/program/exit.ts';
import { withoutCredentials } from '../../servers/given-server.ts';
import type { Config } from '../../workers/config.ts';
import type { Call, Run } from '../call.ts';
import { type Check, fail, ok } from '../doctor/check.ts';
import { aligned } from '../text.ts';

export function addDoctor(program: Command, run: Run): void {
  program
    .command('doctor')
    .description('examine servers, log, workers and shards; exits with 1 when something is broken')
    .action((_options: object, command: Command) => run(command, doctor));
}

async function doctor(call: Call): Promise<number> {
  let config: Config;
  try {
    config = call.config();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    await report(call, [fail('config', error.message)]);
    return EXIT.configuration;
  }
  const { examine } = await import('../doctor/examine.ts');
  const { checks, isNatsThere, isRedisThere } = await examine(config, call.areShardsGiven);
  await report(call, [configCheck(config), ...checks]);
  if (!isNatsThere || !isRedisThere) return EXIT.unavailable;
  return isHealthy(checks) ? EXIT.ok : EXIT.failure;
}

async function report({ out }: Call, checks: readonly Check[]): Promise<void> {
  const answer = { ok: isHealthy(checks), checks };
  await out.data(answer, () => {
    const table = aligned(checks.map(({ status, name, detail }) => [status, name, detail]));
    return `${table}\n\n${verdict(checks)}`;
  });
}

function isHealthy(checks: readonly Check[]): boolean {
  return checks.every(({ status }) => status !== 'fail');
}

function verdict(checks: readonly Check[]): string {
  const failed = checks.filter(({ status }) => status === 'fail').length;
  const warned = checks.filter(({ status }) => status === 'warn').length;
  if (failed > 0) return `${failed} of ${checks.length} checks failed`;
  return warned === 0 ? `all ${checks.length} checks passed` : `nothing is broken, ${warned} warnings`;
}

function configCheck({ namespace, natsUrl, redisUrl }: Config): Check {
  return ok(
    'config',
    `namespace ${namespace}, ${withoutCredentials(natsUrl)}, ${withoutCredentials(redisUrl)}`,
  );
}
