/** Whether a state has counted stamps that an operator has said since do not count. */
import type { LogMessage } from '../../bus/log-message.ts';
import type { LogPlace } from '../../protocol/decode.ts';
import type { KnownClock } from '../../state/known-clock.ts';
import { decodeMessages } from '../shard/decide-batch.ts';
import { rangeOf } from '../time/clock-range.ts';

/** Of the Clocks behind `position`, one about what came before it, newer than the one that the state knew; in words. */
export function lateClock(
  clocks: readonly LogMessage[],
  place: LogPlace,
  position: number,
  known: KnownClock | undefined,
): string | undefined {
  const late = decodeMessages(clocks, place)
    .flatMap(rangeOf)
    .find(({ seq, from }) => seq > (known?.seq ?? 0) && from <= position);
  return (
    late &&
    `Clock ${late.seq} says that stamps from ${late.from} on do not count, and the snapshot was taken before that`
  );
}
