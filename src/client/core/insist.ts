/** The agent's own decisions (report, release, leave) are repeated until they have a final outcome. */

import {
  ConvergeError,
  messageOf,
  OutcomeTimeoutError,
  OutcomeUnknownError,
  PublishError,
} from '../../lib/errors.ts';
import { sleep } from '../../lib/timers.ts';
import type { ConvergeClient } from './client.ts';
import { type AnyOutcome, isRejected, type RejectedOutcome, retryAfterMs } from './outcomes.ts';

export interface InsistOptions {
  readonly client: Pick<ConvergeClient, 'newId' | 'isClosed' | 'outcomeRetentionMs'>;
  /** False when the answer no longer matters, or there is no more time. */
  readonly goOn: () => boolean;
  /** Told each time that it is not known whether it was decided. */
  readonly onError: (error: unknown) => void;
}

const RETRY_MS = 200;
const MAX_RETRY_MS = 5_000;

/**
 * Decides until there is an outcome that stays, or `goOn` says no; then the outcome is the last one, undefined if there
 * was none. The same id as long as the outcome is unknown, so that nothing happens twice, and no longer than half of the
 * time that the system remembers it: then it rejects with an {@link OutcomeUnknownError}. Another id only after a
 * rejection that may pass, when its time has come. Rejects with what trying again does not change.
 */
export async function insist<O extends AnyOutcome>(
  { client, goOn, onError }: InsistOptions,
  decide: (id: string) => Promise<O>,
): Promise<O | undefined> {
  let id = client.newId();
  let inDoubtSince: number | undefined;
  let last: O | undefined;
  while (goOn()) {
    let waitMs = RETRY_MS;
    const triedAt = performance.now();
    try {
      last = await decide(id);
      const rejection = rejectionIn(last);
      if (rejection?.transient !== true) return last;
      id = client.newId();
      inDoubtSince = undefined;
      waitMs = Math.max(RETRY_MS, retryAfterMs(rejection) ?? 0);
    } catch (error) {
      if (client.isClosed || !mayPass(error)) throw error;
      if (mayBeStored(error)) inDoubtSince ??= triedAt;
      onError(error);
      // Sent later than that, it could be decided a second time; and with another id it would be a second decision.
      const age = performance.now() - (inDoubtSince ?? Number.POSITIVE_INFINITY);
      if (age >= client.outcomeRetentionMs / 2) throw stillUnknown(id, error);
    }
    if (goOn()) await sleep(Math.min(waitMs, MAX_RETRY_MS));
  }
  return last;
}

function rejectionIn(outcome: AnyOutcome): RejectedOutcome | undefined {
  return isRejected(outcome) ? outcome : undefined;
}

function mayBeStored(error: unknown): boolean {
  if (error instanceof PublishError) return error.mayBeStored;
  return error instanceof OutcomeUnknownError || error instanceof OutcomeTimeoutError;
}

function stillUnknown(id: string, error: unknown): OutcomeUnknownError {
  if (error instanceof OutcomeUnknownError) return error;
  const reason = messageOf(error);
  return new OutcomeUnknownError(
    `what became of decision ${id} is not known, and it may be applied: it was sent for as long as that is safe (${reason})`,
    { cause: error },
  );
}

/** The servers are away, or late, or do not know what became of it. */
function mayPass(error: unknown): boolean {
  if (error instanceof PublishError && error.isFinal) return false;
  return error instanceof ConvergeError && error.kind === 'unavailable';
}

/** The rejection says that there is no such claim of the agent any more. */
export function isAboutTheClaim(code: string): boolean {
  return code === 'claim_lost' || code === 'already_final' || code.endsWith('_not_found');
}
