import type { EntityCommon } from './entities.ts';

export interface Auction extends EntityCommon {
  readonly kind: 'auction';
  readonly state: string;
}

/** An auction as anyone may see it: without what is sealed, and without the maxima of proxies, before the close. */
export type PublicAuction = Auction;

export function publicAuction(auction: Auction): PublicAuction {
  return auction;
}
