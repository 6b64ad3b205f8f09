/** `converge shard retry`: a shard that ended its owners is tried again at once, as any other. */
import type { Command } from 'commander';
import { EXIT } from '../../lib/program/exit.ts';
import type { Call, Run } from '../call.ts';
import { UsageError } from '../failure.ts';
import { callerOf, layoutOf, withNats } from '../nats-connection.ts';

export function addShard(program: Command, run: Run): void {
  const shard = program.command('shard').description('repair single shards');
  shard
    .command('retry')
    .argument('<shard>', 'number of the shard')
    .description(
      'clear the strikes of a shard that crashed its owners (alarm shard_poison): workers take it like any other again',
    )
    .action((number: string, _options: object, command: Command) =>
      run(command, (call) => retry(call, number)),
    );
}

async function retry(call: Call, number: string): Promise<number> {
  const config = call.config();
  const shards = call.areShardsGiven
    ? config.shards
    : (await withNats(config, (connection) => layoutOf(connection, config), callerOf(config))).shards;
  const shard = Number(number);
  if (!/^\d{1,4}$/.test(number) || shard >= shards)
    throw new UsageError(
      `there is no shard ${number.slice(0, 20)}: the system has shards 0 to ${shards - 1}`,
    );
  const { withRedis } = await import('../redis-connection.ts');
  const { shardKeys, systemKeys } = await import('../../state/keys.ts');
  const { redisTakenStore } = await import('../../state/taken-store.ts');
  const { namespace } = config;
  return await withRedis(config, async (redis) => {
    const store = redisTakenStore(redis, (of) => shardKeys(namespace, of), systemKeys(namespace));
    const { strikes } = await store.read(shard);
    await store.clear(shard);
    await store.endTrial(shard);
    await call.out.data({ shard, strikes }, () =>
      strikes === 0
        ? `shard ${shard} had no strikes`
        : `cleared ${strikes} strikes: workers take shard ${shard} like any other again`,
    );
    return EXIT.ok;
  });
}
