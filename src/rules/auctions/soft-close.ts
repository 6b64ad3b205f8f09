/** The close that moves, so that nobody wins by bidding in the last moment (sniping). */

/** Soft closes that fit between the first close and the latest, where the opener has not said when the latest is. */
export const SOFT_CLOSES_AT_MOST = 20;

/** When an auction closes, and how late bids put that off. Times in milliseconds since the epoch, `softCloseMs` in milliseconds. */
export interface SoftClose {
  readonly closesAtMs: number;
  readonly softCloseMs: number;
  /** The auction ends then, no matter what is bid. */
  readonly latestCloseAtMs: number;
}

/**
 * When the auction closes after a bid at `bidAtMs` that moved the price: a bid within `softCloseMs` of the close moves
 * the close to bid time plus `softCloseMs`, again and again, but never beyond `latestCloseAtMs` and never to an earlier
 * moment. A bid that leaves the price where it was (a leader that raises its own maximum) gives nobody anything to
 * answer, and moves nothing. All in milliseconds.
 */
export function closeAfterBid(
  { closesAtMs, softCloseMs, latestCloseAtMs }: SoftClose,
  bidAtMs: number,
): number {
  return Math.max(closesAtMs, Math.min(bidAtMs + softCloseMs, latestCloseAtMs));
}
