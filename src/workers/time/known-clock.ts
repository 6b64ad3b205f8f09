/** Whether the log still holds the Clock by which what is applied was decided. */
import { type LogMessage, messageHash } from '../../bus/log-message.ts';
import { LogDivergedError } from '../../lib/errors.ts';
import type { KnownClock } from '../../state/known-clock.ts';

/**
 * Throws {@link LogDivergedError} when it does not. `behind` are all that the log holds behind `position`; one before it
 * may have been trimmed, and goes only together with what the position is verified by.
 */
export function expectKnownClock(
  known: KnownClock | undefined,
  behind: readonly LogMessage[],
  position: number,
): void {
  if (known === undefined || known.seq <= position) return;
  const held = behind.find(({ seq }) => seq === known.seq);
  if (held !== undefined && messageHash(held) === known.hash) return;
  throw new LogDivergedError(
    `the log no longer holds Clock ${known.seq}, by which the times up to ${position} were decided`,
  );
}

/** The newest of those that are known; `behind` in the order of the log. */
export function newestClock(
  known: KnownClock | undefined,
  behind: readonly LogMessage[],
): KnownClock | undefined {
  const last = behind.at(-1);
  if (last === undefined || last.seq <= (known?.seq ?? 0)) return known;
  return { seq: last.seq, hash: messageHash(last) };
}
