import { LogDivergedError } from '../lib/errors.ts';
import { type LogMessage, type LogPosition, messageHash } from './log-message.ts';
import { expectSameLog, markMissing, type TrimMark } from './trim-marks.ts';

/** The identity and bounds of a log. */
export interface LogBounds {
  /** Its name, or where it has none when it was created: another one is another log. */
  readonly identity: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** The trim mark of the shard; left out where logs are never trimmed. */
  readonly trim?: { readonly shard: number; readonly mark: TrimMark | undefined };
}

export interface VerifiableLog {
  bounds(): Promise<LogBounds>;
  /** One message of the log; undefined where it holds none. */
  read(seq: number): Promise<LogMessage | undefined>;
  /** The highest position below which anything of any shard was trimmed; left out where logs are never trimmed. */
  trimmedBelow?(): Promise<number>;
}

/** Throws {@link LogDivergedError} when the log does not continue what was applied. */
export async function verifyLog(log: VerifiableLog, position: LogPosition): Promise<void> {
  const { identity, firstSeq, lastSeq, trim } = await log.bounds();
  if (identity !== position.logIdentity) {
    throw new LogDivergedError(
      `the state comes from another log, ${position.logIdentity}; this log is ${identity}`,
    );
  }
  if (trim?.mark !== undefined) expectSameLog(trim.mark, identity, trim.shard);
  if (position.seq === 0) {
    if (trim !== undefined && trim.mark === undefined) throw markMissing(trim.shard);
    if ((trim?.mark?.below ?? 1) > 1) {
      throw new LogDivergedError('nothing is applied yet, but the log has been trimmed');
    }
    // Other shards' messages may be gone: that is no matter of this one.
    if (firstSeq > 1 && firstSeq > ((await log.trimmedBelow?.()) ?? 1)) {
      throw new LogDivergedError(`nothing is applied yet, but the log begins at ${firstSeq}`);
    }
    return;
  }
  if (lastSeq < position.seq) {
    throw new LogDivergedError(`the log ends at ${lastSeq}, but ${position.seq} is already applied`);
  }
  const message = await log.read(position.seq);
  if (message === undefined) throw new LogDivergedError(`the log no longer holds message ${position.seq}`);
  if (messageHash(message) !== position.hash) {
    throw new LogDivergedError(`message ${position.seq} is not the one that was applied`);
  }
}
