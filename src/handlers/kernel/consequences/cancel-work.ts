/**
 * What becomes of the unfinished work of an agent that was banned with it, as operators would end each: tasks and auctions are
 * cancelled, votes are closed for nothing, sessions rejected, delegations revoked. In the name of who banned it.
 */
import { defined } from '../../../protocol/defined.ts';
import { isClaimed, isFinal } from '../../../protocol/documents.ts';
import { isLive, latestProposal } from '../../../protocol/negotiations.ts';
import { lapse } from '../../tasks/lapse.ts';
import { closing } from '../../votes/count.ts';
import type { PoolState } from '../../world/pool-state.ts';
import type { VoidKind, VoidThing } from '../../world/void-things.ts';
import type { DomainEvent } from '../events.ts';

type Opened = Pick<VoidThing, 'id' | 'fence'> & {
  readonly kind: Exclude<VoidKind, 'member' | 'offer' | 'claim'>;
};

export function cancelOpened(
  state: PoolState,
  { kind, id, fence }: Opened,
  now: number,
): readonly DomainEvent[] {
  const by = fence.actor;
  const why = defined({ reason: fence.reason });
  switch (kind) {
    case 'task': {
      const found = state.entities.task.get(id);
      if (found === undefined) return [];
      const { task, events } = lapse(state, found, now);
      if (isFinal(task)) return events;
      const claim = isClaimed(task) ? { agent: task.claim.agent, epoch: task.claim.epoch } : {};
      return [...events, { type: 'task.cancelled', id, data: { cause: 'cancelled', by, ...why, ...claim } }];
    }
    case 'auction': {
      const auction = state.entities.auction.get(id);
      if (auction?.state !== 'open') return [];
      const { taskId } = auction;
      const ofTask = defined({ taskId });
      const cancelled: DomainEvent = {
        type: 'auction.cancelled',
        id,
        data: { cause: 'cancelled', by, ...ofTask },
      };
      const task = taskId === undefined ? undefined : state.entities.task.get(taskId);
      if (task === undefined || isFinal(task) || task.auction !== id) return [cancelled];
      return [cancelled, { type: 'task.unreserved', id: task.taskId, data: {} }];
    }
    case 'vote': {
      const vote = state.entities.vote.get(id);
      if (vote?.state !== 'open') return [];
      const { winner: _, ...counted } = closing(vote, 'cancelled').data;
      return [{ type: 'vote.closed', id, data: { ...counted, why: 'cancelled' } }];
    }
    case 'negotiation': {
      const session = state.entities.negotiation.get(id);
      if (session === undefined || !isLive(session)) return [];
      const { proposalId } = latestProposal(session);
      return [{ type: 'negotiation.rejected', id, data: { proposalId, by, ...why } }];
    }
    case 'delegation': {
      const delegation = state.entities.delegation.get(id);
      if (delegation?.state !== 'live') return [];
      const { delegatorId, delegateeId } = delegation;
      return [{ type: 'delegation.revoked', id, data: { delegatorId, delegateeId, by } }];
    }
  }
}
