import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runAuctionsDemo } from '../../../demo/auctions/run-auctions-demo.ts';
import { startLocalSystem } from './local-system.ts';

/** The project reads the file where it is and holds no copy. */
const RECORDED = fileURLToPath(new URL('../../../../shared/data/ebay-palm-bids.csv', import.meta.url));

describe.skipIf(!existsSync(RECORDED))(
  `343 recorded eBay auctions (skipped where ${RECORDED} is absent)`,
  () => {
    it('replayed on the real system they end as they did then', async () => {
      const system = await startLocalSystem(process.env, () => undefined);
      onTestFinished(() => system[Symbol.asyncDispose]());
      expect(await runAuctionsDemo({ file: RECORDED, start: async () => system })).toEqual({
        auctions: 343,
        bids: 5_917,
        accepted: 5_898,
        rejected: 19,
        multiBidder: 320,
        priceMatches: 309,
        singleBidder: 23,
        singleMatches: 22,
        winnersCorrect: 343,
      });
    }, 120_000);
  },
);
