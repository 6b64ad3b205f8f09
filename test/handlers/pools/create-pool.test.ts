import { describe, expect, it } from 'vitest';
import { by, claims, given, joins, pool, submits, sweep } from '../scenario.ts';

describe('CreatePool', () => {
  it('makes an open pool with the protocol defaults; the creator owns it and is not thereby a member', () => {
    const scenario = given()
      .when(by('ann', { type: 'CreatePool', id: 'first' }))
      .thenEvents('pool.created work')
      .thenData({ pool: 'work' })
      .thenMember('ann', undefined);
    expect(scenario.pool()).toEqual({
      pool: 'work',
      owner: 'ann',
      state: 'open',
      topics: [],
      admission: { kind: 'open' },
      submitters: 'anyone',
      defaults: {},
      createdAt: scenario.now,
      origin: { agent: 'ann', decisionId: 'first' },
    });
  });

  it('keeps every field that it was given', () => {
    const fields = {
      topics: ['gpu', 'cpu'],
      capacity: 2,
      submitters: 'members',
      defaults: { claimTtlMs: 5, maxAttempts: 1, cpu: 2, region: 'eu' },
      maxClaimsPerAgent: 4,
    } as const;
    const { topics, ...others } = fields;
    const scenario = given().when(by('ann', { type: 'CreatePool', topics: [...topics], ...others }));
    expect(scenario.pool()).toMatchObject(fields);
  });

  it('pool_exists: an existing pool is never reset, not even by its owner', () => {
    given(pool({ capacity: 3 }), joins('bob'), submits('bob', 't-1'))
      .when(pool({ capacity: 9 }))
      .thenRejected('pool_exists', { transient: false })
      .when(by('eve', { type: 'CreatePool' }))
      .thenRejected('pool_exists');
  });

  it('pool_exists: commons is there from the beginning and belongs to the system', () => {
    const scenario = given()
      .when(by('ann', { type: 'CreatePool' }, 'commons'))
      .thenRejected('pool_exists');
    expect(scenario.pool('commons')).toMatchObject({ owner: '_system', state: 'open' });
  });

  it('pool_exists also for a pool that is closed', () => {
    given(pool(), by('owner', { type: 'ClosePool' }))
      .when(pool())
      .thenRejected('pool_exists');
  });

  it('rate_limited, transient: a shard holds no more pools than its settings say', () => {
    given(sweep({ settings: { maxPoolsPerShard: 2 } }), pool())
      .when(by('ann', { type: 'CreatePool' }, 'another'))
      .thenRejected('rate_limited', { transient: true });
  });

  it('reserved_id: names that start with _ are for the system', () => {
    given()
      .when(by('ann', { type: 'CreatePool' }, '_mine'))
      .thenRejected('reserved_id')
      .when(by('_ann', { type: 'CreatePool' }))
      .thenRejected('reserved_id')
      .when(by('ann', { type: 'CreatePool', id: '_mine' }))
      .thenRejected('reserved_id');
  });

  it('pool_not_found: nothing can be decided in a pool before it is created', () => {
    given()
      .when(joins('bob'))
      .thenRejected('pool_not_found', { transient: false })
      .when(by('bob', { type: 'LeavePool' }))
      .thenRejected('pool_not_found')
      .when(by('bob', { type: 'Heartbeat' }))
      .thenRejected('pool_not_found')
      .when(by('bob', { type: 'ClosePool' }))
      .thenRejected('pool_not_found')
      .when(submits('bob', 't-1'))
      .thenRejected('pool_not_found')
      .when(claims('bob', 't-1'))
      .thenRejected('pool_not_found')
      .when(by('bob', { type: 'ClaimNextTask' }))
      .thenRejected('pool_not_found');
  });

  it.each(['RenewClaim', 'ReleaseTask', 'CancelTask'] as const)('pool_not_found for %s', (type) => {
    given()
      .when(by('bob', { type, taskId: 't-1' }))
      .thenRejected('pool_not_found');
  });

  it('pool_not_found for ReportTask and FailTask', () => {
    given()
      .when(by('bob', { type: 'ReportTask', taskId: 't-1', result: null }))
      .thenRejected('pool_not_found')
      .when(by('bob', { type: 'FailTask', taskId: 't-1', reason: '' }))
      .thenRejected('pool_not_found');
  });
});
