import { describe, expect, it } from 'vitest';
import { CODES, type Code, isNotFound, isTransient } from '../../src/protocol/codes.ts';

const codes = Object.keys(CODES);

describe('codes', () => {
  it('are all snake_case', () => {
    expect(codes.filter((code) => !/^[a-z]+(_[a-z]+)*$/.test(code))).toEqual([]);
  });

  it('each say their rule in words', () => {
    expect(Object.values(CODES).filter((text) => text.length < 10)).toEqual([]);
  });

  it('contain every code that PROTOCOL names in sections 3, 4 and 9', () => {
    const named = [
      ...['pool_exists', 'not_admitted', 'pool_full', 'pool_closed', 'task_exists', 'unknown_dependency'],
      ...['dependency_cycle', 'deadline_passed', 'not_a_member', 'not_pending', 'missing_capability'],
      ...['claim_limit_reached', 'claim_lost', 'already_final', 'invalid_decision', 'unknown_type'],
      ...['wrong_shard', 'pool_not_found', 'task_not_found', 'not_allowed', 'too_large', 'rate_limited'],
      ...['reserved_id', 'internal_error'],
    ];
    expect(named.filter((code) => !codes.includes(code))).toEqual([]);
  });

  it('are transient only where the same decision may succeed later', () => {
    const transient: Code[] = [
      'rate_limited',
      'pool_full',
      'claim_limit_reached',
      'not_pending',
      'internal_error',
    ];
    for (const code of transient) expect(isTransient(code)).toBe(true);
    const final: Code[] = [
      'claim_lost',
      'already_final',
      'task_exists',
      'pool_exists',
      'invalid_decision',
      'too_large',
    ];
    for (const code of final) expect(isTransient(code)).toBe(false);
  });

  it('say that something is not there by their ending', () => {
    expect(codes.filter(isNotFound)).toEqual(expect.arrayContaining(['pool_not_found', 'task_not_found']));
    expect(isNotFound('not_a_member')).toBe(false);
  });
});
