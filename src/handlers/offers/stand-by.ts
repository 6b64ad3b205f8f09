import type { DecisionOf } from '../../protocol/decisions/index.ts';
import { defined } from '../../protocol/defined.ts';
import { DEFAULT_OFFER, MAX_OFFER_POOLS, MAX_OFFERS, MAX_OFFERS_PER_AGENT } from '../../protocol/limits.ts';
import { placeOf } from '../../protocol/marks.ts';
import { MAIN_OFFER, type Offer, type OfferTerms, publicOffer } from '../../protocol/offers.ts';
import { accepted, isRejected, type Rejected, rateLimited, rejected } from '../kernel/decided.ts';
import type { Context, Handler } from '../kernel/handler.ts';
import { openPool, requireMember } from '../pools/guards.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { World } from '../world/world.ts';
import { tooManyClasses } from './class-bound.ts';
import { offerEnded, whyOver } from './ended.ts';
import type { OfferEvent } from './events.ts';
import { evolveOffer } from './evolve.ts';
import { onlyForOneself } from './guards.ts';

/**
 * "Hand me tasks that I can do, as they come." What fits at once is matched when the message has been decided. In a paused
 * pool an agent may stand by all the same: it waits.
 */
export const standBy: Handler<'StandBy'> = {
  decide(world, decision, context) {
    const state = openPool(world, context);
    if (isRejected(state)) return state;
    const anothers = onlyForOneself('StandBy', context);
    if (anothers !== undefined) return anothers;
    const member = requireMember(state, context);
    if (isRejected(member)) return member;
    const terms = termsOf(decision, context);
    const refused =
      idInUse(state, terms, context) ??
      tooMany(world, state, terms, context) ??
      tooManyClasses(state, terms.topics, member.capabilities);
    if (refused !== undefined) return refused;
    const before = state.offers.get(terms.agent, terms.offerId);
    const over = before && (whyOver(state, before, context.now) ?? 'replaced');
    const ended = before === undefined || over === undefined ? [] : [offerEnded(state, before, over)];
    const made = offerMade(terms, over === 'replaced' ? before?.turn : undefined);
    return accepted([...ended, made], { offer: publicOffer(offerOf(made, state, ended.length, context)) });
  },
};

function termsOf(decision: DecisionOf<'StandBy'>, { self, now }: Context): OfferTerms {
  const { id, offerId = MAIN_OFFER, claimTtlMs, once } = decision;
  const topics = decision.topics === undefined ? undefined : [...new Set(decision.topics)].sort();
  return {
    agent: self,
    offerId,
    offer: id,
    places: decision.places ?? DEFAULT_OFFER.places,
    until: now + (decision.forMs ?? DEFAULT_OFFER.forMs),
    presenceMs: decision.presenceMs ?? DEFAULT_OFFER.presenceMs,
    ...defined({ topics, claimTtlMs, once: once === true ? (true as const) : undefined }),
  };
}

type Made = Extract<OfferEvent, { readonly type: 'offer.made' }>;

/** Who stands by again while it stands by keeps its turn; who had stopped takes a new one, or stopping would bring it forward. */
function offerMade({ agent, ...terms }: OfferTerms, turn: number | undefined): Made {
  return { type: 'offer.made', id: agent, data: { ...terms, ...defined({ turn }) } };
}

/** The offer as it will be: the outcome tells it. */
function offerOf(
  made: Made,
  { doc, sequence }: PoolState,
  before: number,
  { now, seq, index }: Context,
): Offer {
  const offer = evolveOffer(made, {
    pool: doc.pool,
    now,
    order: placeOf({ seq, index }),
    turn: sequence + before + 1,
  });
  if (offer === undefined) throw new Error(`offer.made made no offer of ${made.id}`);
  return offer;
}

/** Claims name the offer by this id: two that stand must not have the same. */
function idInUse(state: PoolState, { agent, offer }: OfferTerms, { now }: Context): Rejected | undefined {
  const isUsed = state.offers
    .of(agent)
    .some((other) => other.offer === offer && isStanding(state, other, now));
  return isUsed
    ? rejected('id_reused', `${offer} is the id of another offer that stands; choose a new id`)
    : undefined;
}

function isStanding(state: PoolState, offer: Offer, now: number): boolean {
  return whyOver(state, offer, now) === undefined;
}

function tooMany(
  world: World,
  state: PoolState,
  { agent, offerId }: OfferTerms,
  { pool, now }: Context,
): Rejected | undefined {
  const others = state.offers.of(agent).filter((offer) => offer.offerId !== offerId);
  const standing = others.filter((offer) => isStanding(state, offer, now)).length;
  if (standing >= MAX_OFFERS_PER_AGENT) {
    return rejected(
      'too_many_offers',
      `${agent} has ${standing} offers in pool ${pool}, as many as it may have`,
    );
  }
  const elsewhere = world.usage.offerPools.of(agent) - (state.offers.has(agent) ? 1 : 0);
  if (elsewhere >= MAX_OFFER_POOLS) {
    const met = { quota: 'offerPools', limit: MAX_OFFER_POOLS, used: elsewhere };
    return rateLimited(
      `${agent} has offers in ${elsewhere} other pools of the shard; the quota is ${met.limit}`,
      met,
    );
  }
  const before = state.offers.get(agent, offerId);
  if (before !== undefined || state.offers.size < MAX_OFFERS) return undefined;
  const met = { quota: 'offers', limit: MAX_OFFERS, used: state.offers.size };
  return rateLimited(`pool ${pool} has ${met.used} offers, the most that a pool may have`, met);
}
