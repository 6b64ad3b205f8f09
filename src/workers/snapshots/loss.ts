/** Whether the state of a shard has to be brought back: what the store, the log and the trim mark say together. */
import type { LogMessage } from '../../bus/log-message.ts';
import { sayMade } from '../../bus/log-origin.ts';
import { expectSameLog, MARK_MISSING, markMissing, type TrimMarks } from '../../bus/trim-marks.ts';
import { LogDivergedError } from '../../lib/errors.ts';
import type { StoredPosition } from '../../state/shard-store.ts';
import type { Alarms } from '../health/alarms.ts';

export interface LossOptions {
  readonly shard: number;
  readonly marks: TrimMarks;
  /** Which log there is; undefined when there is none. */
  readonly identity: () => Promise<string | undefined>;
  /** One message of the log; undefined where it holds none. */
  readonly read: (seq: number) => Promise<LogMessage | undefined>;
  readonly alarms?: Pick<Alarms, 'raise' | 'clear'> | undefined;
}

export interface Loss {
  readonly logIdentity: string;
  /** The state has to be brought back: there is none, or one that is older than what was trimmed off. */
  readonly isLost: boolean;
  /** Nothing was trimmed off this shard's log. */
  readonly isLogWhole: boolean;
}

/** For the alarm: also while the state is good, because the log can no longer be trimmed. */
export const WITHOUT_MARK =
  'nothing records what was trimmed from the log of the shard: it is no longer trimmed, and a lost state is not restored automatically';

/** Throws LogDivergedError when the log is not the one, or when nothing says what was trimmed of a shard that is lost. */
export async function lossOf(options: LossOptions, stored: StoredPosition): Promise<Loss> {
  const { marks, shard, alarms } = options;
  const logIdentity = await options.identity();
  if (logIdentity === undefined) throw new LogDivergedError('the log is gone');
  const mark = await sayMade(marks, shard, logIdentity);
  if (mark === undefined) {
    // How far the log was trimmed is unknown: a present state continues, but a lost one must not begin at the beginning.
    alarms?.raise(MARK_MISSING, shard, WITHOUT_MARK);
    if (stored.seq <= 0) throw markMissing(shard);
    return { logIdentity, isLost: false, isLogWhole: false };
  }
  alarms?.clear(MARK_MISSING, shard);
  expectSameLog(mark, logIdentity, shard);
  const loss = { logIdentity, isLogWhole: mark.below <= 1 };
  if (stored.seq <= 0) return { ...loss, isLost: true };
  if (stored.seq >= mark.below || stored.logIdentity !== logIdentity) return { ...loss, isLost: false };
  return { ...loss, isLost: (await options.read(stored.seq)) === undefined };
}
