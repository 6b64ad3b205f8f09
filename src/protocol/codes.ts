/**
 * Every code an outcome or a query can carry: one per rule, named after the rule (docs/protocol.md).
 * The text is what a person reads in the documentation; the message in an outcome says the particulars.
 */
export const CODES = {
  // any decision
  invalid_decision:
    'the decision does not have the form of its type; the message names the path of the fault',
  id_reused:
    'the agent has already used the id in this pool for other bytes, and that outcome stands; choose a new id',
  unknown_type: 'there is no decision of this type',
  wrong_shard: 'the subject names another shard than the one the pool belongs to',
  reserved_id: 'names that start with _ are reserved for the system',
  too_large: 'larger than the limit for a decision, or for the entity that it adds to',
  rate_limited: 'a quota of the agent, the pool or the shard is used up; the same decision may succeed later',
  agent_banned: 'an operator banned the agent, or the principal it acts for: its decisions are rejected',
  not_allowed: 'the role of the agent does not allow this decision',
  internal_error: 'the handler failed; nothing was changed and the fault was logged',
  // pools
  pool_not_found: 'no pool of this name',
  pool_exists: 'a pool of this name exists already; it is never reset',
  pool_closed: 'the pool takes no new tasks, members or claims',
  pool_paused:
    'an operator has paused the pool: nothing new is submitted, opened or claimed until it is resumed',
  not_paused: 'the pool is not paused',
  already_banned: 'the agent is already banned',
  not_banned: 'the agent is not banned',
  pool_full: 'the pool has as many members as its capacity',
  not_admitted: 'the admission rule of the pool does not let this agent in',
  not_a_member: 'the agent is not a member of the pool',
  // tasks
  task_not_found: 'no task of this id in the pool',
  task_exists: 'a task of this id exists already in the pool',
  unknown_dependency: 'a task named in dependsOn is not in the pool',
  dependency_cycle: 'a task cannot depend on itself',
  deadline_passed: 'the deadline lies in the past',
  not_pending: 'the task cannot be claimed in its present state',
  missing_capability: 'the member lacks a required capability',
  claim_limit_reached: 'the agent holds as many claims as the pool allows',
  claim_lost: 'the agent does not hold the current claim of the task',
  already_final: 'the task is completed, failed or cancelled: nothing changes it',
  // standing offers
  offer_not_found: 'the agent has no offer of this name standing in the pool',
  too_many_offers: 'the agent has as many offers in the pool as it may have',
  // auctions
  auction_not_found: 'no auction of this id in the pool',
  auction_exists: 'an auction of this id exists already in the pool',
  auction_closed: 'the auction is over, or its closing time has passed',
  invalid_amount: 'not a non-negative decimal of at most six places within the limit',
  bid_too_low: 'the bid does not beat the required price',
  // votes
  vote_not_found: 'no vote of this id in the pool',
  vote_exists: 'a vote of this id exists already in the pool',
  vote_closed: 'the vote is over, or its closing time has passed',
  not_eligible: 'the agent is not in the electorate',
  already_voted: 'the agent has voted, and the first ballot counts',
  unknown_option: 'the ballot names an option that the vote does not have',
  // negotiations
  session_not_found: 'no session of this id in the pool',
  session_exists: 'a session of this id exists already in the pool',
  session_closed: 'the session is accepted, rejected or expired: nothing changes it',
  not_a_participant: 'only participants of a session may propose, accept or reject',
  proposal_not_found: 'no proposal of this id in the session',
  stale_proposal: 'the proposal has been replaced by a later one',
  own_proposal: 'the proposer cannot accept or reject its own proposal',
  // delegations
  delegation_not_found: 'no delegation of this id in the pool',
  invalid_delegation:
    'self-delegation, a cycle, an unknown scope entry, or more than the delegator has to pass on',
  scope_exceeded: 'a live delegation exists, but its scope does not cover the decision',
  not_the_delegator: 'only the delegator may revoke',
  already_revoked: 'the delegation is already revoked',
  delegation_missing: 'no chain of live delegations leads from the principal to the agent',
  // queries
  invalid_query: 'the query does not have the form of its name; the message names the path of the fault',
  outcome_not_found: 'no outcome of this decision is stored',
} as const;

/** Why something was rejected: one code for each rule; {@link CODES} says which may pass by themselves. */
export type Code = keyof typeof CODES;

/** Codes after which the very same decision may succeed later. */
const TRANSIENT: ReadonlySet<Code> = new Set([
  'rate_limited',
  'pool_full',
  'pool_paused',
  'claim_limit_reached',
  'not_pending',
  'internal_error',
  'bid_too_low',
]);

/** May the same decision be accepted later, without anything being changed about it? */
export function isTransient(code: Code): boolean {
  return TRANSIENT.has(code);
}

/** Codes that say "there is no such thing", for which the command line has an exit code of its own. */
export function isNotFound(code: string): boolean {
  return code.endsWith('_not_found');
}
