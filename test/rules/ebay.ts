/** eBay's increments of the years in which the recorded auctions ran, in USD (../shared/data/README.md). */
export const EBAY_INCREMENTS = [
  { below: 1, step: 0.05 },
  { below: 5, step: 0.25 },
  { below: 25, step: 0.5 },
  { below: 100, step: 1 },
  { below: 250, step: 2.5 },
  { below: 500, step: 5 },
  { below: 1_000, step: 10 },
  { below: 2_500, step: 25 },
  { below: 5_000, step: 50 },
  { step: 100 },
];
