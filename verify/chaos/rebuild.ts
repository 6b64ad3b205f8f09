/** Whether the log alone gives the state that the running system came to. No worker may run meanwhile. */
import { join } from 'node:path';
import { z } from 'zod';
import { startRedis } from '../../src/servers/index.ts';
import { converge } from './command.ts';
import type { ChaosSystem } from './system/system.ts';

const rebuiltSchema = z.object({
  digest: z.string(),
  shards: z.array(z.object({ shard: z.int(), position: z.int() })),
});
const digestSchema = z.object({ digest: z.string() });
const ATTEMPTS = 3;
const APPLIED_WITHIN_MS = 15_000;

export interface Comparison {
  readonly isEqual: boolean;
  readonly what: string;
}

/** Makes the state again in another Redis and compares. Workers are stopped, and those that have to go on are started. */
export async function compareWithRebuild(system: ChaosSystem, dataDir: string): Promise<Comparison> {
  for (let attempt = 1; ; attempt++) {
    await system.stopWorkers();
    const { digest } = digestSchema.parse(await converge(['digest'], system.commandEnv()));
    const rebuilt = await rebuildBeside(system, join(dataDir, `rebuilt-${attempt}`));
    if (rebuilt.digest === digest) return { isEqual: true, what: digest };
    const isBehind = await standsBehind(system, rebuilt.shards);
    if (!isBehind || attempt === ATTEMPTS)
      return {
        isEqual: false,
        what: `running ${digest}, rebuilt ${rebuilt.digest}${isBehind ? ', not of one position' : ''}`,
      };
    // A sweep reached the log when the workers were ending: it has to be applied before there is anything to compare.
    await system.refill();
    await system.applied(APPLIED_WITHIN_MS);
  }
}

async function rebuildBeside(system: ChaosSystem, dataDir: string): Promise<z.output<typeof rebuiltSchema>> {
  const redis = await startRedis({ dataDir, env: system.serverEnv, log: () => undefined, appendOnly: false });
  try {
    return rebuiltSchema.parse(await converge(['rebuild'], system.commandEnv(redis.url)));
  } finally {
    await redis.kill();
  }
}

async function standsBehind(
  system: ChaosSystem,
  shards: z.output<typeof rebuiltSchema>['shards'],
): Promise<boolean> {
  const positions = await Promise.all(shards.map(({ shard }) => system.positionOf(shard)));
  return shards.some(({ position }, i) => position !== positions[i]);
}
