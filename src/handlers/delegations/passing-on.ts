/** Delegating what someone else has delegated: on which link it rests, and how far it can go. */

import { least } from '../../protocol/lists.ts';
import { leadsTo } from '../../rules/delegations/links.ts';
import { findChain, type Delegation as Link, narrows, type PassedOn } from '../../rules/index.ts';
import { type Rejected, rejected } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import type { PoolState } from '../world/pool-state.ts';
import { membership } from './guards.ts';

/** Rights that an agent that acts for a principal wants to pass on. */
export type Wanted = Pick<Link, 'scope' | 'expiresAt'>;

export interface Basis {
  readonly passedOn: PassedOn;
  readonly chain: readonly Link[];
  /** When the first link of the chain ends: what rests on it cannot last longer. */
  readonly expiresAt?: number | undefined;
}

/**
 * The chain from the principal to the acting agent on which a re-delegation can rest: every link of it allows to
 * delegate, is as wide in scope and in time as what is wanted, and leaves room for one more.
 */
export function basisFor(state: PoolState, wanted: Wanted, context: Context): Basis | Rejected {
  const { self, agent, now } = context;
  const links = state.delegations.between(self, agent, membership(state, now));
  const chain = chainWithRoom(
    links.filter((link) => isWithin(wanted, link)),
    state,
    context,
  );
  const parent = chain?.at(-1);
  if (chain === undefined || parent === undefined) {
    const isTooWide = chainWithRoom(links, state, context) !== undefined;
    const why = isTooWide
      ? `reaches further or lasts longer than what ${agent} has from ${self}`
      : `what ${agent} has from ${self} cannot be passed on any further`;
    return rejected('invalid_delegation', why);
  }
  const ends = chain.flatMap(({ expiresAt }) => expiresAt ?? []);
  return {
    passedOn: { principalId: self, parentId: parent.delegationId },
    chain,
    expiresAt: least(ends),
  };
}

function isWithin({ scope, expiresAt }: Wanted, link: Link): boolean {
  const lastsAsLong = expiresAt === undefined || link.expiresAt === undefined || expiresAt <= link.expiresAt;
  return lastsAsLong && narrows(scope, link.scope);
}

/**
 * A chain that one more link can follow. It is asked for by that link: after each one that reaches the acting agent
 * stands a re-delegation to someone who is reached in no other way, and the chain to that one is searched.
 */
function chainWithRoom(
  links: readonly Link[],
  state: PoolState,
  { self, agent, now }: Context,
): readonly Link[] | undefined {
  const isMember = membership(state, now);
  const next = links
    .filter((link) => leadsTo(link, agent, isMember))
    .map(
      (parent): Link => ({
        delegationId: `${parent.delegationId}${BEYOND}`,
        delegatorId: agent,
        kind: 'direct',
        delegateeId: BEYOND,
        scope: ['Delegate'],
        passedOn: { principalId: self, parentId: parent.delegationId },
      }),
    );
  const answer = findChain([...links, ...next], {
    principalId: self,
    agentId: BEYOND,
    decision: { type: 'Delegate', family: 'delegations' },
    nowMs: now,
    isMember: (pool, someone) => someone !== BEYOND && isMember(pool, someone),
  });
  return 'chain' in answer ? answer.chain.slice(0, -1) : undefined;
}

/** No agent has a name like this. */
const BEYOND = ' ';
