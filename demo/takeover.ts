/** Kills the worker that matters most, and watches the others take over its shards. */
import type { ConvergeClient } from '../src/client/core/client.ts';
import { sleep } from '../src/lib/timers.ts';
import { shardOf } from '../src/protocol/shard.ts';
import type { Cluster } from './cluster/cluster.ts';

export interface TakeoverOptions {
  readonly cluster: Cluster;
  readonly client: ConvergeClient;
  /** The pool with the most to do: whoever works for it is killed. */
  readonly pool: string;
  readonly say: (line: string) => void;
}

const POLL_MS = 100;
const WITHIN_MS = 20_000;

/** Resolves when every shard of the killed worker is somebody else's. */
export async function killBusiestWorker({ cluster, client, pool, say }: TakeoverOptions): Promise<void> {
  const shard = shardOf(pool, cluster.shards);
  const before = await owners(client);
  const worker = cluster.workers.find(({ id }) => id === before[shard]) ?? cluster.workers[0];
  if (worker === undefined) return;
  const orphaned = before.flatMap((owner, i) => (owner === worker.id ? [i] : []));
  say(
    `worker ${worker.id} (process ${worker.pid}), which works for pool ${pool} and holds ${orphaned.length} of ` +
      `${cluster.shards} shards, is killed with SIGKILL`,
  );
  const killed = performance.now();
  await worker.kill();
  while (performance.now() - killed < WITHIN_MS) {
    const now = await owners(client);
    const areTaken = orphaned.every((i) => now[i] !== undefined && now[i] !== worker.id);
    if (areTaken) {
      const heirs = [...new Set(orphaned.map((i) => now[i]))].join(' and ');
      const seconds = ((performance.now() - killed) / 1_000).toFixed(1);
      say(`${heirs} took over the shards of ${worker.id} after ${seconds} s and went on where it stood`);
      return;
    }
    await sleep(POLL_MS);
  }
  say(`ALARM: shards of ${worker.id} have no owner ${WITHIN_MS / 1_000} s after its end`);
}

/** Who holds each shard, by their numbers. */
async function owners(client: ConvergeClient): Promise<(string | undefined)[]> {
  const { shards } = await client.query('stats', {});
  return shards.map(({ owner }) => owner);
}
