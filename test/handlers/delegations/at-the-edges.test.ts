/** What scenarios do not reach, or only by filling a pool: the rules of delegation taken one by one. */
import { describe, expect, it } from 'vitest';
import { endWithPool, lapseDelegation } from '../../../src/handlers/delegations/due.ts';
import { membership, tooManyDelegations } from '../../../src/handlers/delegations/guards.ts';
import { LiveDelegations } from '../../../src/handlers/delegations/live-delegations.ts';
import { touches } from '../../../src/handlers/kernel/registry.ts';
import type { PoolState } from '../../../src/handlers/world/pool-state.ts';
import type { Delegation } from '../../../src/protocol/delegations.ts';
import type { Membership } from '../../../src/rules/index.ts';
import { at, by, given, joins, pool, START } from '../scenario.ts';
import { delegates, revokes } from './delegating.ts';

function stateOf(scenario: ReturnType<typeof given>, name = 'work'): PoolState {
  const state = scenario.world.pool(name);
  if (state === undefined) throw new Error(`there is no pool ${name}`);
  return state;
}

describe('what is looked at for a decision', () => {
  it('is the delegation that it makes or ends', () => {
    const touched = [{ kind: 'delegation', id: 'd' }];
    expect(touches({ id: 'd', type: 'Delegate', delegateeId: 'bob', scope: ['tasks'] })).toEqual(touched);
    expect(touches({ id: 'x', type: 'RevokeDelegation', delegationId: 'd' })).toEqual(touched);
  });
});

describe('who is a member', () => {
  it('of its own pool: whoever has joined and was heard from', () => {
    const scenario = given(pool(), by('ann', { type: 'JoinPool', presenceMs: 10 }), joins('bob'));
    const isMember = membership(stateOf(scenario), START + 10);
    expect(['ann', 'bob', 'eve'].filter((agent) => isMember('work', agent))).toEqual(['bob']);
  });

  it('of other pools nothing is known', () => {
    const isMember = membership(stateOf(given(pool(), joins('bob'))), START);
    expect(isMember('commons', 'bob')).toBe(false);
    expect(isMember('other', 'bob')).toBe(false);
  });

  it('of commons is everyone', () => {
    expect(membership(stateOf(given(), 'commons'), START)('commons', 'anyone')).toBe(true);
  });
});

it('a pool has 10,000 live delegations at most', () => {
  const having = (size: number) =>
    tooManyDelegations(
      { delegations: { size, liveCountAt: () => size }, doc: { pool: 'work' } } as unknown as PoolState,
      START,
    );
  expect(having(9_999)).toBeUndefined();
  expect(having(10_000)).toMatchObject({
    code: 'rate_limited',
    message: 'pool work has 10000 live delegations, the most that a pool may have',
  });
});

describe('what time does to a delegation', () => {
  const lapsed = (scenario: ReturnType<typeof given>, ms: number) => {
    const state = stateOf(scenario);
    const delegation = state.entities.delegation.get('d');
    if (delegation === undefined) throw new Error('there is no delegation');
    return lapseDelegation(state, delegation, START + ms).map(({ type }) => type);
  };

  it('it ends at its time, and not before', () => {
    const scenario = given(pool(), delegates('ann', 'bob', 'd', { expiresAt: START + 50 }));
    expect(lapsed(scenario, 49)).toEqual([]);
    expect(lapsed(scenario, 50)).toEqual(['delegation.expired']);
  });

  it('nothing without an end, and nothing once it has ended', () => {
    expect(lapsed(given(pool(), delegates('ann', 'bob', 'd')), 1e12)).toEqual([]);
    const revoked = given(
      pool(),
      delegates('ann', 'bob', 'd', { expiresAt: START + 50 }),
      revokes('ann', 'd'),
    );
    expect(lapsed(revoked, 50)).toEqual([]);
  });

  it('nothing as long as what it was passed on from is live', () => {
    const both = { scope: ['tasks', 'delegations'] };
    const passed = delegates('bob', 'cid', 'd', { onBehalfOf: 'ann' });
    expect(lapsed(given(pool(), delegates('ann', 'bob', 'd-ab', both), passed), 50)).toEqual([]);
  });

  it('with a pool as many end as there is room for, in the order of granting', () => {
    const scenario = given(pool(), ...['d-2', 'd-1', 'd-3'].map((id) => delegates('ann', 'bob', id)));
    expect(endWithPool(stateOf(scenario), 2).map(({ id }) => id)).toEqual(['d-2', 'd-1']);
  });
});

describe('the order of delegations', () => {
  it('is that of the log: of the last of a full Batch and the next decision the latter comes later', () => {
    const ids = Array.from({ length: 100 }, (_, i) => `d-${i}`);
    const scenario = given(
      pool(),
      by('ann', {
        type: 'Batch',
        decisions: ids.map((id) => ({ type: 'Delegate', id, delegateeId: 'bob', scope: ['tasks'] })),
      }),
      delegates('ann', 'bob', 'next'),
    );
    const kept = stateOf(scenario).entities.delegation;
    const orders = [...ids, 'next'].map((id) => kept.get(id)?.order ?? 0);
    expect(orders).toEqual([...new Set(orders)].sort((a, b) => a - b));
  });
});

describe('the links between two agents', () => {
  const isMember: Membership = (poolId, agent) => poolId === 'work' && ['bob', 'cid'].includes(agent);

  /** `from>to` each; the pool is `work`. */
  function between(from: string, to: string, ...arrows: readonly string[]): readonly string[] {
    const live = new LiveDelegations();
    for (const [order, arrow] of arrows.entries()) {
      const [delegatorId = '', delegateeId = ''] = arrow.split('>');
      const delegation: Delegation = {
        kind: 'delegation',
        state: 'live',
        pool: 'work',
        id: `d-${order}`,
        order,
        openedAt: 0,
        origin: { agent: delegatorId, decisionId: '' },
        delegatorId,
        delegateeId,
        delegationKind: delegateeId === 'work' ? 'pooled' : 'direct',
        scope: ['tasks'],
      };
      live.put(delegation.id, delegation);
    }
    return live
      .between(from, to, isMember)
      .map(({ delegatorId, delegateeId }) => `${delegatorId}>${delegateeId}`);
  }

  it('go through a pool by its members', () => {
    expect(between('ann', 'eve', 'ann>work', 'cid>eve')).toEqual(['ann>work', 'cid>eve']);
  });

  it('do not go through a pool by others', () => {
    expect(between('ann', 'eve', 'ann>work', 'cid>eve', 'dot>eve')).toEqual(['ann>work', 'cid>eve']);
    expect(between('ann', 'eve', 'ann>work')).toEqual([]);
  });

  it('go to an agent, and from there to a pool', () => {
    expect(between('ann', 'cid', 'ann>dot', 'dot>work')).toEqual(['ann>dot', 'dot>work']);
  });

  it('are all that one of them granted, not only the last', () => {
    const arrows = ['ann>work', 'bob>eve', 'bob>dot', 'dot>eve'];
    expect(between('ann', 'eve', ...arrows)).toEqual(arrows);
  });

  it('are in the order in which they were granted', () => {
    const arrows = ['cid>eve', 'bob>cid', 'ann>work'];
    expect(between('ann', 'eve', ...arrows)).toEqual(arrows);
  });
});

describe('an agent that is named like the pool', () => {
  it('is not its members: delegating to them closes no cycle', () => {
    given(pool(), delegates('work', 'ann', 'd-1'))
      .when(delegates('ann', 'work', 'd-2', { kind: 'pooled' }))
      .thenEvents('delegation.granted d-2');
  });
});

describe('what is said of a refusal', () => {
  it('scope_exceeded names the decision, and what it is about if it is about one thing', () => {
    given(pool(), delegates('ann', 'bob', 'd', { scope: ['votes'] }))
      .when(by('bob', { type: 'CancelTask', taskId: 't-1', onBehalfOf: 'ann' }))
      .thenRejected('scope_exceeded', { message: /does not cover CancelTask of t-1$/ })
      .when(by('bob', { type: 'ClaimNextTask', onBehalfOf: 'ann' }))
      .thenRejected('scope_exceeded', { message: /does not cover ClaimNextTask$/ });
  });

  it('already_revoked says what it is', () => {
    given(pool(), delegates('ann', 'bob', 'd'), revokes('ann', 'd'), at(5))
      .when(revokes('ann', 'd'))
      .thenRejected('already_revoked', { message: /^delegation d is revoked$/ });
  });
});
