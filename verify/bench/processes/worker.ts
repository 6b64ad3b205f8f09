/** One worker, as `converge worker` runs it, in a process of its own. */
import { pino } from 'pino';
import { z } from 'zod';
import { parseConfig } from '../../../src/workers/config.ts';
import { startWorker } from '../../../src/workers/process/worker.ts';
import { configOf, serve } from '../support/serve.ts';

const lineSchema = z.object({ level: z.number(), msg: z.string().optional(), loadMs: z.number().optional() });
const WARNING = 40;

/** How long each shard took to load that had something to load. */
const loads: number[] = [];

/** A worker that is starved warns of the same thing again and again: once is enough here. */
const warned = new Set<string | undefined>();
function isNew(message: string | undefined): boolean {
  const { size } = warned;
  return warned.add(message).size > size;
}

const logger = pino(
  { level: 'info' },
  {
    write(line) {
      const { level, msg, loadMs } = lineSchema.parse(JSON.parse(line));
      if (level >= WARNING && isNew(msg)) process.stderr.write(line);
      if (msg === 'shard loaded' && loadMs !== undefined) loads.push(loadMs);
    },
  },
);

const worker = await startWorker(parseConfig(configOf(z.record(z.string(), z.unknown()))), { logger });

serve(
  {
    state: () => ({ shards: worker.shards, notReady: worker.notReady(), loads }),
    /** After a full collection, which needs --expose-gc. */
    memory: () => {
      globalThis.gc?.();
      globalThis.gc?.();
      const { heapUsed, rss } = process.memoryUsage();
      return { heapUsed, rss, collected: globalThis.gc !== undefined };
    },
  },
  () => worker.stop(),
);
