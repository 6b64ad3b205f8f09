import { readRecordedAuctions } from './recorded-auctions.ts';
import { replay, type System } from './replay.ts';
import { type AuctionsSummary, summarize } from './summary.ts';

export interface AuctionsDemoOptions {
  /** A file of the form of `ebay-palm-bids.csv`. */
  readonly file: string;
  /** Where to play: asked for only when the file can be used. */
  readonly start: () => Promise<System>;
  readonly say?: ((line: string) => void) | undefined;
}

/**
 * Replays recorded auctions as English auctions with proxies and eBay's increments, and compares the results with the
 * record. Throws an `InputError` for a file that cannot be used.
 */
export async function runAuctionsDemo({
  file,
  start,
  say = () => undefined,
}: AuctionsDemoOptions): Promise<AuctionsSummary> {
  const auctions = await readRecordedAuctions(file, (what) => say(`note: ${what}`));
  return summarize(await replay(await start(), auctions, progress(auctions.length, say)));
}

const SAY_EVERY = 50;

function progress(all: number, say: (line: string) => void): () => void {
  let closed = 0;
  return () => {
    closed++;
    if (closed % SAY_EVERY === 0 || closed === all) say(`${closed} of ${all} auctions are closed`);
  };
}
