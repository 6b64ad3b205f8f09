/**
 * English auction: open ascending bids (descending in reverse), with or without proxies.
 *
 * With proxies each bid is a secret maximum and the system bids on the bidder's behalf, by eBay's rule: the standing
 * price is the highest maximum or the second maximum plus the increment at the second, whichever is less. In reverse
 * the amount is the secret minimum and everything mirrors: where a lone bidder holds it at nothing, it is held at the
 * largest amount there is, and neither tells anything of the bid.
 */
import type { Amount } from '../amounts.ts';
import { type Bid, rankBids } from './bids.ts';
import { beats, betterOf, type Direction, improvedBy, reaches, worseOf, worstAmount } from './direction.ts';
import { type Increment, improvedByIncrement, incrementAt } from './increments.ts';
import { type Settlement, type SettlementRules, settle } from './settlement.ts';

/** What the bids of an English auction must keep. `proxy`: bids are limits up to which the system bids on. */
export interface EnglishRules {
  readonly direction: Direction;
  /** The first bid must reach it, and with proxies it is the price until a second bidder comes. */
  readonly startPrice?: Amount | undefined;
  /** Left out: any strictly better bid will do. */
  readonly increment?: Increment | undefined;
  readonly proxy?: boolean | undefined;
}

/** Who leads and at what price. Only `leader` and `price` are public: the two others are secrets of the bidders. */
export interface EnglishStanding {
  readonly leader: string;
  /** The leader's maximum (minimum in reverse). Without proxies it is the price. */
  readonly maximum: Amount;
  readonly price: Amount;
  /** Best maximum of anyone but the leader; only with proxies, and only once there is one. */
  readonly runnerUp?: Amount | undefined;
}

/** All that the next bid of an English auction is judged by. */
export interface EnglishState {
  readonly rules: EnglishRules;
  /** Absent before the first bid. */
  readonly standing?: EnglishStanding | undefined;
}

/** One bid of an open, rising auction. */
export interface EnglishBid {
  readonly bidder: string;
  readonly amount: Amount;
}

/** How an English auction stands after a bid, or why it was refused. */
export type EnglishAnswer =
  | { readonly accepted: true; readonly state: EnglishState }
  | {
      readonly accepted: false;
      readonly code: 'bid_too_low';
      /** The amount that this bidder would have had to bid; absent when no amount would do (in reverse, below zero). */
      readonly required?: Amount;
    };

/** An English auction to which nobody has bid. */
export function openEnglish(rules: EnglishRules): EnglishState {
  return { rules };
}

/**
 * The least amount that a newcomer must bid (in reverse, the most): the standing price beaten by the increment, and by
 * one micro-unit where the increment is zero. Before the first bid it is `startPrice`, else 0 (in reverse the largest
 * amount there is). It is undefined when a reverse price cannot fall any further.
 */
export function nextEnglishBid({ rules, standing }: EnglishState): Amount | undefined {
  const { direction, startPrice } = rules;
  if (standing === undefined) return startPrice ?? worstAmount(direction);
  const increment = incrementOf(rules, standing.price);
  const next = improvedBy(direction, standing.price, increment > 0n ? increment : 1n);
  return next < 0n ? undefined : next;
}

/**
 * One bid in the order of the log: the state after it, or `bid_too_low`.
 *
 * Every bid, the leader's own too, must beat the standing price by the increment. With proxies a leader must also beat
 * its own maximum: who bids again with no more keeps what it had. Equal maxima: the earlier leads, and pays it.
 *
 * When the leader beats its own maximum, the price follows the rule: it rises to the second maximum plus the increment
 * where the old maximum had cut that short, and otherwise stays. That is what eBay did: 2 of the 320 recorded auctions
 * of `ebay-palm-bids.csv` end at the recorded price only so. The standing price never moves back.
 */
export function placeEnglishBid(state: EnglishState, bid: EnglishBid): EnglishAnswer {
  const { rules, standing } = state;
  if (standing === undefined) return placeFirst(rules, bid);
  const required = nextEnglishBid(state);
  if (required === undefined) return { accepted: false, code: 'bid_too_low' };
  if (!reaches(rules.direction, bid.amount, required)) return tooLow(required);
  if (rules.proxy !== true) return lead(rules, bid, bid.amount);
  return bid.bidder === standing.leader
    ? raiseOwnMaximum(rules, standing, bid)
    : challenge(rules, standing, bid);
}

/** What of the rules counts when an English auction is settled. */
export interface EnglishSettlementRules extends EnglishRules, SettlementRules {}

/**
 * The close of an English auction, from the bids that were accepted: the best wins if it meets the hidden reserve.
 * Where its maximum meets the reserve but the price does not, it pays the reserve (eBay's rule).
 *
 * With nobody excluded the winner and the price before the reserve are those of the last standing. With `exclude` the
 * price is what it would be had the excluded never bid; without proxies, the next bidder's own bid.
 */
export function settleEnglish(bids: readonly Bid[], rules: EnglishSettlementRules): Settlement {
  const { direction, reserve } = rules;
  const ranked = rankBids(bids, direction, rules.exclude, rules.startPrice);
  const [, second] = ranked;
  return settle(ranked, rules, (best) => {
    const price = rules.proxy === true ? proxyPrice(rules, best.amount, second?.amount) : best.amount;
    return reserve === undefined ? price : betterOf(direction, price, reserve);
  });
}

function placeFirst(rules: EnglishRules, bid: EnglishBid): EnglishAnswer {
  const { direction, startPrice } = rules;
  if (startPrice !== undefined && !reaches(direction, bid.amount, startPrice)) return tooLow(startPrice);
  return lead(rules, bid, rules.proxy === true ? proxyPrice(rules, bid.amount, undefined) : bid.amount);
}

function raiseOwnMaximum(rules: EnglishRules, standing: EnglishStanding, bid: EnglishBid): EnglishAnswer {
  if (!beats(rules.direction, bid.amount, standing.maximum)) {
    return tooLow(improvedBy(rules.direction, standing.maximum, 1n));
  }
  return leadByProxy(rules, bid, standing.runnerUp);
}

function challenge(rules: EnglishRules, standing: EnglishStanding, bid: EnglishBid): EnglishAnswer {
  if (beats(rules.direction, bid.amount, standing.maximum)) return leadByProxy(rules, bid, standing.maximum);
  // The challenger beat the price, and the price is never behind the second maximum: so it is the new second.
  return leadByProxy(rules, { bidder: standing.leader, amount: standing.maximum }, bid.amount);
}

function leadByProxy(rules: EnglishRules, bid: EnglishBid, runnerUp: Amount | undefined): EnglishAnswer {
  return lead(rules, bid, proxyPrice(rules, bid.amount, runnerUp), runnerUp);
}

function lead(rules: EnglishRules, bid: EnglishBid, price: Amount, runnerUp?: Amount): EnglishAnswer {
  const standing = { leader: bid.bidder, maximum: bid.amount, price };
  return {
    accepted: true,
    state: { rules, standing: runnerUp === undefined ? standing : { ...standing, runnerUp } },
  };
}

/** eBay's price rule. Alone, one holds it at the opening price, whatever the own maximum is. */
function proxyPrice(rules: EnglishRules, maximum: Amount, runnerUp: Amount | undefined): Amount {
  const { direction, startPrice, increment = 0n } = rules;
  if (runnerUp === undefined) return startPrice ?? worstAmount(direction);
  return worseOf(direction, maximum, improvedByIncrement(direction, runnerUp, increment));
}

function incrementOf(rules: EnglishRules, price: Amount): Amount {
  return rules.increment === undefined ? 0n : incrementAt(rules.increment, price);
}

function tooLow(required: Amount): EnglishAnswer {
  return { accepted: false, code: 'bid_too_low', required };
}
