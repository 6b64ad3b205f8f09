import { MAIN_OFFER, type Offer } from '../../protocol/offers.ts';
import { accepted, isRejected, rejected } from '../kernel/decided.ts';
import type { Handler } from '../kernel/handler.ts';
import { existingPool } from '../pools/guards.ts';
import { claimIsLive } from '../tasks/lapse.ts';
import type { PoolState } from '../world/pool-state.ts';
import { offerEnded, whyOver } from './ended.ts';
import { onlyForOneself } from './guards.ts';

/** Nothing more is handed over. What was, and is not begun yet, is listed: it is the agent's to take up or to give back. */
export const standDown: Handler<'StandDown'> = {
  decide(world, { offerId = MAIN_OFFER }, context) {
    const state = existingPool(world, context);
    if (isRejected(state)) return state;
    const anothers = onlyForOneself('StandDown', context);
    if (anothers !== undefined) return anothers;
    const { self, pool, now } = context;
    const offer = state.offers.get(self, offerId);
    if (offer === undefined || state.doc.state === 'closed' || whyOver(state, offer, now) !== undefined) {
      return rejected('offer_not_found', `${self} has no offer ${offerId} standing in pool ${pool}`);
    }
    const data = { offer: offer.offer, unstarted: unstarted(state, offer, now) };
    return accepted([offerEnded(state, offer, 'stood_down')], data);
  },
};

function unstarted(state: PoolState, { agent, offer }: Offer, now: number) {
  return state
    .heldBy(agent)
    .filter(
      (task) => task.claim.offer === offer && task.claim.unstarted === true && claimIsLive(state, task, now),
    )
    .map(({ taskId, claim: { epoch, expiresAt } }) => ({ taskId, epoch, expiresAt }));
}
