import type { Command } from 'commander';
import { EXIT } from '../../lib/program/exit.ts';
import type { Call, Run } from '../call.ts';
import { callerOf, layoutOf, withNats } from '../nats-connection.ts';

export function addDigest(program: Command, run: Run): void {
  program
    .command('digest')
    .description('print a digest of all state that comes from the log: the same log, the same digest')
    .action((_options: object, command: Command) => run(command, digest));
}

async function digest(call: Call): Promise<number> {
  const config = call.config();
  const { namespace } = config;
  const shards = call.areShardsGiven
    ? config.shards
    : (await withNats(config, (connection) => layoutOf(connection, config), callerOf(config))).shards;
  const { withRedis } = await import('../redis-connection.ts');
  const { stateDigest } = await import('../../state/digest.ts');
  const { StateQueries } = await import('../../state/queries.ts');
  return await withRedis(config, async (redis) => {
    const positions = async (): Promise<string> => {
      const stats = await new StateQueries(redis, namespace, shards).shardStats();
      return JSON.stringify(stats.map(({ position }) => position));
    };
    const before = await positions();
    const found = await stateDigest(redis, namespace, shards);
    if ((await positions()) !== before) {
      call.out.say(
        'decisions were applied during the digest, so it describes no single moment; stop the workers first',
      );
    }
    await call.out.data({ namespace, shards, digest: found }, () => found);
    return EXIT.ok;
  });
}
