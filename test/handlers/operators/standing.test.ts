/** Over what, and over whom, an operator stands. */
import { describe, expect, it } from 'vitest';
import { touches } from '../../../src/handlers/kernel/registry.ts';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import { by, claims, given, joins, pool, submits } from '../scenario.ts';

const DECISIONS: readonly DecisionInput[] = [
  { type: 'UpdatePool', operators: ['ann'] },
  { type: 'PausePool' },
  { type: 'ResumePool' },
  { type: 'ForceRelease', taskId: 't' },
  { type: 'RemoveMember', agentId: 'bob' },
  { type: 'BanAgent', agentId: 'bob' },
  { type: 'UnbanAgent', agentId: 'bob' },
];

describe.each(DECISIONS)('$type', (decision) => {
  it('pool_not_found', () => {
    given()
      .when(by('ann', decision, 'none'))
      .thenRejected('pool_not_found');
  });

  it('not_allowed for a stranger, where nobody but the owner operates the pool', () => {
    given(pool()).when(by('zed', decision)).thenRejected('not_allowed');
  });
});

describe('RemoveMember', () => {
  const removes = (who: string, agentId: string) => by(who, { type: 'RemoveMember', agentId });
  const members = () =>
    given(pool({ operators: ['ann', 'bob'] }), joins('owner'), joins('ann'), joins('bob'), joins('cyd'));

  it('not_allowed: an operator removes neither another operator nor the owner', () => {
    members()
      .when(removes('ann', 'bob'))
      .thenRejected('not_allowed', { transient: false })
      .when(removes('ann', 'owner'))
      .thenRejected('not_allowed');
  });

  it('an operator removes a member, and itself', () => {
    members()
      .when(removes('ann', 'cyd'))
      .thenEvents('member.removed cyd')
      .when(removes('ann', 'ann'))
      .thenEvents('member.removed ann');
  });

  it('the owner removes an operator', () => {
    members().when(removes('owner', 'ann')).thenEvents('member.removed ann');
  });
});

describe('ForceRelease', () => {
  const releases = (fields: { epoch?: number } = {}) =>
    ({ type: 'ForceRelease', taskId: 't-1', ...fields }) as const;

  it('of the claim that is meant releases it', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'), claims('bob', 't-1'))
      .when(by('owner', releases({ epoch: 1 })))
      .thenEvents('task.released t-1')
      .thenData({ agent: 'bob', epoch: 1 });
  });

  it('has to see its task also when that is final', () => {
    expect(touches({ id: 'd', ...releases() })).toEqual([{ kind: 'task', id: 't-1' }]);
  });
});

describe('PausePool', () => {
  it('pool_closed: what takes nothing new for good is not paused', () => {
    given(pool(), by('owner', { type: 'ClosePool' }))
      .when(by('owner', { type: 'PausePool' }))
      .thenRejected('pool_closed');
  });
});

describe('UpdatePool', () => {
  it('with quotas leaves the operators as they were, and the other way round', () => {
    const scenario = given(pool({ operators: ['ann'] }))
      .when(by('owner', { type: 'UpdatePool', quotas: { agentClaims: 2 } }))
      .thenEventData('pool.updated', { quotas: { agentClaims: 2 } });
    expect(scenario.pool()).toMatchObject({ operators: ['ann'], quotas: { agentClaims: 2 } });
    scenario.given(by('owner', { type: 'UpdatePool', operators: ['bob'] }));
    expect(scenario.pool()).toMatchObject({ operators: ['bob'], quotas: { agentClaims: 2 } });
  });

  it('with empty quotas leaves the pool none of its own', () => {
    const scenario = given(pool({ quotas: { agentClaims: 2 } }));
    scenario.given(by('owner', { type: 'UpdatePool', quotas: {} }));
    expect(scenario.pool()).not.toHaveProperty('quotas');
  });
});
