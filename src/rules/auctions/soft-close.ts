/** The close that moves, so that nobody wins by bidding in the last moment (sniping). */

/**
 * When the auction closes after a bid at `bidAtMs`: a bid within `softCloseMs` of the close moves the close to bid time
 * plus `softCloseMs`, again and again. It never moves to an earlier moment. Milliseconds.
 */
export function closeAfterBid(closesAtMs: number, bidAtMs: number, softCloseMs: number): number {
  return Math.max(closesAtMs, bidAtMs + softCloseMs);
}
