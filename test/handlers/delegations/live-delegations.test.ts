import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LiveDelegations } from '../../../src/handlers/delegations/live-delegations.ts';
import type { Delegation } from '../../../src/protocol/delegations.ts';
import { MAX_SEARCHED_LINKS } from '../../../src/protocol/limits.ts';
import { findChain, type Delegation as Link, type Membership } from '../../../src/rules/index.ts';

const AGENTS = ['ann', 'bob', 'cid', 'dot', 'eve'] as const;
const isMember: Membership = (pool, agent) => pool === 'work' && ['bob', 'cid'].includes(agent);
const decision = { type: 'Vote', family: 'votes', entityId: 'v-7' };

const agent = fc.constantFrom(...AGENTS);
const drawn = fc.record({
  delegatorId: agent,
  delegateeId: fc.oneof(agent, fc.constant('work')),
  scope: fc.constantFrom(['votes'], ['Vote:v-7'], ['tasks']),
  maxDepth: fc.option(fc.nat(3), { nil: undefined }),
  parent: fc.option(fc.nat(20), { nil: undefined }),
  principalId: agent,
});

function delegationsOf(
  all: readonly (typeof drawn extends fc.Arbitrary<infer D> ? D : never)[],
): Delegation[] {
  return all.map(({ parent, principalId, delegateeId, ...rest }, order) => ({
    ...rest,
    kind: 'delegation',
    state: 'live',
    pool: 'work',
    id: `d-${order}`,
    order,
    openedAt: 0,
    origin: { agent: rest.delegatorId, decisionId: '' },
    delegateeId,
    delegationKind: delegateeId === 'work' ? 'pooled' : 'direct',
    passedOn: parent === undefined ? undefined : { principalId, parentId: `d-${parent}` },
  }));
}

function put(delegations: readonly Delegation[]): LiveDelegations {
  const live = new LiveDelegations();
  for (const delegation of delegations) live.put(delegation.id, delegation);
  return live;
}

const ended = (delegation: Delegation): Delegation => ({ ...delegation, state: 'expired', finishedAt: 1 });

describe('LiveDelegations', () => {
  it('what is between two agents gives the same chain as all there is, in whatever order it was put in', () => {
    const question = fc.record({ principalId: agent, agentId: agent });
    fc.assert(
      fc.property(
        fc.array(drawn, { maxLength: 25 }),
        question,
        fc.infiniteStream(fc.nat()),
        (all, who, at) => {
          const delegations = delegationsOf(all);
          const shuffled = delegations
            .map((delegation) => ({ delegation, place: at.next().value ?? 0 }))
            .sort((a, b) => a.place - b.place)
            .map(({ delegation }) => delegation);
          const asked = { ...who, decision, nowMs: 0, isMember };
          const everything: Link[] = delegations.map(({ id, delegationKind, kind: _, ...link }) => ({
            ...link,
            delegationId: id,
            kind: delegationKind,
            revoked: false,
          }));
          const searched = put(shuffled).between(who.principalId, who.agentId, isMember);
          expect(idsOf(findChain(searched, asked))).toEqual(idsOf(findChain(everything, asked)));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of very many it searches the nearest: those of the principal itself first', () => {
    const many = Array.from({ length: 2 * MAX_SEARCHED_LINKS }, (_, i) => ({
      scope: ['votes'] as const,
      maxDepth: undefined,
      parent: undefined,
      principalId: 'ann' as const,
      delegatorId: `member-${i}`,
      delegateeId: 'eve',
    }));
    const pooled = { ...many[0], delegatorId: 'ann', delegateeId: 'work' };
    const live = put(delegationsOf([...many, pooled] as Parameters<typeof delegationsOf>[0]));
    const found = live.between('ann', 'eve', () => true);
    expect(found).toHaveLength(MAX_SEARCHED_LINKS);
    expect(found.at(-1)).toMatchObject({ delegatorId: 'ann' });
    expect(live.directly('ann', 'eve')).toMatchObject([{ delegatorId: 'ann', kind: 'pooled' }]);
  });

  it('keeps nothing of what has ended', () => {
    fc.assert(
      fc.property(fc.array(drawn, { maxLength: 25 }), (all) => {
        const delegations = delegationsOf(all);
        const live = put(delegations);
        for (const delegation of delegations) live.put(delegation.id, ended(delegation));
        expect(live.size).toBe(0);
        for (const name of AGENTS) expect(live.between(name, 'eve', isMember)).toEqual([]);
        for (const { id } of delegations) expect(live.passedOnFrom(id)).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it('what was passed on from one that has ended is left over, also when it was loaded before it', () => {
    const nothing = { scope: ['votes'] as const, maxDepth: undefined, principalId: 'ann' as const };
    const [parent, child] = delegationsOf([
      { ...nothing, delegatorId: 'ann', delegateeId: 'bob', parent: undefined },
      { ...nothing, delegatorId: 'bob', delegateeId: 'cid', parent: 0 },
    ]);
    if (parent === undefined || child === undefined) throw new Error('two of them');
    const live = new LiveDelegations();
    live.put(child.id, child);
    expect(live.isLeftOver(child)).toBe(true);
    live.put(parent.id, parent);
    expect(live.isLeftOver(child)).toBe(false);
    expect(live.childrenOf(parent.id)).toEqual([child]);
    live.put(parent.id, ended(parent));
    expect(live.isLeftOver(child)).toBe(true);
    expect(live.isLeftOver(ended(child))).toBe(false);
  });
});

function idsOf(answer: ReturnType<typeof findChain>): unknown {
  return 'chain' in answer ? answer.chain.map(({ delegationId }) => delegationId) : answer;
}
