import { startLocalSystem } from './local-system.ts';
import { readRecordedAuctions } from './recorded-auctions.ts';
import { replay, type System } from './replay.ts';
import { type AuctionsSummary, summarize } from './summary.ts';

export interface AuctionsDemoOptions {
  /** A file of the form of `ebay-palm-bids.csv`. */
  readonly file: string;
  /** Where to play; left out: on servers and a worker of its own. */
  readonly system?: System | undefined;
  /** Which servers to start for that; see `src/servers`. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly say?: ((line: string) => void) | undefined;
}

/**
 * Replays recorded auctions as English auctions with proxies and eBay's increments, and compares the results with the
 * record. Throws an `InputError` for a file that cannot be used.
 */
export async function runAuctionsDemo(options: AuctionsDemoOptions): Promise<AuctionsSummary> {
  const { file, system, env = {}, say = () => undefined } = options;
  const auctions = await readRecordedAuctions(file, (what) => say(`note: ${what}`));
  if (system !== undefined) return summarize(await replay(system, auctions, progress(auctions.length, say)));
  await using local = await startLocalSystem(env, say);
  return summarize(await replay(local, auctions, progress(auctions.length, say)));
}

const SAY_EVERY = 50;

function progress(all: number, say: (line: string) => void): () => void {
  let closed = 0;
  return () => {
    closed++;
    if (closed % SAY_EVERY === 0 || closed === all) say(`${closed} of ${all} auctions are closed`);
  };
}
