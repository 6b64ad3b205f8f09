/**
 * The rules of deciding together, as plain functions: exact amounts, auctions, votes, negotiations, delegations. They
 * know no server, no clock and no storage, so anyone who wants to check a result of the system can compute it again.
 */
export { type Amount, compareAmounts, formatAmount, MAX_AMOUNT, parseAmount } from './amounts.ts';

export { type Bid, rankBids } from './auctions/bids.ts';
export type { Direction } from './auctions/direction.ts';
export { type DutchAnswer, type DutchRules, dutchPriceAt, placeDutchBid } from './auctions/dutch.ts';
export {
  type EnglishAnswer,
  type EnglishBid,
  type EnglishRules,
  type EnglishSettlementRules,
  type EnglishStanding,
  type EnglishState,
  nextEnglishBid,
  openEnglish,
  placeEnglishBid,
  settleEnglish,
} from './auctions/english.ts';
export {
  type Increment,
  type IncrementStep,
  improvedByIncrement,
  incrementAt,
  MAX_INCREMENT_STEPS,
  parseIncrement,
} from './auctions/increments.ts';
export {
  firstPrice,
  placeSealedBid,
  rankSealedBids,
  type SealedAnswer,
  secondPrice,
} from './auctions/sealed.ts';
export type { Settlement, SettlementRules, Sold, Unsold } from './auctions/settlement.ts';
export { closeAfterBid, SOFT_CLOSES_AT_MOST, type SoftClose } from './auctions/soft-close.ts';
export { type ChainAnswer, type ChainQuestion, findChain } from './delegations/chains.ts';
export { DELEGABLE_FAMILIES, type DecisionFamily, FAMILY_OF_TYPE, familyOf } from './delegations/families.ts';
export { coversReading, isLetKnow, type Readable } from './delegations/knowing.ts';
export {
  type Delegation,
  isLive,
  MAX_CHAIN_LINKS,
  type Membership,
  type PassedOn,
} from './delegations/links.ts';
export {
  covers,
  narrows,
  parseScopeEntry,
  type Scope,
  type ScopedDecision,
  type ScopeEntry,
} from './delegations/scopes.ts';
export {
  type DelegationFault,
  delegationFault,
  downstream,
} from './delegations/validity.ts';
export { acceptOffer, isAgreed, makeOffer, type Offer, type OfferAnswer } from './negotiation.ts';
export { approvalVote } from './votes/approval.ts';
export {
  type Ballot,
  type Choice,
  type ChoiceFault,
  type ChoiceKind,
  choiceFault,
  MAX_OPTIONS,
  MAX_TOTAL_WEIGHT,
  type Rank,
} from './votes/ballots.ts';
export { bordaVote } from './votes/borda.ts';
export { decideVote, type Poll } from './votes/decide.ts';
export { isDecided } from './votes/decided.ts';
export { type Fraction, majorityVote, supermajorityVote, unanimousVote } from './votes/majority.ts';
export { choiceKindOf, countVote, takesEqualRanks, type VoteMethod } from './votes/methods.ts';
export type { Matrix } from './votes/pairwise.ts';
export { pluralityVote } from './votes/plurality.ts';
export { rankedVote } from './votes/ranked.ts';
export type { VoteReason, VoteResult, VoteRound } from './votes/result.ts';
export { type SchulzeResult, schulzeVote } from './votes/schulze.ts';
