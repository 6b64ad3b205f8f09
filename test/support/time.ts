import type { Clock } from '../../src/workers/shard/ports.ts';
import type { TimeSource } from '../../src/workers/time/log-time.ts';

/** A time that is what the clock says, and believes whatever a log says. */
export function believing(clock: Pick<Clock, 'now'>): TimeSource {
  return {
    now: () => clock.now(),
    doubtMs: 0,
    acceptedUntil: Number.POSITIVE_INFINITY,
    isLogBehind: false,
    suspectLog: () => undefined,
    sawAhead: () => undefined,
  };
}
