import { offerEnded } from '../../offers/ended.ts';
import { endOfMembership } from '../../pools/membership.ts';
import { lapse } from '../../tasks/lapse.ts';
import type { PoolState } from '../../world/pool-state.ts';
import type { VoidThing } from '../../world/void-things.ts';
import type { DomainEvent } from '../events.ts';
import { cancelOpened } from './cancel-work.ts';

/** What is told of something that a fence voids: it has been so since the fence, and here it is written down. */
export function endOfVoid(
  state: PoolState,
  { kind, id, fence }: VoidThing,
  now: number,
): readonly DomainEvent[] {
  switch (kind) {
    case 'member': {
      const member = state.members.get(id);
      return member === undefined ? [] : [endOfMembership(member, fence)];
    }
    case 'offer': {
      const offer = state.offers.byKey(id);
      return offer === undefined ? [] : [offerEnded(state, offer, fence.why)];
    }
    case 'claim': {
      const task = state.entities.task.get(id);
      return task === undefined ? [] : lapse(state, task, now).events;
    }
    default:
      return cancelOpened(state, { kind, id, fence }, now);
  }
}
