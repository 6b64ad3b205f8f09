import { expect, it } from 'vitest';
import { FAMILY_OF, SINGLE_DECISIONS } from '../../../src/protocol/decisions/index.ts';
import { MAX_LIVE_DELEGATIONS } from '../../../src/protocol/limits.ts';
import { DELEGABLE_FAMILIES, familyOf } from '../../../src/rules/index.ts';
import { at, by, joins, pool, START, sweep } from '../scenario.ts';
import { delegates, inBothWorlds, pools, revokes } from './delegating.ts';

it('every decision type has a family, and a scope can name each family but that of pools', () => {
  expect(Object.keys(FAMILY_OF).sort()).toEqual(Object.keys(SINGLE_DECISIONS).sort());
  const delegable = new Set(Object.values(FAMILY_OF).filter((family) => family !== 'pools'));
  expect([...DELEGABLE_FAMILIES].sort()).toEqual([...delegable].sort());
  for (const [type, family] of Object.entries(FAMILY_OF))
    expect(familyOf(type)).toBe(family === 'pools' ? undefined : family);
});

inBothWorlds((given) => {
  it('Delegate grants a delegation that is named by the id of the decision', () => {
    given(pool())
      .when(
        delegates('ann', 'bob', 'd', { scope: ['tasks', 'Vote:v-7'], expiresAt: START + 50, maxDepth: 2 }),
      )
      .thenEvents('delegation.granted d')
      .thenEventData('delegation.granted', {
        delegatorId: 'ann',
        delegateeId: 'bob',
        kind: 'direct',
        scope: ['tasks', 'Vote:v-7'],
        expiresAt: START + 50,
        maxDepth: 2,
        origin: { agent: 'ann', decisionId: 'd' },
      })
      .thenData({ delegationId: 'd', expiresAt: START + 50 })
      .thenDelegation('d', {
        kind: 'delegation',
        state: 'live',
        delegationKind: 'direct',
        delegatorId: 'ann',
        delegateeId: 'bob',
        openedAt: START,
        dueAt: START + 50,
      });
  });

  it('one without an end falls due never', () => {
    const scenario = given(pool())
      .when(delegates('ann', 'bob', 'd'))
      .thenData({ delegationId: 'd' });
    expect(scenario.answer.data).toEqual({ delegationId: 'd' });
    expect(scenario.world.nextDue()).toBeUndefined();
  });

  it('inside a Batch it is named by the id of the member, else by that of the Batch and the place in it', () => {
    const to = (delegateeId: string, id?: string) => {
      const body = { type: 'Delegate' as const, delegateeId, scope: ['tasks'] };
      return id === undefined ? body : { ...body, id };
    };
    given(pool())
      .when(by('ann', { type: 'Batch', id: 'b', decisions: [to('bob'), to('cid', 'mine'), to('dot')] }))
      .thenEvents('delegation.granted b-0', 'delegation.granted mine', 'delegation.granted b-2')
      .thenData({
        outcomes: [
          { id: 'b-0', data: { delegationId: 'b-0' } },
          { id: 'mine', data: { delegationId: 'mine' } },
          { id: 'b-2', data: { delegationId: 'b-2' } },
        ],
      })
      .thenDelegation('b-2', { delegateeId: 'dot', origin: { agent: 'ann', decisionId: 'b' } })
      .when(by('ann', { type: 'Batch', id: 'x'.repeat(64), decisions: [to('eve')] }))
      .thenRejected('invalid_decision', { message: /^decisions\[0\]\.id: / });
  });

  it('neither party need be a member; delegating is no membership', () => {
    given(pool())
      .when(delegates('stranger', 'other', 'd'))
      .thenEvents('delegation.granted d');
  });

  it('not_a_member: in a pool that takes tasks from members only, only they delegate', () => {
    given(pool({ submitters: 'members' }))
      .when(delegates('ann', 'bob', 'd'))
      .thenRejected('not_a_member')
      .when(joins('ann'), delegates('ann', 'bob', 'd'))
      .thenEvents('delegation.granted d');
  });

  it('a scope keeps each entry once', () => {
    given(pool())
      .when(delegates('ann', 'bob', 'd', { scope: ['Vote', 'tasks', 'Vote'] }))
      .thenEventData('delegation.granted', { scope: ['Vote', 'tasks'] });
  });

  it.each(['Vote', 'CancelTask', 'ClosePool', 'delegations', 'auctions', 'Vote:v-7', 'negotiations:n-1'])(
    'a scope may name %s',
    (entry) => {
      given(pool())
        .when(delegates('ann', 'bob', 'd', { scope: [entry] }))
        .thenEvents('delegation.granted d');
    },
  );

  it.each(['Votes', 'vote', 'everything', 'Batch', 'Sweep', 'pools', 'Vote:', 'Vote: v-7', '*', 'toString'])(
    'invalid_delegation: there is no decision type and no family %s',
    (entry) => {
      given(pool())
        .when(delegates('ann', 'bob', 'd', { scope: ['tasks', entry] }))
        .thenRejected('invalid_delegation', { transient: false });
    },
  );

  it.each([
    ['an empty scope', { scope: [] }],
    ['a scope of too many entries', { scope: Array.from({ length: 65 }, (_, i) => `Vote:v-${i}`) }],
    ['a depth below 0', { maxDepth: -1 }],
    ['a depth beyond 8', { maxDepth: 9 }],
  ])('invalid_decision: %s', (_, fields) => {
    given(pool())
      .when(delegates('ann', 'bob', 'd', fields))
      .thenRejected('invalid_decision');
  });

  it('invalid_decision: nobody acts in the name of the system', () => {
    given(pool())
      .when(delegates('ann', '_sweeper', 'd'))
      .thenRejected('invalid_decision');
  });

  it('invalid_delegation: to oneself', () => {
    given(pool())
      .when(delegates('ann', 'ann', 'd'))
      .thenRejected('invalid_delegation');
  });

  it('invalid_delegation: back to whoever delegates to the delegator, whatever the scopes', () => {
    given(pool(), delegates('ann', 'bob', 'd-ab'))
      .when(delegates('bob', 'ann', 'd-ba', { scope: ['votes'] }))
      .thenRejected('invalid_delegation', { message: /ann already delegates to bob/ });
  });

  it('invalid_delegation: a cycle through others', () => {
    given(pool(), delegates('ann', 'bob', 'd-ab'), delegates('bob', 'cid', 'd-bc'))
      .when(delegates('cid', 'ann', 'd-ca'))
      .thenRejected('invalid_delegation')
      .when(revokes('ann', 'd-ab'), delegates('cid', 'ann', 'd-ca'))
      .thenEvents('delegation.granted d-ca');
  });

  it('what expired closes no cycle, swept or not', () => {
    given(pool(), delegates('ann', 'bob', 'd-ab', { expiresAt: START + 50 }), at(49))
      .when(delegates('bob', 'ann', 'd-ba'))
      .thenRejected('invalid_delegation')
      .when(at(50), delegates('bob', 'ann', 'd-ba'))
      .thenEvents('delegation.granted d-ba');
  });

  it('members delegate to their own pool, one like the other', () => {
    given(pool(), joins('ann'), joins('bob'))
      .given(pools('ann', 'd-a'))
      .when(pools('bob', 'd-b'))
      .thenEvents('delegation.granted d-b')
      .thenDelegation('d-b', { delegationKind: 'pooled', delegateeId: 'work' });
  });

  it('invalid_delegation: pooled to another pool, of which nothing is known here', () => {
    given(pool())
      .when(delegates('ann', 'commons', 'd', { kind: 'pooled' }))
      .thenRejected('invalid_delegation');
  });

  it('deadline_passed: it would be over already', () => {
    given(pool(), at(50))
      .when(delegates('ann', 'bob', 'd', { expiresAt: START + 50 }))
      .thenRejected('deadline_passed')
      .when(delegates('ann', 'bob', 'd', { expiresAt: START + 51 }))
      .thenEvents('delegation.granted d');
  });

  it('invalid_delegation: the id is taken, by whomever, also when that one has ended', () => {
    given(pool(), delegates('ann', 'bob', 'd'))
      .when(delegates('eve', 'bob', 'd'))
      .thenRejected('invalid_delegation', { message: /another id/ })
      .given(revokes('ann', 'd'))
      .when(delegates('eve', 'bob', 'd'))
      .thenRejected('invalid_delegation')
      .when(delegates('ann', 'bob', 'd'))
      .thenRejected('invalid_delegation');
  });

  it('the same id in another pool is another delegation', () => {
    const body = { type: 'Delegate' as const, id: 'd', delegateeId: 'bob', scope: ['tasks'] };
    given(pool(), delegates('ann', 'bob', 'd'))
      .when(by('ann', body, 'commons'))
      .thenEvents('delegation.granted d');
  });

  it('pool_not_found and pool_closed: a closed pool takes nothing new, but revoking is possible', () => {
    given()
      .when(delegates('ann', 'bob', 'd'))
      .thenRejected('pool_not_found');
    given(pool(), delegates('ann', 'bob', 'd'), by('owner', { type: 'ClosePool' }))
      .when(delegates('ann', 'bob', 'd-2'))
      .thenRejected('pool_closed')
      .when(revokes('ann', 'd'))
      .thenEvents('delegation.revoked d');
  });

  it('rate_limited, transient, when the pool has as many live ones as it may; one that ends makes room', () => {
    const scenario = given(pool(), delegates('ann', 'bob', 'd', { expiresAt: START + 50 }));
    const state = scenario.world.pool('work');
    const one = state?.entities.delegation.get('d');
    if (state === undefined || one === undefined) throw new Error('not granted');
    for (let i = 1; i < MAX_LIVE_DELEGATIONS; i++) {
      const id = `d-${i}`;
      scenario.world.loadEntity(state, {
        ...one,
        id,
        order: one.order + i,
        delegatorId: `a-${i}`,
        dueAt: undefined,
      });
    }
    scenario
      .when(delegates('eve', 'bob', 'more'))
      .thenRejected('rate_limited', { transient: true })
      .when(at(50), sweep())
      .thenEvents('delegation.expired d')
      .when(delegates('eve', 'bob', 'more'))
      .thenEvents('delegation.granted more');
  });
});
