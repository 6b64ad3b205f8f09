import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { by, given, joins, pool } from '../scenario.ts';

const TOKEN = 'let-me-in-7d1f';
const sha256 = createHash('sha256').update(TOKEN).digest('hex');

function joinsWith(agent: string, token: string) {
  return by(agent, { type: 'JoinPool', token });
}

describe('admission', () => {
  it.each([undefined, 'open', { kind: 'open' }] as const)('open (%j) admits everyone', (admission) => {
    given(pool(admission === undefined ? {} : { admission }))
      .when(joins('bob'))
      .thenEvents('member.joined bob');
  });

  it.each([
    { kind: 'allowlist', agents: ['bob', 'cyd'] } as const,
    { allowlist: { agents: ['bob', 'cyd'] } } as const,
  ])('allowlist (%j) admits those it names; pool_not_found for everyone else', ({ ...admission }) => {
    const agents = ['bob', 'cyd'];
    const form = 'kind' in admission ? { kind: 'allowlist' as const, agents } : { allowlist: { agents } };
    const scenario = given(pool({ admission: form }))
      .when(joins('bob'))
      .thenEvents('member.joined bob')
      .when(joins('eve'))
      .thenRejected('pool_not_found', { transient: false })
      .when(joins('owner'))
      .thenRejected('not_admitted');
    expect(scenario.pool()?.admission).toEqual({ kind: 'allowlist', agents });
  });

  it.each([
    { kind: 'token' as const, sha256 },
    { token: { sha256 } },
    { kind: 'token' as const, sha256: sha256.toUpperCase() },
  ])('token (%j) admits whoever knows it; pool_not_found with another or none', (admission) => {
    const scenario = given(pool({ admission }))
      .when(joinsWith('bob', TOKEN))
      .thenEvents('member.joined bob')
      .when(joinsWith('eve', `${TOKEN}x`))
      .thenRejected('pool_not_found', { transient: false })
      .when(joinsWith('eve', ''))
      .thenRejected('pool_not_found')
      .when(joins('eve'))
      .thenRejected('pool_not_found');
    expect(scenario.pool()?.admission).toEqual({ kind: 'token', sha256 });
  });

  it('pool_not_found: the digest itself is no token', () => {
    given(pool({ admission: { kind: 'token', sha256 } }))
      .when(joinsWith('eve', sha256))
      .thenRejected('pool_not_found');
  });

  it('a token is never echoed: not in answers, events or documents, right or wrong', () => {
    const scenario = given(pool({ admission: { kind: 'token', sha256 } }));
    const spoken: unknown[] = [];
    for (const step of [joinsWith('eve', 'wrong-guess-1'), joinsWith('bob', TOKEN), joinsWith('bob', TOKEN)])
      spoken.push(scenario.when(step).answer);
    spoken.push(scenario.pool(), scenario.member('bob'));
    const text = JSON.stringify(spoken);
    expect(text).toContain('member.joined');
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain('wrong-guess-1');
  });

  it('invalid_decision when the token is too long, and the message does not repeat it', () => {
    const long = 'secret'.repeat(200);
    const scenario = given(pool())
      .when(joinsWith('bob', long))
      .thenRejected('invalid_decision', { message: /^token: / });
    expect(scenario.answer.message).not.toContain('secret');
  });

  it.each([
    { kind: 'token' as const, sha256: 'abc' },
    { kind: 'token' as const, sha256: `${sha256}00` },
    { token: { sha256: 'g'.repeat(64) } },
  ])('invalid_decision for the digest %j', (admission) => {
    given()
      .when(pool({ admission }))
      .thenRejected('invalid_decision', { message: /^admission/ });
  });

  it('an allowlist that names nobody admits nobody', () => {
    given(pool({ admission: { kind: 'allowlist', agents: [] } }))
      .when(joins('bob'))
      .thenRejected('pool_not_found');
  });
});
