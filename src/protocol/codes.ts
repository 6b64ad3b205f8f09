/**
 * Every code an outcome or a query can carry: one per rule, named after the rule (PROTOCOL, sections 3 to 9).
 * The text is what a person reads in the documentation; the message in an outcome says the particulars.
 */
export const CODES = {
  // any decision
  invalid_decision:
    'the decision does not have the form of its type; the message names the path of the fault',
  unknown_type: 'there is no decision of this type',
  wrong_shard: 'the subject names another shard than the one the pool belongs to',
  reserved_id: 'names that start with _ are reserved for the system',
  too_large: 'larger than the limit for a decision',
  rate_limited: 'a limit of the pool or the shard is reached; the same decision may succeed later',
  not_allowed: 'only someone with another role may decide this',
  internal_error: 'the handler failed; nothing was changed and the fault was logged',
  // pools
  pool_not_found: 'no pool of this name',
  pool_exists: 'a pool of this name exists already; it is never reset',
  pool_closed: 'the pool takes no new tasks, members or claims',
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
  // delegation
  delegation_missing: 'no chain of live delegations leads from the principal to the agent',
  // queries
  invalid_query: 'the query does not have the form of its name; the message names the path of the fault',
  outcome_not_found: 'no outcome of this decision is remembered',
} as const;

export type Code = keyof typeof CODES;

/** Codes after which the very same decision may succeed later. */
const TRANSIENT: ReadonlySet<Code> = new Set([
  'rate_limited',
  'pool_full',
  'claim_limit_reached',
  'not_pending',
  'internal_error',
]);

export function isTransient(code: Code): boolean {
  return TRANSIENT.has(code);
}

/** Codes that say "there is no such thing", for which the command line has an exit code of its own. */
export function isNotFound(code: string): boolean {
  return code.endsWith('_not_found');
}
