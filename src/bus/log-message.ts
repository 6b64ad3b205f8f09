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

export function messageHash(subject: string, data: Uint8Array): string {
  return createHash('sha256').update(subject).update('\0').update(data).digest('base64url').slice(0, 22);
}
