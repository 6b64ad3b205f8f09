import type { DecisionOf, OutcomeData } from '../../protocol/decisions/index.ts';
import { defined } from '../../protocol/defined.ts';
import { MAX_BATCH } from '../../protocol/limits.ts';
import {
  type DelegationFault,
  delegationFault,
  type Delegation as Link,
  type Membership,
} from '../../rules/index.ts';
import { accepted, isRejected, type Rejected, rejected } from '../kernel/decided.ts';
import type { Context, Handler } from '../kernel/handler.ts';
import { poolToOpenIn, strangerAmong } from '../pools/guards.ts';
import type { PoolState } from '../world/pool-state.ts';
import type { DelegationGrantedData } from './events.ts';
import { membership, tooManyDelegations, unknownEntry } from './guards.ts';
import { type Basis, basisFor } from './passing-on.ts';

/**
 * Lets someone act for the delegator. Decided on behalf of a principal it passes on what that principal delegated, and
 * the acting agent is the delegator: stored as the principal's own it would have escaped `maxDepth`.
 */
export const delegate: Handler<'Delegate'> = {
  touches: ({ id }) => [{ kind: 'delegation', id }],
  decide(world, decision, context) {
    const state = poolToOpenIn(world, context);
    if (isRejected(state)) return state;
    const { id, expiresAt } = decision;
    if (expiresAt !== undefined && expiresAt <= context.now) {
      return rejected('deadline_passed', `delegation ${id} would have expired already`);
    }
    const delegates = decision.kind === 'pooled' ? [] : [decision.delegateeId];
    const refused =
      unknownEntry(decision.scope) ??
      unusable(state, decision) ??
      strangerAmong(state, delegates, context.now) ??
      tooManyDelegations(state, context.now);
    if (refused !== undefined) return refused;
    const basis = context.self === context.agent ? undefined : basisFor(state, decision, context);
    if (basis !== undefined && isRejected(basis)) return basis;
    const link = proposal(decision, basis, context);
    const fault = faultOf(state, link, basis, membership(state, context.now), context.now);
    if (fault !== undefined) return rejected('invalid_delegation', FAULTS[fault](link));
    return accepted([{ type: 'delegation.granted', id, data: grant(link, context) }], answer(link));
  },
};

function unusable({ doc, entities }: PoolState, decision: DecisionOf<'Delegate'>): Rejected | undefined {
  const { id, kind, delegateeId } = decision;
  if (entities.delegation.has(id)) {
    return rejected(
      'invalid_delegation',
      `pool ${doc.pool} already has a delegation ${id}: choose another id`,
    );
  }
  if (kind === 'pooled' && delegateeId !== doc.pool) {
    return rejected(
      'invalid_delegation',
      `a pooled delegation is for the members of its own pool, ${doc.pool}`,
    );
  }
  return undefined;
}

function proposal(decision: DecisionOf<'Delegate'>, basis: Basis | undefined, { agent }: Context): Link {
  const { id, delegateeId, kind = 'direct', maxDepth } = decision;
  return {
    delegationId: id,
    delegatorId: agent,
    delegateeId,
    kind,
    scope: [...new Set(decision.scope)],
    expiresAt: decision.expiresAt ?? basis?.expiresAt,
    maxDepth,
    passedOn: basis?.passedOn,
  };
}

/** Only what leads back from the delegatee closes a cycle; only what leads here from the principal can be passed on. */
function faultOf(
  { delegations }: PoolState,
  link: Link,
  basis: Basis | undefined,
  isMember: Membership,
  nowMs: number,
): DelegationFault | undefined {
  const back =
    link.kind === 'pooled' ? [] : delegations.between(link.delegateeId, link.delegatorId, isMember);
  return delegationFault([...new Set([...(basis?.chain ?? []), ...back])], link, { nowMs, isMember });
}

function grant(link: Link, { seq, index, agent, decisionId }: Context): DelegationGrantedData {
  const { delegatorId, delegateeId, kind, scope, expiresAt, maxDepth, passedOn } = link;
  return {
    delegatorId,
    delegateeId,
    kind,
    scope,
    ...defined({ expiresAt, maxDepth, passedOn }),
    order: seq * (MAX_BATCH + 1) + index,
    origin: { agent, decisionId },
  };
}

/** `expiresAt` is told because what is passed on ends with what it rests on. */
function answer({ delegationId, expiresAt }: Link): OutcomeData['Delegate'] {
  return expiresAt === undefined ? { delegationId } : { delegationId, expiresAt };
}

const FAULTS: Readonly<Record<DelegationFault, (link: Link) => string>> = {
  invalid_scope: () => 'scope: names no decision type and no family',
  self_delegation: ({ delegatorId }) => `${delegatorId} cannot delegate to itself`,
  cycle: ({ delegatorId, delegateeId }) =>
    `${delegateeId} already delegates to ${delegatorId}, directly or through others`,
  parent_missing: ({ delegatorId }) => `${delegatorId} has nothing to pass on`,
  wider_than_parent: ({ delegatorId }) => `reaches further than what ${delegatorId} has`,
  too_deep: ({ delegatorId }) => `what ${delegatorId} has cannot be passed on any further`,
};
