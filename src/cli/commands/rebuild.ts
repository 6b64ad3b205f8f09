import type { Command } from 'commander';
import { EXIT } from '../../lib/program/exit.ts';
import type { Call, Run } from '../call.ts';
import { aligned } from '../text.ts';

interface RebuildOptions {
  readonly force?: true;
  readonly fromLog?: true;
}

export function addRebuild(program: Command, run: Run): void {
  program
    .command('rebuild')
    .description(
      'rebuild the state in Redis from snapshots and the log while no worker runs; publishes nothing',
    )
    .option('--force', 'first remove the state that Redis holds of this system')
    .option('--from-log', 'use no snapshots; only for a log that was never trimmed')
    .action((options: RebuildOptions, command: Command) =>
      run(command, (call) => rebuildState(call, options)),
    );
}

async function rebuildState(call: Call, options: RebuildOptions): Promise<number> {
  const config = call.config();
  const level = call.isLogLevelGiven ? config.logLevel : 'warn';
  const { rebuild } = await import('../../workers/snapshots/rebuild.ts');
  const logger = await call.logger(level);
  const { shards, digest } = await rebuild(config, {
    logger,
    force: options.force === true,
    fromLog: options.fromLog === true,
  });
  await call.out.data({ shards, digest }, () => {
    const rows = shards.map(({ shard, position, from }) => [
      `shard ${shard}`,
      `position ${position}`,
      from === 'log' ? 'from the log' : `from the snapshot at ${from.position}`,
    ]);
    return `${aligned(rows)}\ndigest ${digest}`;
  });
  return EXIT.ok;
}
