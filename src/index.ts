/**
 * The public interface of the package: what the author of an agent imports. The system itself (workers, servers, the
 * command line) is run, not imported.
 *
 * Names are those of PROTOCOL, section 10: {@link PoolManager}, {@link TaskManager}, {@link NegotiationProtocol},
 * {@link BiddingProtocol}, {@link DelegationProtocol}, {@link Consensus}, {@link StandardExecutor}, {@link Agent}, all on
 * top of a {@link ConvergeClient} from {@link connect}. The rules by which the system decides together are here as plain
 * functions as well.
 */
export * from './client/index.ts';
export * from './errors.ts';
export type {
  AuctionDirection,
  AuctionKind,
  IncrementRow,
  PublicAuction,
  PublicBid,
  UnsoldReason,
} from './protocol/auctions.ts';
export { CODES, type Code, isNotFound, isTransient } from './protocol/codes.ts';
export type { BatchInput, DecisionInput, DecisionType, SingleType } from './protocol/decisions/index.ts';
export type { DelegationKind, PublicDelegation as Delegation } from './protocol/delegations.ts';
export * from './protocol/documents.ts';
export type { ConvergeEvent } from './protocol/event.ts';
export type { Json, JsonObject } from './protocol/json.ts';
export { COMMONS } from './protocol/names.ts';
export type { Proposal, PublicNegotiation as Negotiation } from './protocol/negotiations.ts';
export type { MemberOutcome, Outcome } from './protocol/outcome.ts';
export type {
  Page,
  PoolStats,
  QueryAnswers,
  QueryInput,
  QueryName,
  ShardStats,
  Stats,
} from './protocol/queries.ts';
export { shardOf } from './protocol/shard.ts';
export { DEFAULT_NAMESPACE, decideMapping, type Subjects, subjects } from './protocol/subjects.ts';
export type { PublicBallot, PublicVote, VoteChoice, VoterCount } from './protocol/votes.ts';
/** The documents of the system go by the plain names; what the rules take instead is a link of a chain. */
export type { Delegation as DelegationLink } from './rules/index.ts';
export * from './rules/index.ts';
