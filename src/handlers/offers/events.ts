import type { EndOfOffer, OfferTerms } from '../../protocol/offers.ts';
import type { Happened } from '../kernel/happened.ts';

/** The id of an event about an offer is its agent, as that of one about a membership is. */
interface OfOffer {
  readonly offer: string;
  readonly offerId: string;
}

export type OfferEvent =
  /** `turn`: the one of the offer that it replaces; absent where it takes a new one, behind all others. */
  | Happened<'offer.made', Omit<OfferTerms, 'agent'> & { readonly turn?: number }>
  | Happened<'offer.ended', OfOffer & { readonly why: EndOfOffer }>
  /** Of a pool that is closed: its own event has ended all offers in it, and here they go. Not published. */
  | Happened<'offer.removed', OfOffer>;
