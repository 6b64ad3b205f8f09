import { type EndOfOffer, endOfOffer, type Offer } from '../../protocol/offers.ts';
import { presenceLapsed } from '../pools/guards.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { OfferEvent } from './events.ts';

/** That an offer is over. In a closed pool that was said when it was closed, of all offers at once. */
export function offerEnded(
  { doc }: PoolState,
  { agent, offer, offerId }: Offer,
  why: EndOfOffer,
): OfferEvent {
  if (doc.state === 'closed') return { type: 'offer.removed', id: agent, data: { offer, offerId } };
  return { type: 'offer.ended', id: agent, data: { offer, offerId, why } };
}

/** Why an offer that stands in the documents is over at this moment, told or not; undefined when it is not. */
export function whyOver(state: PoolState, offer: Offer, now: number): EndOfOffer | undefined {
  const fence = state.fenceOfOffer(offer);
  if (fence !== undefined) return fence.why;
  const { at, why } = endOfOffer(offer);
  if (at <= now) return why;
  const member = state.membership(offer.agent);
  return member !== undefined && presenceLapsed(member, now) ? 'absent' : undefined;
}
