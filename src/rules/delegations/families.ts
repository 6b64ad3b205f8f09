/** The families of decisions that a scope can name as a whole. Decisions about pools have none: they are named one by one. */

export const DELEGABLE_FAMILIES = ['tasks', 'auctions', 'votes', 'negotiations', 'delegations'] as const;

/** Decision types that are delegated together: `votes` stands for all that can be decided about votes. */
export type DecisionFamily = (typeof DELEGABLE_FAMILIES)[number];

/**
 * Every decision type with its family. The registry of decisions asks for each of its types to be here: a type without a
 * family does not compile, and one of a wrong family would be refused to those who were granted the right one.
 */
export const FAMILY_OF_TYPE = {
  CreatePool: 'pools',
  JoinPool: 'pools',
  LeavePool: 'pools',
  Heartbeat: 'pools',
  ClosePool: 'pools',
  UpdatePool: 'pools',
  PausePool: 'pools',
  ResumePool: 'pools',
  ForceRelease: 'pools',
  RemoveMember: 'pools',
  BanAgent: 'pools',
  UnbanAgent: 'pools',
  // An agent stands by for itself alone, whatever was delegated.
  StandBy: 'pools',
  StandDown: 'pools',
  SubmitTask: 'tasks',
  ClaimTask: 'tasks',
  ClaimNextTask: 'tasks',
  RenewClaim: 'tasks',
  ReleaseTask: 'tasks',
  ReportTask: 'tasks',
  FailTask: 'tasks',
  CancelTask: 'tasks',
  OpenAuction: 'auctions',
  SubmitBid: 'auctions',
  CloseAuction: 'auctions',
  CancelAuction: 'auctions',
  ExtendAuction: 'auctions',
  OpenVote: 'votes',
  Vote: 'votes',
  CloseVote: 'votes',
  OpenNegotiation: 'negotiations',
  Propose: 'negotiations',
  AcceptProposal: 'negotiations',
  RejectProposal: 'negotiations',
  Delegate: 'delegations',
  RevokeDelegation: 'delegations',
} as const satisfies Readonly<Record<string, 'pools' | DecisionFamily>>;

const FAMILY_OF: ReadonlyMap<string, 'pools' | DecisionFamily> = new Map(Object.entries(FAMILY_OF_TYPE));

/** The family of a decision type; undefined for decisions about pools and for types that are not the system's own. */
export function familyOf(type: string): DecisionFamily | undefined {
  const family = FAMILY_OF.get(type);
  return family === 'pools' ? undefined : family;
}

export function isFamily(name: string): name is DecisionFamily {
  return DELEGABLE_FAMILIES.some((family) => family === name);
}
