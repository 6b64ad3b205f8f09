import { describe, expect, it } from 'vitest';
import { askerName, askerOf, type Identity, inboxPrefix } from '../../src/protocol/identity.ts';
import { isName, isReserved } from '../../src/protocol/names.ts';

const IDENTITIES: Identity[] = [
  { role: 'agent', name: 'ann' },
  { role: 'worker', name: 'w-1' },
  { role: 'operator', name: 'olga' },
  { role: 'observer', name: 'eye_2' },
];

describe('a name', () => {
  it.each(['a', 'Z', '9', '_', '-', 'a_B-9', 'x'.repeat(64)])('%j', (text) => {
    expect(isName(text)).toBe(true);
  });

  it.each(['', 'x'.repeat(65), 'a.b', 'a b', 'ä', 'a\n', '*', '>'])('%j is none', (text) => {
    expect(isName(text)).toBe(false);
  });

  it('is the system’s if it starts with _, and only then', () => {
    expect(isReserved('_a')).toBe(true);
    expect(isReserved('a_')).toBe(false);
  });
});

describe('who asks', () => {
  it('agents ask under their own name, operators and observers under that of their role', () => {
    expect(IDENTITIES.filter(({ role }) => role !== 'worker').map(askerName)).toEqual([
      'ann',
      '_operator',
      '_observer',
    ]);
  });

  it('is told by the last token of the subject', () => {
    expect(askerOf('ann')).toEqual({ kind: 'agent', agent: 'ann' });
    expect(askerOf('_operator')).toEqual({ kind: 'overseer', name: '_operator' });
    expect(askerOf('_observer')).toEqual({ kind: 'overseer', name: '_observer' });
  });

  it('is anyone where there is none', () => {
    expect(askerOf(undefined)).toEqual({ kind: 'anyone' });
  });

  it.each(['_system', '_sweeper', '', 'no spaces'])('is nobody for %j', (token) => {
    expect(askerOf(token)).toBeUndefined();
  });
});

describe('inboxes', () => {
  it('of agents have the plain names, those of the others that of the role before them', () => {
    expect(IDENTITIES.map(inboxPrefix)).toEqual([
      '_INBOX.ann',
      '_INBOX._worker.w-1',
      '_INBOX._operator.olga',
      '_INBOX._observer.eye_2',
    ]);
  });
});
