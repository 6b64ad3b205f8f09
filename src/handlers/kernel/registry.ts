/** Every decision type with its handler, once: a type without one, or one too many, does not compile. */
import {
  type Decision,
  type DecisionOf,
  isOfSystem,
  type SingleDecision,
  type SingleType,
} from '../../protocol/decisions/index.ts';
import type { EntityRef } from '../../protocol/entities.ts';
import { cancelAuction } from '../auctions/cancel-auction.ts';
import { closeAuction } from '../auctions/close-auction.ts';
import { extendAuction } from '../auctions/extend-auction.ts';
import { openAuction } from '../auctions/open-auction.ts';
import { submitBid } from '../auctions/submit-bid.ts';
import { delegate } from '../delegations/delegate.ts';
import { revokeDelegation } from '../delegations/revoke-delegation.ts';
import { acceptProposal } from '../negotiations/accept-proposal.ts';
import { openNegotiation } from '../negotiations/open-negotiation.ts';
import { propose } from '../negotiations/propose.ts';
import { rejectProposal } from '../negotiations/reject-proposal.ts';
import { standBy } from '../offers/stand-by.ts';
import { standDown } from '../offers/stand-down.ts';
import { banAgent } from '../operators/ban-agent.ts';
import { forceRelease } from '../operators/force-release.ts';
import { pausePool } from '../operators/pause-pool.ts';
import { removeMember } from '../operators/remove-member.ts';
import { resumePool } from '../operators/resume-pool.ts';
import { unbanAgent } from '../operators/unban-agent.ts';
import { updatePool } from '../operators/update-pool.ts';
import { closePool } from '../pools/close-pool.ts';
import { createPool } from '../pools/create-pool.ts';
import { heartbeat } from '../pools/heartbeat.ts';
import { joinPool } from '../pools/join-pool.ts';
import { leavePool } from '../pools/leave-pool.ts';
import { cancelTask } from '../tasks/cancel-task.ts';
import { claimNextTask } from '../tasks/claim-next-task.ts';
import { claimTask } from '../tasks/claim-task.ts';
import { failTask } from '../tasks/fail-task.ts';
import { releaseTask } from '../tasks/release-task.ts';
import { renewClaim } from '../tasks/renew-claim.ts';
import { reportTask } from '../tasks/report-task.ts';
import { submitTask } from '../tasks/submit-task.ts';
import { closeVote } from '../votes/close-vote.ts';
import { openVote } from '../votes/open-vote.ts';
import { vote } from '../votes/vote.ts';
import type { World } from '../world/world.ts';
import type { Decided } from './decided.ts';
import type { Context, Handler } from './handler.ts';

const HANDLERS: { readonly [T in SingleType]: Handler<T> } = {
  CreatePool: createPool,
  JoinPool: joinPool,
  LeavePool: leavePool,
  Heartbeat: heartbeat,
  ClosePool: closePool,
  UpdatePool: updatePool,
  PausePool: pausePool,
  ResumePool: resumePool,
  ForceRelease: forceRelease,
  RemoveMember: removeMember,
  BanAgent: banAgent,
  UnbanAgent: unbanAgent,
  SubmitTask: submitTask,
  ClaimTask: claimTask,
  ClaimNextTask: claimNextTask,
  RenewClaim: renewClaim,
  ReleaseTask: releaseTask,
  ReportTask: reportTask,
  FailTask: failTask,
  CancelTask: cancelTask,
  StandBy: standBy,
  StandDown: standDown,
  OpenAuction: openAuction,
  SubmitBid: submitBid,
  CloseAuction: closeAuction,
  CancelAuction: cancelAuction,
  ExtendAuction: extendAuction,
  OpenVote: openVote,
  Vote: vote,
  CloseVote: closeVote,
  OpenNegotiation: openNegotiation,
  Propose: propose,
  AcceptProposal: acceptProposal,
  RejectProposal: rejectProposal,
  Delegate: delegate,
  RevokeDelegation: revokeDelegation,
};

function decideAs<T extends SingleType>(
  type: T,
  world: World,
  decision: DecisionOf<T>,
  context: Context,
): Decided {
  return HANDLERS[type].decide(world, decision, context);
}

export function decide(world: World, decision: SingleDecision, context: Context): Decided {
  return decideAs(decision.type, world, decision, context);
}

function touchedAs<T extends SingleType>(type: T, decision: DecisionOf<T>): readonly EntityRef[] {
  return HANDLERS[type].touches?.(decision) ?? [];
}

/** What a decision has to see in its pool; memory may not hold what has ended, and that has to be fetched. */
export function touches(decision: Decision): readonly EntityRef[] {
  if (isOfSystem(decision)) return [];
  if (decision.type === 'Batch') return decision.decisions.flatMap((member) => touches(member));
  return touchedAs(decision.type, decision);
}
