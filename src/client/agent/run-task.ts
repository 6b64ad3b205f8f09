/** Does the work of one claim and says how it ended. */
import { messageOf } from '../../errors.ts';
import { isObject, type Json } from '../../protocol/json.ts';
import { MAX_REASON_CHARS } from '../../protocol/limits.ts';
import { sleep } from '../../timers.ts';
import type { ConvergeClient } from '../client.ts';
import { type HeldTask, isAccepted, type OutcomeOf } from '../outcomes.ts';
import type { TaskManager } from '../task-manager.ts';
import type { HeldClaim } from './held-claim.ts';

/** A task as `work` gets it. */
export type WorkTask = HeldTask & { readonly pool: string };

export interface WorkContext {
  /** Aborted when the claim is lost (cancelled, expired, given away) or the agent stops: nobody waits any more. */
  readonly signal: AbortSignal;
  /** Tells how far the work is, between 0 and 1; also a sign that the claim is to be kept. */
  progress(fraction: number, note?: string): void;
  readonly client: ConvergeClient;
}

/**
 * The result becomes that of the task; nothing is null. What it throws fails the task, which is tried again while it
 * has attempts, unless the error has `retryable: false`.
 */
export type Work = (task: WorkTask, context: WorkContext) => Promise<Json | undefined> | Json | undefined;

export interface RunTaskOptions {
  readonly work: Work;
  readonly claim: HeldClaim;
  readonly client: ConvergeClient;
  readonly tasks: TaskManager;
}

const RETRY_MS = 200;

/** Resolves when the task is reported or failed, or the claim is lost. Rejects when the system refused both. */
export async function runTask(options: RunTaskOptions): Promise<void> {
  const { work, claim, client } = options;
  const done = await attempt(() =>
    work(
      { ...claim.task, pool: claim.pool },
      { signal: claim.signal, progress: (fraction, note) => claim.progress(fraction, note), client },
    ),
  );
  if (claim.hasEnded) return;
  if ('error' in done) return fail(options, messageOf(done.error), isRetryable(done.error));
  const refusal = await report(options, done.result ?? null);
  if (refusal !== undefined) await fail(options, `the result was refused: ${refusal}`, true);
}

async function attempt(
  work: () => Promise<Json | undefined> | Json | undefined,
): Promise<{ readonly result: Json | undefined } | { readonly error: unknown }> {
  try {
    return { result: await work() };
  } catch (error) {
    return { error };
  }
}

function isRetryable(error: unknown): boolean {
  return !(isObject(error) && error.retryable === false);
}

/** Why the result was refused; undefined when it was not, or it no longer matters. */
async function report(options: RunTaskOptions, result: Json): Promise<string | undefined> {
  const { claim, tasks } = options;
  const { taskId } = claim.task;
  const outcome = await untilDecided(options, (about) => tasks.report(taskId, result, about));
  if (outcome === undefined || claim.hasEnded) return undefined;
  if (isAccepted(outcome)) claim.end();
  else if (isAboutTheClaim(outcome.code)) claim.lose(outcome.code);
  else return `${outcome.code}: ${outcome.message ?? ''}`;
  return undefined;
}

async function fail(options: RunTaskOptions, reason: string, retryable: boolean): Promise<void> {
  const { claim, tasks } = options;
  const { taskId } = claim.task;
  const said = reason.slice(0, MAX_REASON_CHARS).toWellFormed();
  const outcome = await untilDecided(options, (about) =>
    tasks.failTask(taskId, said, { ...about, retryable }),
  );
  if (outcome === undefined || claim.hasEnded) return;
  if (isAccepted(outcome)) return claim.end();
  claim.lose(outcome.code);
  if (!isAboutTheClaim(outcome.code)) {
    throw new Error(`task ${taskId} could not be failed: ${outcome.code}: ${outcome.message ?? ''}`);
  }
}

interface About {
  readonly id: string;
  readonly pool: string;
  readonly epoch: number;
}

type Ending = OutcomeOf<'ReportTask' | 'FailTask'>;

/**
 * Decides until there is an answer that stays, or the claim is over. The same id as long as the answer is unknown, so
 * that nothing happens twice; another one after a rejection that may pass.
 */
async function untilDecided(
  { claim, client }: RunTaskOptions,
  decide: (about: About) => Promise<Ending>,
): Promise<Ending | undefined> {
  const { pool, task } = claim;
  let id = client.newId();
  while (!claim.hasEnded) {
    try {
      const outcome = await decide({ id, pool, epoch: task.claim.epoch });
      if (isAccepted(outcome) || outcome.transient !== true) return outcome;
      id = client.newId();
    } catch {
      // The infrastructure failed: the claim is renewed, or ends, all the while.
    }
    await sleep(RETRY_MS);
  }
  return undefined;
}

function isAboutTheClaim(code: string): boolean {
  return code === 'claim_lost' || code === 'already_final' || code.endsWith('_not_found');
}
