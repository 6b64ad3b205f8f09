/** Does the work of one claim and says how it ended. */
import { DecisionRejectedError, messageOf, PublishError } from '../../lib/errors.ts';
import { isObject, type Json } from '../../protocol/json.ts';
import { MAX_REASON_CHARS } from '../../protocol/limits.ts';
import type { HeldTask } from '../../protocol/outcome-data.ts';
import { boundedText } from '../core/bounded-text.ts';
import type { ConvergeClient } from '../core/client.ts';
import { insist, isAboutTheClaim } from '../core/insist.ts';
import { isAccepted, type OutcomeOf } from '../core/outcomes.ts';
import type { TaskManager } from '../managers/task-manager.ts';
import type { HeldClaim } from './held-claim.ts';

/** A task as `work` gets it. */
export type WorkTask = HeldTask & { readonly pool: string };

/** What the `work` of an agent may know and use. */
export interface WorkContext {
  /** Aborted when the claim is lost (cancelled, expired, given away) or the agent stops: nobody waits any more. */
  readonly signal: AbortSignal;
  /** Tells how far the work is, between 0 and 1; also a sign that the claim is to be kept. A long note is cut. */
  progress(fraction: number, note?: string): void;
  readonly client: ConvergeClient;
}

/**
 * The result becomes that of the task; nothing is null. What it throws, whatever that is, fails the task, which is tried
 * again while it has attempts, unless the error has `retryable: false`. So does a result that a decision cannot hold.
 */
export type Work = (task: WorkTask, context: WorkContext) => Promise<Json | undefined> | Json | undefined;

/** What `work` returned can be no result: the attempt has failed, with the reason. */
export class WorkResultError extends Error {
  override readonly name = 'WorkResultError';
}

export interface RunTaskOptions {
  readonly work: Work;
  readonly claim: HeldClaim;
  readonly client: ConvergeClient;
  readonly tasks: TaskManager;
  readonly onError: (error: unknown) => void;
}

/** Resolves when the task is reported or failed, or the claim is lost. Rejects when neither could be said. */
export async function runTask(options: RunTaskOptions): Promise<void> {
  const { claim } = options;
  const done = await attempt(options);
  if (claim.hasEnded) return;
  if ('error' in done) return fail(options, messageOf(done.error), isRetryable(done.error));
  const refusal = await report(options, done.result ?? null);
  if (refusal === undefined) return;
  // It would be refused again, whatever the task is: its author has to know.
  options.onError(new WorkResultError(`the result of task ${claim.task.taskId} was refused: ${refusal}`));
  await fail(options, `the result was refused: ${refusal}`, true);
}

async function attempt({
  work,
  claim,
  client,
}: RunTaskOptions): Promise<{ readonly result: Json | undefined } | { readonly error: unknown }> {
  const context: WorkContext = {
    signal: claim.signal,
    progress: (fraction, note) => claim.progress(fraction, note),
    client,
  };
  try {
    return { result: await begun(claim, () => work({ ...claim.task, pool: claim.pool }, context)) };
  } catch (error) {
    return { error };
  }
}

/** Until the work first waits nothing else can be done: the claim is not renewed either. */
function begun<T>(claim: HeldClaim, work: () => T): T {
  const began = performance.now();
  try {
    return work();
  } finally {
    claim.wasBlocked(performance.now() - began);
  }
}

/** Asking an error may itself throw: it can be any object. */
function isRetryable(error: unknown): boolean {
  try {
    return !(isObject(error) && error.retryable === false);
  } catch {
    return true;
  }
}

/** Why the result was refused; undefined when it was not, or it no longer matters. */
async function report(options: RunTaskOptions, result: Json): Promise<string | undefined> {
  const { claim, tasks } = options;
  const { taskId } = claim.task;
  try {
    const outcome = await untilDecided(options, (about) => tasks.report(taskId, result, about));
    if (outcome === undefined || claim.hasEnded) return undefined;
    if (isAccepted(outcome)) claim.end();
    else if (isAboutTheClaim(outcome.code)) claim.lose(outcome.code);
    else return `${outcome.code}: ${outcome.message ?? ''}`;
    return undefined;
  } catch (error) {
    // A failure is a smaller decision, which the log may take.
    if (error instanceof PublishError) return messageOf(error);
    throw error;
  }
}

async function fail(options: RunTaskOptions, reason: string, retryable: boolean): Promise<void> {
  const { claim, tasks } = options;
  const { taskId } = claim.task;
  const said = boundedText(reason, MAX_REASON_CHARS);
  const outcome = await untilDecided(options, (about) =>
    tasks.failTask(taskId, said, { ...about, retryable }),
  );
  if (outcome === undefined || claim.hasEnded) return;
  if (isAccepted(outcome)) return claim.end();
  if (isAboutTheClaim(outcome.code)) return claim.lose(outcome.code);
  throw new DecisionRejectedError(
    outcome.code,
    `could not fail task ${taskId}: ${outcome.message ?? 'no reason given'}`,
  );
}

interface About {
  readonly id: string;
  readonly pool: string;
  readonly epoch: number;
}

type Ending = OutcomeOf<'ReportTask' | 'FailTask'>;

function untilDecided(
  { claim, client, onError }: RunTaskOptions,
  decide: (about: About) => Promise<Ending>,
): Promise<Ending | undefined> {
  const { pool, task } = claim;
  return insist({ client, goOn: () => !claim.hasEnded, onError }, (id) =>
    decide({ id, pool, epoch: task.claim.epoch }),
  );
}
