/** The thread in which inputs are tried; see guarded.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Work } from './guarded.ts';
import { tryInputs } from './try-inputs.ts';

const { parts, seed, progress }: Work = workerData;
const place = new Int32Array(progress);

const failures = await tryInputs(parts, seed, {
  progress: (part, n) => {
    place[0] = part;
    place[1] = n;
  },
});
parentPort?.postMessage(failures);
