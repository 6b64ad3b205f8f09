import type { Happened } from '../happened.ts';

export type AuctionEvent = Happened<'auction.removed', Record<string, never>>;
