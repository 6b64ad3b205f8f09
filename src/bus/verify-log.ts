import { LogDivergedError } from '../errors.ts';
import { type LogMessage, type LogPosition, messageHash } from './log-message.ts';

/** What a log says of itself. */
export interface LogBounds {
  /** Its name, or where it has none when it was created: another one is another log. */
  readonly identity: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /**
   * What was trimmed off by us: nothing at or above this position; of this shard at all? Left out where logs are never
   * trimmed.
   */
  readonly trimmed?: { readonly below: number; readonly isOfThisShard: boolean };
}

export interface VerifiableLog {
  bounds(): Promise<LogBounds>;
  /** One message of the log; undefined where it holds none. */
  read(seq: number): Promise<LogMessage | undefined>;
}

/** Throws {@link LogDivergedError} when the log does not continue what was applied. */
export async function verifyLog(log: VerifiableLog, position: LogPosition): Promise<void> {
  const { identity, firstSeq, lastSeq, trimmed } = await log.bounds();
  if (identity !== position.logIdentity) {
    throw new LogDivergedError(
      `the log is ${identity}, the state comes from ${position.logIdentity}: another one`,
    );
  }
  if (position.seq === 0) {
    if (trimmed?.isOfThisShard === true) {
      throw new LogDivergedError('nothing is applied, but the log has been trimmed');
    }
    // Other shards' messages may be gone: that is no matter of this one.
    if (firstSeq > (trimmed?.below ?? 1)) {
      throw new LogDivergedError(`nothing is applied, but the log begins at ${firstSeq}`);
    }
    return;
  }
  if (lastSeq < position.seq) {
    throw new LogDivergedError(`the log ends at ${lastSeq}, but ${position.seq} is applied already`);
  }
  const message = await log.read(position.seq);
  if (message === undefined) throw new LogDivergedError(`the log no longer holds message ${position.seq}`);
  if (messageHash(message) !== position.hash) {
    throw new LogDivergedError(`message ${position.seq} is not the one that was applied`);
  }
}
