/** What follows from a decision names that decision, whichever message tells it. */
import { defined } from '../../../protocol/defined.ts';
import { isClaimed } from '../../../protocol/documents.ts';
import type { Cause } from '../../../protocol/marks.ts';
import type { PoolState } from '../../world/pool-state.ts';
import type { AppliedEvent, World } from '../../world/world.ts';
import type { DomainEvent } from '../events.ts';

export function applyBecause(
  world: World,
  pool: string,
  event: DomainEvent,
  now: number,
  known: Cause | undefined,
): AppliedEvent {
  const message = world.because;
  const because = known ?? message;
  world.because = because;
  const applied = world.apply(pool, event, now);
  world.because = message;
  return { ...applied, ...defined({ because }), ...defined({ principal: because?.principal }) };
}

/** An event of a decision. What a fence had ended before may come with it: that names the decision that set the fence. */
export function applyNamed(world: World, pool: string, event: DomainEvent, now: number): AppliedEvent {
  const state = world.marks.isEmpty ? undefined : world.pool(pool);
  const fence = state && fenceTold(state, event);
  return fence === undefined ? world.apply(pool, event, now) : applyBecause(world, pool, event, now, fence);
}

function fenceTold(state: PoolState, event: DomainEvent): Cause | undefined {
  switch (event.type) {
    case 'task.released': {
      const task = state.entities.task.get(event.id);
      if (task === undefined || !isClaimed(task)) return undefined;
      const { agent, order, claimedAt } = task.claim;
      return state.isVoidClaim(task) ? state.fenceOf(agent, { order, at: claimedAt }) : undefined;
    }
    case 'member.left':
    case 'member.removed':
    case 'member.expired': {
      const member = state.members.get(event.id);
      return member && state.fenceOf(member.agent, { order: member.order, at: member.joinedAt });
    }
    case 'offer.ended': {
      const offer = state.offers.get(event.id, event.data.offerId);
      return offer && state.fenceOfOffer(offer);
    }
    default:
      return undefined;
  }
}
