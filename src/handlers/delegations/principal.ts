/** Acting for another: whose rights a decision uses, and whether its author may use them. */
import type { SingleDecision } from '../../protocol/decisions/index.ts';
import { type DecisionFamily, familyOf, findChain, type ScopedDecision } from '../../rules/index.ts';
import { type Rejected, rejected } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import type { World } from '../world/world.ts';
import { membership } from './guards.ts';

/** The context in which a decision is judged: with the rights of its author, or of the principal if it may act for it. */
export function actingFor(world: World, decision: SingleDecision, context: Context): Context | Rejected {
  const { agent, now } = context;
  const principal = decision.onBehalfOf ?? agent;
  if (principal === context.self && principal === agent) return context;
  const acting = { ...context, self: principal };
  // What is for oneself alone its handler refuses, whatever was delegated.
  if (principal === agent || ONLY_FOR_ONESELF.has(decision.type)) return acting;
  const state = world.pool(context.pool);
  if (state === undefined) return delegationMissing(principal, context);
  const isMember = membership(state, now);
  const scoped = scopedDecision(decision);
  const question = { principalId: principal, agentId: agent, decision: scoped, nowMs: now, isMember };
  if ('chain' in findChain(state.delegations.directly(principal, agent), question)) return acting;
  const answer = findChain(state.delegations.between(principal, agent, isMember), question);
  if ('chain' in answer) return acting;
  return 'missing' in answer ? delegationMissing(principal, context) : exceeded(principal, scoped, context);
}

const ONLY_FOR_ONESELF: ReadonlySet<SingleDecision['type']> = new Set(['StandBy', 'StandDown']);

/** Also what there is in a pool that does not exist. */
export function delegationMissing(
  principal: string,
  { agent, pool }: Pick<Context, 'agent' | 'pool'>,
): Rejected {
  return rejected(
    'delegation_missing',
    `no live delegation leads from ${principal} to ${agent} in pool ${pool}`,
  );
}

function exceeded(principal: string, { type, entityId }: ScopedDecision, { agent }: Context): Rejected {
  const decision = entityId === undefined ? type : `${type} of ${entityId}`;
  return rejected(
    'scope_exceeded',
    `what ${principal} delegated to ${agent}, directly or not, does not cover ${decision}`,
  );
}

/** A decision as scopes see it. */
export function scopedDecision(decision: SingleDecision): ScopedDecision {
  const { type } = decision;
  const family = familyOf(type);
  if (family === undefined) return { type };
  const id: unknown = Reflect.get(decision, ID_FIELDS[family]);
  return typeof id === 'string' ? { type, family, entityId: id } : { type, family };
}

/** The field that names the one thing which a decision is about. */
const ID_FIELDS: Readonly<Record<DecisionFamily, string>> = {
  tasks: 'taskId',
  auctions: 'auctionId',
  votes: 'voteId',
  negotiations: 'sessionId',
  delegations: 'delegationId',
};
