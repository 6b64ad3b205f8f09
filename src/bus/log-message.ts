import { createHash } from 'node:crypto';

/** A message as the log holds it. */
export interface LogMessage {
  readonly seq: number;
  /** When the log took it: milliseconds since the epoch. */
  readonly at: number;
  readonly subject: string;
  readonly data: Uint8Array;
}

/** How far a shard has been applied, and to which log that refers. */
export interface LogPosition {
  readonly seq: number;
  readonly logIdentity: string;
  /** {@link messageHash} of the message at `seq`; undefined at the start of the log. */
  readonly hash: string | undefined;
}

/**
 * Distinguishes a message from any other that could come to its position, even from the same decision, stored again after
 * the log lost its end: agents send again what was not answered, and what stood before it may be gone. Only its time
 * differs.
 */
export function messageHash({ at, subject, data }: Omit<LogMessage, 'seq'>): string {
  const hash = createHash('sha256').update(`${at} ${subject}\0`).update(data);
  return hash.digest('base64url').slice(0, 22);
}
