import type { DecisionOf } from '../../protocol/decisions/index.ts';
import type { Member } from '../../protocol/documents.ts';
import {
  accepted,
  type EndedStay,
  isRejected,
  type Rejected,
  rateLimited,
  rejected,
} from '../kernel/decided.ts';
import type { MemberEvent, MembershipData } from '../kernel/events.ts';
import type { Handler } from '../kernel/handler.ts';
import { tooManyClasses } from '../offers/class-bound.ts';
import type { PoolState } from '../world/pool-state.ts';
import { admits } from './admission.ts';
import { isFull, openPool, presenceLapsed, silentMembers } from './guards.ts';
import { endOfMembership, silence } from './membership.ts';

export const joinPool: Handler<'JoinPool'> = {
  decide(world, decision, context) {
    const state = openPool(world, context);
    if (isRejected(state)) return state;
    const { self, now, pool } = context;
    const known = state.membership(self);
    if (known !== undefined && !presenceLapsed(known, now)) {
      const updated: MemberEvent = { type: 'member.updated', id: self, data: membership(decision, known) };
      const tooMany = classesAfter(state, self, updated.data.capabilities);
      if (tooMany !== undefined) return tooMany;
      return accepted([updated], { capabilities: updated.data.capabilities });
    }
    if (!admits(state.doc.admission, self, decision.token)) {
      return rejected('not_admitted', `pool ${pool} does not admit ${self}`);
    }
    if (isFull(state, self, now)) {
      return rejected('pool_full', `pool ${pool} has ${state.doc.capacity} members, its capacity`);
    }
    const { maxMembersPerPool: limit } = world.settings;
    const stored = known === undefined ? state.memberCount : state.memberCount - 1;
    const others = stored - silentMembers(state, self, now, stored - limit + 1);
    if (others >= limit) {
      const met = { quota: 'maxMembersPerPool', limit, used: others };
      return rateLimited(`pool ${pool} has ${others} members, the most that a pool may have`, met);
    }
    const joined: MemberEvent = { type: 'member.joined', id: self, data: membership(decision, undefined) };
    const { ended, ends } = stayBefore(state, self);
    return { ...accepted([...ended, joined], { capabilities: joined.data.capabilities }), ends };
  },
};

/** With other capabilities the offers of a member stand in other classes. */
function classesAfter(
  state: PoolState,
  agent: string,
  capabilities: readonly string[],
): Rejected | undefined {
  for (const { topics } of state.offers.of(agent)) {
    const tooMany = tooManyClasses(state, topics, capabilities);
    if (tooMany !== undefined) return tooMany;
  }
  return undefined;
}

/** A membership that has lapsed, or that a fence voids: that it is over has not been told yet. */
function stayBefore(
  state: PoolState,
  agent: string,
): { readonly ended: readonly MemberEvent[]; readonly ends?: EndedStay } {
  const before = state.members.get(agent);
  if (before === undefined) return { ended: [] };
  const fence = state.fenceOf(agent, { order: before.order, at: before.joinedAt });
  if (fence !== undefined) return { ended: [endOfMembership(before, fence)] };
  const stay = silence(before);
  return { ended: [endOfMembership(before, stay)], ends: stay };
}

/** Omitted fields stay as they were when an agent joins again. */
function membership(decision: DecisionOf<'JoinPool'>, known: Member | undefined): MembershipData {
  const capabilities = [...new Set(decision.capabilities ?? known?.capabilities ?? [])].sort();
  const presenceMs = decision.presenceMs ?? known?.presenceMs;
  return presenceMs === undefined ? { capabilities } : { capabilities, presenceMs };
}
