import { expect, it } from 'vitest';
import { DAY_MS, MINUTE_MS } from '../../../src/protocol/limits.ts';
import { endedPages } from '../ended-pages.ts';
import { at, by, joins, pool, START, submits, sweep } from '../scenario.ts';
import { cancels, delegates, inBothWorlds, revokes } from './delegating.ts';

/** Retention may wait a little longer, so that one sweep removes many. */
const KEPT_MS = DAY_MS + MINUTE_MS;

inBothWorlds((given) => {
  it('the sweep ends what has expired, at its time and not before', () => {
    given(pool(), delegates('ann', 'bob', 'd', { expiresAt: START + 50 }), at(49))
      .when(sweep())
      .thenEvents()
      .when(at(50), sweep())
      .thenEvents('delegation.expired d')
      .thenEventData('delegation.expired', { delegatorId: 'ann', delegateeId: 'bob', cause: 'expired' })
      .thenDelegation('d', { state: 'expired', finishedAt: START + 50 })
      .thenData({ closed: [{ pool: 'work', entity: 'delegation/d', event: 'delegation.expired' }] })
      .when(at(60), sweep())
      .thenEvents();
  });

  it('the sweep that comes late changes nothing but the delay', () => {
    const both = { scope: ['tasks', 'delegations'], expiresAt: START + 50 };
    const passed = by('bob', {
      type: 'Delegate',
      id: 'd-bc',
      delegateeId: 'cid',
      scope: ['tasks'],
      onBehalfOf: 'ann',
    });
    given(pool(), delegates('ann', 'bob', 'd-ab', both), passed, at(5_000))
      .when(sweep())
      .thenEvents('delegation.expired d-ab', 'delegation.expired d-bc');
  });

  it('the end of a day removes it, and its id is free again', () => {
    const kept = [{ id: 'delegation/d', at: START }];
    given(pool(), delegates('ann', 'bob', 'd'), revokes('ann', 'd'))
      .when(at(KEPT_MS), sweep({}, { ended: endedPages([['work', kept]]) }))
      .thenEvents('delegation.removed d')
      .when(delegates('eve', 'bob', 'd'))
      .thenEvents('delegation.granted d');
  });

  it('a closed pool goes when nothing is left to decide in it, and takes its delegations with it', () => {
    const scenario = given(
      pool(),
      joins('bob'),
      delegates('ann', 'bob', 'd'),
      by('owner', { type: 'ClosePool' }),
    );
    scenario.when(at(DAY_MS), sweep()).thenEvents('delegation.expired d');
    scenario.thenEventData('delegation.expired', { cause: 'pool_closed' });
    expect(scenario.pool()).toBeDefined();
    scenario.when(revokes('ann', 'd')).thenRejected('already_revoked', { message: /expired/ });
    const kept = [{ id: 'delegation/d', at: START + DAY_MS }];
    scenario
      .when(at(DAY_MS + KEPT_MS), sweep({}, { ended: endedPages([['work', kept]]) }))
      .thenEvents('delegation.removed d', 'member.left bob', 'pool.removed work');
  });

  it('a closed pool with tasks left keeps its delegations', () => {
    given(pool(), joins('cid'), submits('ann', 't-1'), delegates('ann', 'bob', 'd'))
      .given(by('cid', { type: 'ClaimTask', taskId: 't-1', claimTtlMs: 2 * KEPT_MS }))
      .given(by('owner', { type: 'ClosePool' }))
      .when(at(KEPT_MS), sweep())
      .thenEvents()
      .when(cancels('bob', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1');
  });
});
