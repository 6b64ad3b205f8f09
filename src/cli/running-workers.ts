/** The common part of `worker` and `dev`: workers that run in this process. */
import type { Logger } from 'pino';
import { EXIT } from '../lib/program/exit.ts';
import { sleep } from '../lib/timers.ts';
import type { RunningWorker } from '../workers/process/worker.ts';
import type { Interruption } from './interruption.ts';

export interface WorkerSummary {
  readonly id: string;
  readonly health: string | undefined;
  readonly shards: readonly number[];
}

export function workerSummary({ id, healthUrl, shards }: RunningWorker): WorkerSummary {
  return { id, health: healthUrl, shards };
}

const CHECK_MS = 10;
const READY_WITHIN_MS = 10_000;

/**
 * Resolves when every shard that the workers hold is being worked on, when one is halted, which waiting does not help, or
 * when it takes too long. Returns what is not ready then.
 */
export async function untilReady(
  workers: readonly RunningWorker[],
  ending: AbortSignal,
): Promise<readonly string[]> {
  const deadline = performance.now() + READY_WITHIN_MS;
  let reasons = reasonsOf(workers);
  while (reasons.length > 0 && !reasons.some(isHalt) && performance.now() < deadline && !ending.aborted) {
    await sleep(CHECK_MS);
    reasons = reasonsOf(workers);
  }
  return reasons;
}

/** Waits until the call is to end. Throws the reason when a worker has ended by itself. */
export async function untilEnded(
  workers: readonly RunningWorker[],
  { requested }: Pick<Interruption, 'requested'>,
): Promise<void> {
  const why = await Promise.race([
    requested.then(() => undefined),
    // Workers that were stopped have no reason, and are no reason to end.
    ...workers.map(async ({ ended }) => (await ended) ?? (await requested.then(() => undefined))),
  ]);
  if (why !== undefined) throw why;
}

function reasonsOf(workers: readonly RunningWorker[]): string[] {
  return workers.flatMap((worker) => worker.notReady());
}

/** As the worker words it (`/readyz` has the same words). */
function isHalt(reason: string): boolean {
  return reason.includes(' is halted');
}

/** An error that nobody handled leaves a state that nobody knows: said, and ended. Leases lapse by themselves. */
export function endOnFault(logger: Logger, beforeEnd: () => void = () => undefined): void {
  const end = (error: unknown): void => {
    logger.fatal({ err: error }, 'unhandled error: the process exits');
    beforeEnd();
    process.exit(EXIT.failure);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}
