/** The families of decisions that a scope can name as a whole. Decisions about pools have none: they are named one by one. */

export const DELEGABLE_FAMILIES = ['tasks', 'auctions', 'votes', 'negotiations', 'delegations'] as const;

/** Decision types that are delegated together: `votes` stands for all that can be decided about votes. */
export type DecisionFamily = (typeof DELEGABLE_FAMILIES)[number];

const TYPES: Readonly<Record<DecisionFamily, readonly string[]>> = {
  tasks: [
    'SubmitTask',
    'ClaimTask',
    'ClaimNextTask',
    'RenewClaim',
    'ReleaseTask',
    'ReportTask',
    'FailTask',
    'CancelTask',
  ],
  auctions: ['OpenAuction', 'SubmitBid', 'CloseAuction', 'CancelAuction'],
  votes: ['OpenVote', 'Vote', 'CloseVote'],
  negotiations: ['OpenNegotiation', 'Propose', 'AcceptProposal', 'RejectProposal'],
  delegations: ['Delegate', 'RevokeDelegation'],
};

const FAMILY_OF: ReadonlyMap<string, DecisionFamily> = new Map(
  DELEGABLE_FAMILIES.flatMap((family) => TYPES[family].map((type) => [type, family] as const)),
);

/** The family of a decision type; undefined for decisions about pools and for types that are not the system's own. */
export function familyOf(type: string): DecisionFamily | undefined {
  return FAMILY_OF.get(type);
}

export function isFamily(name: string): name is DecisionFamily {
  return DELEGABLE_FAMILIES.some((family) => family === name);
}
