/** Standing offers: "hand me tasks that I can do, as they come" (docs/tasks.md, "Standing offers"). */

/** The offer that is meant where none is named. */
export const MAIN_OFFER = 'main';

/** Why an offer has ended. `taken`: it was for one task, and that was handed over. `not_started`: two in a row were not begun. */
export type EndOfOffer =
  | 'stood_down'
  | 'expired'
  | 'replaced'
  | 'taken'
  | 'not_started'
  | 'left'
  | 'absent'
  | 'removed'
  | 'banned';

/** What an agent says when it stands by, with every bound filled in. */
export interface OfferTerms {
  readonly agent: string;
  /** Which of its offers in the pool it is: a later one of the same name replaces it. */
  readonly offerId: string;
  /** The offer itself: the id of the decision that made it. Claims that are handed over name it. */
  readonly offer: string;
  /** Nothing is handed over while the agent holds so many claims in the pool, however it came to them. */
  readonly places: number;
  /** Sorted and without repeats; absent where any topic will do, or none. */
  readonly topics?: readonly string[];
  /** How long a claim lasts once it is begun; absent: as the task says. */
  readonly claimTtlMs?: number;
  /** Log time at which it ends. */
  readonly until: number;
  /** It ends when nothing was heard from its agent for so long. */
  readonly presenceMs: number;
  /** It ends with its first task. */
  readonly once?: true;
}

/** A standing offer. Times are log time, milliseconds since the epoch. */
export interface Offer extends OfferTerms {
  readonly pool: string;
  readonly madeAt: number;
  /** Place of its making in the order of the log. */
  readonly order: number;
  /** Of several that could have a task the one with the smallest turn gets it, and takes a new one. */
  readonly turn: number;
  /** When something was last heard from its agent. */
  readonly heardAt: number;
  /** A task was not begun in time: nothing is handed over until the agent decides something about a claim here. */
  readonly resting?: true;
  /** How many in a row were not begun; absent: none. */
  readonly missed?: number;
  /** Tasks that the agent gave back, oldest first: they are not handed to this offer again. */
  readonly passed?: readonly string[];
}

/** An offer as queries and outcomes show it. */
export type PublicOffer = Omit<Offer, 'order'>;

export function publicOffer({ order: _order, ...offer }: Offer): PublicOffer {
  return offer;
}

/** Of one agent in one pool there is one offer of each name. */
export function offerKey({ agent, offerId }: Pick<Offer, 'agent' | 'offerId'>): string {
  return `${agent}/${offerId}`;
}

/** When and why time ends an offer. `heardUntil`: silence is counted up to here only. */
export function endOfOffer({ until, heardAt, presenceMs }: Offer): {
  readonly at: number;
  readonly why: Extract<EndOfOffer, 'expired' | 'absent'>;
} {
  const silentAt = heardAt + presenceMs;
  return silentAt < until ? { at: silentAt, why: 'absent' } : { at: until, why: 'expired' };
}
