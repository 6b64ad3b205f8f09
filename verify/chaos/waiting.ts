/** I9 when all is quiet: no task waits beside an offer that could have it. No worker may run meanwhile. */
import { shardKeys } from '../../src/state/keys.ts';
import { RedisShardStore } from '../../src/state/redis-shard-store.ts';
import { type Pair, waitingInShard } from '../kit/waiting/in-vain.ts';
import type { ChaosSystem } from './system/system.ts';

export async function waitingInVain({ admin, namespace, shards }: ChaosSystem): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const store = new RedisShardStore(admin, admin, shardKeys(namespace, shard));
    for (const pair of waitingInShard(await store.load())) pairs.push(pair);
  }
  return pairs;
}
