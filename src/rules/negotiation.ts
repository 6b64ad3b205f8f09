/** When an offer is agreed: every participant has accepted the same, latest one. */

export interface Offer {
  readonly proposalId: string;
  readonly proposer: string;
  /** Who has accepted this very offer, in the order of their word. The proposer is the first. */
  readonly acceptedBy: readonly string[];
}

/** How a negotiation stands after an offer or an acceptance, or why it was refused. */
export type OfferAnswer =
  | { readonly accepted: true; readonly offer: Offer }
  | { readonly accepted: false; readonly code: 'not_a_participant' | 'stale_proposal' | 'own_proposal' };

/**
 * A new offer. Offering is accepting one's own, and an offer begins with no other acceptances: taking the place of the
 * one before, it clears whatever that had gathered. `not_a_participant` if the proposer is none.
 */
export function makeOffer(
  participants: readonly string[],
  proposer: string,
  proposalId: string,
): OfferAnswer {
  if (!participants.includes(proposer)) return { accepted: false, code: 'not_a_participant' };
  return { accepted: true, offer: { proposalId, proposer, acceptedBy: [proposer] } };
}

/**
 * One participant accepts the offer with this id. `stale_proposal` if that is not the latest, so that nobody agrees to
 * what they have not seen; `own_proposal` from its proposer. Accepting a second time changes nothing.
 */
export function acceptOffer(
  participants: readonly string[],
  latest: Offer,
  participant: string,
  proposalId: string,
): OfferAnswer {
  if (!participants.includes(participant)) return { accepted: false, code: 'not_a_participant' };
  if (proposalId !== latest.proposalId) return { accepted: false, code: 'stale_proposal' };
  if (participant === latest.proposer) return { accepted: false, code: 'own_proposal' };
  if (latest.acceptedBy.includes(participant)) return { accepted: true, offer: latest };
  return { accepted: true, offer: { ...latest, acceptedBy: [...latest.acceptedBy, participant] } };
}

/** Has every participant accepted this offer? */
export function isAgreed(participants: readonly string[], offer: Offer): boolean {
  return participants.every((participant) => offer.acceptedBy.includes(participant));
}
