/** Guards about delegations: each returns what it guards, or the rejection named after its rule. */
import { isSingleType } from '../../protocol/decisions/index.ts';
import type { Delegation } from '../../protocol/delegations.ts';
import { MAX_LIVE_DELEGATIONS } from '../../protocol/limits.ts';
import { COMMONS } from '../../protocol/names.ts';
import {
  DELEGABLE_FAMILIES,
  isLive,
  type Membership,
  parseScopeEntry,
  type Scope,
} from '../../rules/index.ts';
import { type Rejected, rateLimited, rejected } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import { memberNow } from '../pools/guards.ts';
import type { PoolState } from '../world/pool-state.ts';
import { linkOf } from './live-delegations.ts';

/** Who is a member at this moment. Of other pools nothing is known here: they may live on other shards. */
export function membership(state: PoolState, now: number): Membership {
  const own = state.doc.pool;
  return (pool, agent) => pool === own && (own === COMMONS || memberNow(state, agent, now) !== undefined);
}

export function existingDelegation(state: PoolState, delegationId: string): Delegation | Rejected {
  return (
    state.entities.delegation.get(delegationId) ??
    rejected('delegation_not_found', `there is no delegation ${delegationId} in pool ${state.doc.pool}`)
  );
}

/** Neither revoked (nor what it rests on) nor expired, by log time: whether that is told yet makes no difference. */
export function liveDelegation(
  { delegations }: PoolState,
  delegation: Delegation,
  { now }: Context,
): Delegation | Rejected {
  const lasts = delegation.state === 'live' && isLive(linkOf(delegation), now);
  if (lasts && !delegations.isDead(delegation)) return delegation;
  const state = lasts || delegation.state === 'revoked' ? 'revoked' : 'expired';
  return rejected('already_revoked', `delegation ${delegation.id} is ${state}`);
}

/** The delegator; of what was passed on also the principal in whose name that was done. */
export function byDelegator(delegation: Delegation, { self }: Context): Delegation | Rejected {
  const { id, delegatorId, passedOn } = delegation;
  if (self === delegatorId || self === passedOn?.principalId) return delegation;
  return rejected('not_the_delegator', `only ${delegatorId} may revoke delegation ${id}`);
}

/** The first entry that names neither a decision type nor a family. */
export function unknownEntry(scope: Scope): Rejected | undefined {
  const unknown = scope.find((text) => {
    const name = parseScopeEntry(text)?.name;
    return name === undefined || !(isSingleType(name) || FAMILIES.has(name));
  });
  if (unknown === undefined) return undefined;
  return rejected('invalid_delegation', `scope: ${unknown} names no decision type and no family`);
}

const FAMILIES: ReadonlySet<string> = new Set(DELEGABLE_FAMILIES);

/** Those that expired do not count, nor what rests on them, swept or not: they are looked for where that matters. */
export function tooManyDelegations({ delegations, doc }: PoolState, now: number): Rejected | undefined {
  if (delegations.size < MAX_LIVE_DELEGATIONS) return undefined;
  const live = delegations.liveCountAt(now);
  if (live < MAX_LIVE_DELEGATIONS) return undefined;
  return rateLimited(`pool ${doc.pool} has ${live} live delegations, the most that a pool may have`, {
    quota: 'liveDelegations',
    limit: MAX_LIVE_DELEGATIONS,
    used: live,
  });
}
