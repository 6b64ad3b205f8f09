/**
 * The newest Clock that was known when a shard's last message was applied. It may stand behind the position, and yet the
 * times of what is applied come from it: a log that does not hold it any more is not the log that made the state.
 */
export interface KnownClock {
  readonly seq: number;
  /** Of the message, as the hash of a position is. */
  readonly hash: string;
}

export function writeKnownClock({ seq, hash }: KnownClock): string {
  return `${seq} ${hash}`;
}

/** Undefined where none was known. */
export function readKnownClock(text: string | undefined): KnownClock | undefined {
  const [seq, hash] = text?.split(' ') ?? [];
  return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash };
}
