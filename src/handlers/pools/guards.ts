/** Guards about pools and membership: each returns what it guards, or the rejection named after its rule. */
import { type Member, presenceEnds } from '../../protocol/documents.ts';
import { COMMONS, OPERATOR } from '../../protocol/names.ts';
import { isPublic } from '../../protocol/visibility.ts';
import { isRejected, type Rejected, rejected } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import { countDueByNow } from '../world/due-by-now.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { World } from '../world/world.ts';

export function existingPool(world: World, { pool }: Context): PoolState | Rejected {
  return world.pool(pool) ?? rejected('pool_not_found', `there is no pool ${pool}`);
}

export function openPool(world: World, context: Context): PoolState | Rejected {
  const state = world.pool(context.pool);
  if (state === undefined) return rejected('pool_not_found', `there is no pool ${context.pool}`);
  return state.doc.state === 'open' ? state : rejected('pool_closed', `pool ${context.pool} is closed`);
}

/** The open pool, if operators have not paused it: in a paused one nothing new is submitted, opened or claimed. */
export function workingPool(world: World, context: Context): PoolState | Rejected {
  const state = openPool(world, context);
  if (isRejected(state) || state.doc.pausedAt === undefined) return state;
  return poolPaused(context.pool);
}

export function poolPaused(pool: string): Rejected {
  return rejected('pool_paused', `pool ${pool} is paused`);
}

/** The pool, if the one who decides is its owner, one of its operators, or an operator of the whole system. */
export function operatedPool(world: World, context: Context): PoolState | Rejected {
  const state = existingPool(world, context);
  if (isRejected(state)) return state;
  if (operates(state, context.self)) return state;
  return rejected('not_allowed', `${context.self} is not an operator of pool ${context.pool}`);
}

/** Its owner, the agents that it names, and anyone who operates the whole system. */
export function operates(state: PoolState, self: string): boolean {
  return owns(state, self) || state.doc.operators?.includes(self) === true;
}

/** Its owner, and anyone who operates the whole system, who stands above owners. */
export function owns({ doc }: PoolState, self: string): boolean {
  return doc.owner === self || self === OPERATOR;
}

/** Operators have no power over the owner, nor over each other: the owner has over them, the system's over all. */
export function standsAbove({ doc }: PoolState, self: string, other: string): boolean {
  if (self === OPERATOR) return true;
  if (other === doc.owner) return false;
  return doc.owner === self || doc.operators?.includes(other) !== true;
}

/** A member whose presence lapsed is one no more, whether or not the sweep has run. */
export function presenceLapsed(member: Member, now: number): boolean {
  return (presenceEnds(member) ?? Number.POSITIVE_INFINITY) <= now;
}

/** How many members besides one fell silent that no sweep has met: no more than are asked for. */
export function silentMembers(state: PoolState, besides: string, now: number, most: number): number {
  return countDueByNow(state, now, most, ({ what, id }) =>
    what === 'member' && id !== besides && state.membership(id) !== undefined ? [id] : [],
  );
}

/** No place is left for an agent. Members whose presence lapsed have left theirs, whether or not the sweep has run. */
export function isFull(state: PoolState, agent: string, now: number): boolean {
  const others = state.membership(agent) === undefined ? state.memberCount : state.memberCount - 1;
  const surplus = others + 1 - (state.doc.capacity ?? Number.POSITIVE_INFINITY);
  return surplus > 0 && silentMembers(state, agent, now, surplus) < surplus;
}

/** The membership of an agent at this moment. In `commons` everyone has one. */
export function memberNow(state: PoolState, agent: string, now: number): Member | undefined {
  const member = state.membership(agent);
  if (member !== undefined && !presenceLapsed(member, now)) return member;
  if (state.doc.pool !== COMMONS || state.isBanned(agent)) return undefined;
  return { pool: COMMONS, agent, capabilities: [], joinedAt: 0, order: 0 };
}

export function requireMember(state: PoolState, { self, now }: Context): Member | Rejected {
  return (
    memberNow(state, self, now) ??
    rejected('not_a_member', `${self} is not a member of pool ${state.doc.pool}`)
  );
}

/** Into a pool that is not open nobody is drawn who is no member of it: it would have to know of what it may not. */
export function strangerAmong(
  state: PoolState,
  agents: readonly string[],
  now: number,
): Rejected | undefined {
  if (isPublic(state.doc)) return undefined;
  const stranger = agents.find((agent) => memberNow(state, agent, now) === undefined);
  if (stranger === undefined) return undefined;
  return rejected('not_a_member', `${stranger} is not a member of pool ${state.doc.pool}, which is not open`);
}

/** The open pool, if the agent may put something new into it: in some pools only members may. */
export function poolToOpenIn(world: World, context: Context): PoolState | Rejected {
  const state = workingPool(world, context);
  if (isRejected(state) || state.doc.submitters === 'anyone') return state;
  const member = requireMember(state, context);
  return isRejected(member) ? member : state;
}
