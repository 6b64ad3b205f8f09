/**
 * Access to private pools: who may not know of a pool gets for every decision what it would get if there were no such
 * pool, to the byte. It stands before everything that looks at the pool: its bans, its rates, its ids. Two decisions
 * stand outside, because their answers cannot be kept secret: CreatePool (`pool_exists`), and JoinPool of who is admitted.
 */
import type { SingleDecision } from '../../protocol/decisions/index.ts';
import { isPublic, knowsInOwnRight } from '../../protocol/visibility.ts';
import { covers, isLetKnow, type Scope } from '../../rules/index.ts';
import { membership } from '../delegations/guards.ts';
import { delegationMissing, scopedDecision } from '../delegations/principal.ts';
import { type Rejected, rejected } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { World } from '../world/world.ts';
import { admitsAny } from './admission.ts';
import { memberNow } from './guards.ts';

type Place = Pick<Context, 'pool' | 'agent' | 'now'>;

/** The answer of a pool that there is not, and of one of which the agent may not know. */
export function noSuchPool(pool: string): Rejected {
  return rejected('pool_not_found', `there is no pool ${pool}`);
}

/** The rejection, if to this agent there is no such pool for this decision. */
export function deniedAccess(world: World, decision: SingleDecision, place: Place): Rejected | undefined {
  const state = world.pool(place.pool);
  if (isAdmitted(state, decision, place)) return undefined;
  if (state !== undefined && mayKnowFor(state, decision, place)) return undefined;
  if (decision.type !== 'CreatePool') return noSuchPool(place.pool);
  const { onBehalfOf: principal = place.agent } = decision;
  return principal === place.agent ? undefined : delegationMissing(principal, place);
}

/** The pool, if the agent may know of it whatever it decides: one that is open, or that it knows in its own right. */
export function poolKnownTo(world: World, { pool, agent, now }: Place): PoolState | undefined {
  const state = world.pool(pool);
  return state !== undefined && (isPublic(state.doc) || knows(state, agent, now)) ? state : undefined;
}

/** Who joins with a right of its own: asked in the same time whether there is a pool or not. */
function isAdmitted(state: PoolState | undefined, decision: SingleDecision, { agent }: Place): boolean {
  if (decision.type !== 'JoinPool' || (decision.onBehalfOf ?? agent) !== agent) return false;
  const isLetIn = admitsAny(state?.doc.admission, agent, decision.token);
  return isLetIn && state?.isBanned(agent) === false;
}

function mayKnowFor(state: PoolState, decision: SingleDecision, { agent, now }: Place): boolean {
  if (isPublic(state.doc) || knows(state, agent, now)) return true;
  if (state.isBanned(agent)) return false;
  const scoped = scopedDecision(decision);
  return isLetKnowBy(state, agent, (scope) => covers(scope, scoped), now);
}

function knows(state: PoolState, agent: string, now: number): boolean {
  const isMember = memberNow(state, agent, now) !== undefined;
  return knowsInOwnRight(state.doc, agent, { isMember, isBanned: state.isBanned(agent) });
}

function isLetKnowBy(
  state: PoolState,
  agentId: string,
  reaches: (scope: Scope) => boolean,
  nowMs: number,
): boolean {
  const links = state.delegations.leadingTo(agentId);
  if (links.length === 0) return false;
  const isMember = membership(state, nowMs);
  return isLetKnow(links, {
    agentId,
    reaches,
    knows: (other) => knows(state, other, nowMs),
    isMember,
    nowMs,
  });
}
