/**
 * A worker process of the demo: one worker, told by its environment what to do. It says over the channel to its parent
 * when it can work, stops at SIGTERM, and does not outlive its parent.
 */

import { sleep } from '../../src/lib/timers.ts';
import { configFromEnv } from '../../src/workers/config.ts';
import { startWorker } from '../../src/workers/process/worker.ts';
import { WORKER_READY } from './worker-child.ts';

const POLL_MS = 20;
const ORPHANED = 1;

process.on('disconnect', () => process.exit(ORPHANED));
// The parent may have gone while this was being loaded.
if (!process.connected) process.exit(ORPHANED);
const worker = await startWorker(configFromEnv(process.env));
let isStopping = false;
process.on('SIGTERM', () => {
  isStopping = true;
  void worker.stop().then(() => process.exit(0));
});
while (worker.notReady().length > 0 && !isStopping) await sleep(POLL_MS);
process.send?.(WORKER_READY);
