import type { World } from '../../../src/handlers/world/world.ts';
import { isClaimed } from '../../../src/protocol/documents.ts';
import { type Pair, waitingInVain } from '../../../verify/kit/waiting/in-vain.ts';

/** What waits in vain in a world: see `verify/kit/waiting/in-vain.ts`. Pools in which a match is due are left out. */
export function unmatched(world: World, now: number): Pair[] {
  const due = new Set(world.owing.map(({ pool }) => pool));
  return [...world.pools.values()].flatMap((state) => {
    const { doc, members, entities, offers } = state;
    if (due.has(doc.pool)) return [];
    const tasks = [...entities.task.values()].filter((task) => !isClaimed(task) || !state.isVoidClaim(task));
    return waitingInVain({
      doc,
      members: [...members.values()].filter((member) => !state.isVoidMember(member)),
      tasks,
      offers: [...offers.all()].filter((offer) => state.fenceOfOffer(offer) === undefined),
      settings: world.settings,
      now,
    });
  });
}
