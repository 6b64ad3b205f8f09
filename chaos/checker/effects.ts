/** What the acceptance of a decision promises (PROTOCOL): events of certain types. */
import type { ConvergeEvent } from '../../src/protocol/event.ts';
import type { Outcome } from '../../src/protocol/outcome.ts';

/** Of these types there is at least one. */
const EFFECTS: Readonly<Record<string, readonly string[]>> = {
  CreatePool: ['pool.created'],
  JoinPool: ['member.joined', 'member.updated'],
  LeavePool: ['member.left'],
  ClosePool: ['pool.closed'],
  SubmitTask: ['task.submitted'],
  ClaimTask: ['task.claimed'],
  RenewClaim: ['task.renewed'],
  ReleaseTask: ['task.released'],
  ReportTask: ['task.completed'],
  FailTask: ['task.failed', 'task.retried'],
  CancelTask: ['task.cancelled'],
  OpenAuction: ['auction.opened'],
  SubmitBid: ['auction.bid_placed'],
  CloseAuction: ['auction.awarded', 'auction.unsold'],
  CancelAuction: ['auction.cancelled'],
  OpenVote: ['vote.opened'],
  Vote: ['vote.cast'],
  CloseVote: ['vote.closed'],
  OpenNegotiation: ['negotiation.opened'],
  Propose: ['negotiation.countered'],
  AcceptProposal: ['negotiation.accepted_by', 'negotiation.accepted'],
  RejectProposal: ['negotiation.rejected'],
  Delegate: ['delegation.granted'],
  RevokeDelegation: ['delegation.revoked'],
};

/** What an accepted decision should have brought about and did not, in words. */
export function effectsMissing(outcome: Outcome, events: readonly ConvergeEvent[]): string[] {
  if (outcome.status !== 'accepted') return [];
  const types = new Map<string, number>();
  for (const { type } of events) types.set(type, (types.get(type) ?? 0) + 1);
  const wanted = new Map<readonly string[], number>();
  for (const type of acceptedTypes(outcome)) {
    const effect = EFFECTS[type];
    if (effect !== undefined) wanted.set(effect, (wanted.get(effect) ?? 0) + 1);
  }
  return [...wanted].flatMap(([effect, count]) => {
    const found = effect.reduce((sum, type) => sum + (types.get(`converge.${type}`) ?? 0), 0);
    return found >= count ? [] : [`${outcome.type}: ${found} of ${count} ${effect.join(' or ')}`];
  });
}

function acceptedTypes({ type, data }: Outcome): string[] {
  if (type !== 'Batch') return [type];
  const members: unknown =
    typeof data === 'object' && data !== null ? Reflect.get(data, 'outcomes') : undefined;
  if (!Array.isArray(members)) return [];
  return members.flatMap((member: unknown) => {
    if (typeof member !== 'object' || member === null) return [];
    return Reflect.get(member, 'status') === 'accepted' ? [String(Reflect.get(member, 'type'))] : [];
  });
}
