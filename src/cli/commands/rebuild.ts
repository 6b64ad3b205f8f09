import type { Command } from 'commander';
import { EXIT } from '../../errors.ts';
import type { Call, Run } from '../call.ts';
import { aligned } from '../text.ts';

interface RebuildOptions {
  readonly force?: true;
}

export function addRebuild(program: Command, run: Run): void {
  program
    .command('rebuild')
    .description('make the state in Redis again from the log, while no worker runs; publishes nothing')
    .option('--force', 'remove first what Redis holds of this system')
    .action((options: RebuildOptions, command: Command) =>
      run(command, (call) => rebuildState(call, options.force === true)),
    );
}

async function rebuildState(call: Call, force: boolean): Promise<number> {
  const config = call.config();
  const level = call.isLogLevelGiven ? config.logLevel : 'warn';
  const { rebuild } = await import('../../workers/rebuild.ts');
  const logger = await call.logger(level);
  const { shards, digest } = await rebuild(config, { logger, force });
  await call.out.data({ shards, digest }, () => {
    const rows = shards.map(({ shard, position }) => [`shard ${shard}`, `position ${position}`]);
    return `${aligned(rows)}\ndigest ${digest}`;
  });
  return EXIT.ok;
}
