import { expect, it } from 'vitest';
import { CONSEQUENCES_AT_ONCE } from '../../../src/protocol/limits.ts';
import { at, by, joins, pool, START, settle, submits, sweep } from '../scenario.ts';
import { cancels, delegates, inBothWorlds, revokes, type Step } from './delegating.ts';

const both = { scope: ['tasks', 'delegations'] };

function passes(agent: string, delegateeId: string, id: string): Step {
  return delegates(agent, delegateeId, id, { ...both, onBehalfOf: 'ann' });
}

inBothWorlds((given) => {
  /** ann → bob → cid → dot, and bob → eve beside it. */
  const chain = () =>
    given(pool(), submits('ann', 't-1'), submits('ann', 't-2'), delegates('ann', 'bob', 'd-ab', both)).given(
      passes('bob', 'cid', 'd-bc'),
      passes('cid', 'dot', 'd-cd'),
      passes('bob', 'eve', 'd-be'),
    );

  it('RevokeDelegation ends it for good, and says so', () => {
    given(pool(), delegates('ann', 'bob', 'd'), at(10))
      .when(revokes('ann', 'd'))
      .thenEvents('delegation.revoked d')
      .thenEventData('delegation.revoked', { delegatorId: 'ann', delegateeId: 'bob', by: 'ann' })
      .thenData({ revoked: ['d'] })
      .thenDelegation('d', { state: 'revoked', revokedBy: 'ann', finishedAt: START + 10 });
  });

  it('takes with it all that was passed on, in the order in which it was granted', () => {
    chain()
      .when(revokes('ann', 'd-ab'))
      .thenEvents(
        'delegation.revoked d-ab',
        'delegation.revoked d-bc',
        'delegation.revoked d-cd',
        'delegation.revoked d-be',
      )
      .thenData({ revoked: ['d-ab', 'd-bc', 'd-cd', 'd-be'], count: 4 })
      .thenDelegation('d-cd', { state: 'revoked', revokedBy: '_system', revokedWith: 'd-bc' });
  });

  it('half-way down a chain takes what is below, and leaves what is above and beside', () => {
    chain()
      .when(revokes('bob', 'd-bc'))
      .thenEvents('delegation.revoked d-bc', 'delegation.revoked d-cd')
      .when(cancels('dot', 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(cancels('cid', 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(cancels('bob', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1')
      .when(cancels('eve', 't-2', 'ann'))
      .thenEvents('task.cancelled t-2');
  });

  it('leaves own grants alone: they rest on their delegator’s own rights', () => {
    given(pool(), submits('ann', 't-1'), submits('bob', 't-2'))
      .given(delegates('ann', 'bob', 'd-ab', both), delegates('bob', 'cid', 'd-bc'))
      .when(revokes('ann', 'd-ab'))
      .thenEvents('delegation.revoked d-ab')
      .when(cancels('cid', 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(cancels('cid', 't-2', 'bob'))
      .thenEvents('task.cancelled t-2');
  });

  it('delegating anew does not bring back what was passed on', () => {
    chain()
      .given(revokes('ann', 'd-ab'), delegates('ann', 'bob', 'd-new', both))
      .when(cancels('cid', 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(cancels('bob', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1');
  });

  it('delegation_not_found', () => {
    given(pool(), delegates('ann', 'bob', 'd'))
      .when(revokes('ann', 'other'))
      .thenRejected('delegation_not_found', { transient: false })
      .when(by('ann', { type: 'RevokeDelegation', delegationId: 'd' }, 'commons'))
      .thenRejected('delegation_not_found');
    given().when(revokes('ann', 'd')).thenRejected('pool_not_found');
  });

  it('not_the_delegator: neither the delegatee nor the pool’s owner nor anyone else', () => {
    chain()
      .when(revokes('bob', 'd-ab'))
      .thenRejected('not_the_delegator', { transient: false })
      .when(revokes('owner', 'd-ab'))
      .thenRejected('not_the_delegator')
      .when(revokes('cid', 'd-be'))
      .thenRejected('not_the_delegator');
  });

  it('what was passed on in somebody’s name is that principal’s to revoke as well', () => {
    chain()
      .when(revokes('ann', 'd-cd'))
      .thenEvents('delegation.revoked d-cd')
      .thenDelegation('d-cd', { revokedBy: 'ann' })
      .when(cancels('cid', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1');
  });

  it('on behalf of the delegator it is as good as by the delegator', () => {
    given(
      pool(),
      delegates('ann', 'bob', 'd'),
      delegates('ann', 'cid', 'd-2', { scope: ['RevokeDelegation:d'] }),
    )
      .when(revokes('cid', 'd'))
      .thenRejected('not_the_delegator')
      .when(revokes('cid', 'd-2', 'ann'))
      .thenRejected('scope_exceeded')
      .when(revokes('cid', 'd', 'ann'))
      .thenEvents('delegation.revoked d')
      .thenPrincipals('ann')
      .thenDelegation('d', { revokedBy: 'ann' });
  });

  it('already_revoked the second time, by whomever it was revoked the first time', () => {
    chain()
      .when(revokes('ann', 'd-ab'), revokes('ann', 'd-ab'))
      .thenRejected('already_revoked', { transient: false })
      .when(revokes('bob', 'd-bc'))
      .thenRejected('already_revoked')
      .when(revokes('eve', 'd-ab'))
      .thenRejected('not_the_delegator');
  });

  it('already_revoked: it is over by its own time, swept or not', () => {
    given(pool(), delegates('ann', 'bob', 'd', { expiresAt: START + 50 }), at(50))
      .when(revokes('ann', 'd'))
      .thenRejected('already_revoked', { message: /expired/ })
      .when(sweep(), revokes('ann', 'd'))
      .thenRejected('already_revoked', { message: /expired/ });
  });

  it('does not revoke what is over already: that expires by itself', () => {
    const passed = by('bob', {
      type: 'Delegate',
      id: 'd-bc',
      delegateeId: 'cid',
      scope: ['tasks'],
      expiresAt: START + 50,
      onBehalfOf: 'ann',
    });
    given(pool(), delegates('ann', 'bob', 'd-ab', both), passed, at(50))
      .when(revokes('ann', 'd-ab'))
      .thenEvents('delegation.revoked d-ab', 'delegation.expired d-bc');
  });

  it('revoked while a Batch passes it on: one order, and nothing is left over', () => {
    given(pool(), delegates('ann', 'bob', 'd-ab', both))
      .when(
        by('ann', {
          type: 'Batch',
          decisions: [
            { type: 'RevokeDelegation', delegationId: 'd-ab' },
            { type: 'Delegate', id: 'again', delegateeId: 'bob', scope: ['tasks'] },
          ],
        }),
      )
      .thenEvents('delegation.revoked d-ab', 'delegation.granted again')
      .when(passes('bob', 'cid', 'd-bc'))
      .thenRejected('scope_exceeded');
  });
});

inBothWorlds((given) => {
  it('what is too much for one message does not work from the same moment, and is told by a Settle', () => {
    const count = CONSEQUENCES_AT_ONCE + 5;
    const scenario = given(pool(), joins('x'), submits('ann', 't-1'), delegates('ann', 'bob', 'd-ab', both));
    for (let first = 0; first < count; first += 50) {
      const decisions = Array.from({ length: Math.min(50, count - first) }, (_, i) => ({
        type: 'Delegate' as const,
        id: `d-${first + i}`,
        delegateeId: `a-${first + i}`,
        ...both,
        onBehalfOf: 'ann',
      }));
      scenario.given(by('bob', { type: 'Batch', decisions }));
    }
    scenario.given(passes(`a-${count - 1}`, 'last', 'd-last'), at(10)).when(revokes('ann', 'd-ab'));
    expect(scenario.answer.events).toHaveLength(CONSEQUENCES_AT_ONCE + 1);
    scenario
      .when(cancels(`a-${count - 1}`, 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(cancels('last', 't-1', 'ann'))
      .thenRejected('delegation_missing');
    scenario.when(revokes(`a-${count - 1}`, 'd-last')).thenRejected('already_revoked');
    expect(scenario.world.owingPools).toBe(1);
    const left = Array.from({ length: 5 }, (_, i) => `delegation.revoked d-${CONSEQUENCES_AT_ONCE + i}`);
    scenario.when(settle());
    expect(scenario.answer.events.map(({ event }) => `${event.type} ${event.id}`).sort()).toEqual(
      [...left, 'delegation.revoked d-last'].sort(),
    );
    scenario.thenDelegation('d-last', {
      state: 'revoked',
      revokedBy: '_system',
      revokedWith: `d-${count - 1}`,
    });
    expect(scenario.world.owingPools).toBe(0);
  });
});
