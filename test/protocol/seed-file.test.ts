import { describe, expect, it } from 'vitest';
import { type Identity, identityOfInboxes, inboxPrefix } from '../../src/protocol/identity.ts';
import { identityIn, jwtIn, seedFileText, seedIn } from '../../src/protocol/seed-file.ts';

const SEED = `SU${'A2'.repeat(28)}`;
const IDENTITIES: Identity[] = [
  { role: 'agent', name: 'ann' },
  { role: 'worker', name: 'w-1' },
  { role: 'operator', name: 'olga' },
  { role: 'observer', name: 'eye_2' },
];

describe('inboxes', () => {
  it.each(IDENTITIES)('of $role $name say whose they are', (identity) => {
    expect(identityOfInboxes(inboxPrefix(identity))).toEqual(identity);
  });

  it.each([
    'INBOX.ann',
    'x_INBOX.ann',
    '_INBOX',
    '_INBOX.',
    '_INBOX.ann.x',
    '_INBOX._ann',
    '_INBOX._king.ann',
    '_INBOX._worker.ann.x',
    '_INBOX._worker._ann',
    '_INBOX.no spaces',
  ])('%s are nobody’s', (prefix) => {
    expect(identityOfInboxes(prefix)).toBeUndefined();
  });
});

describe('a file with a seed', () => {
  it.each(IDENTITIES)('of $role $name says whose it is, and has the seed', (identity) => {
    const text = seedFileText(identity, SEED);
    expect(identityIn(text)).toEqual(identity);
    expect(seedIn(text)).toBe(SEED);
  });

  it.each([
    ['with lines around it', `hello\n# converge agent ann\nmore\n${SEED}\nend`],
    ['with indented lines', `  \t# converge agent ann\n \t ${SEED}\n`],
    ['with lines that end in CR', `# converge agent ann\r\n${SEED}\r\n`],
    ['with spaces at the ends', `# converge agent ann  \n${SEED}   \n`],
    ['without a last line end', `# converge agent ann\n${SEED}`],
  ])('is read %s', (_, text) => {
    expect(identityIn(text)).toEqual({ role: 'agent', name: 'ann' });
    expect(seedIn(text)).toBe(SEED);
  });

  it.each([
    '',
    'converge agent ann',
    '# converge king ann',
    '# converge agent',
    '# converge agent no spaces',
    `# converge agent ${'a'.repeat(65)}`,
    'x # converge agent ann',
  ])('%j says nobody’s name', (text) => {
    expect(identityIn(text)).toBeUndefined();
  });

  it.each([
    '',
    `x${SEED}`,
    `${SEED}x`,
    SEED.slice(0, -1),
    `${SEED}A`,
    SEED.replace('SU', 'SA'),
    SEED.replace('2', '1'),
    SEED.toLowerCase(),
  ])('%j has no seed', (text) => {
    expect(seedIn(text)).toBeUndefined();
  });
});

describe('a creds file', () => {
  const credsOf = (claims: unknown, seed = SEED) => {
    const part = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return [
      '-----BEGIN NATS USER JWT-----',
      `eyJ0eXAi.${part}.c2lnbmF0dXJl`,
      '------END NATS USER JWT------',
      '',
      '-----BEGIN USER NKEY SEED-----',
      seed,
      '------END USER NKEY SEED------',
    ].join('\n');
  };
  const allowing = (...allow: unknown[]) => ({ nats: { sub: { allow } } });

  it.each(IDENTITIES)('of $role $name says whose it is by the inboxes that it allows', (identity) => {
    const claims = allowing('ns.results.ann.*', `${inboxPrefix(identity)}.>`);
    expect(identityIn(credsOf(claims))).toEqual(identity);
    expect(seedIn(credsOf(claims))).toBe(SEED);
  });

  it('has the JWT, unless it ends before', () => {
    const creds = credsOf({});
    expect(jwtIn(creds)).toMatch(/^eyJ0eXAi\..+\.c2lnbmF0dXJl$/);
    expect(jwtIn(creds.slice(0, 40))).toBeUndefined();
    expect(jwtIn('')).toBeUndefined();
  });

  it('that also has the line belongs to whom the line says', () => {
    const creds = `# converge operator olga\n${credsOf(allowing('_INBOX.ann.>'))}`;
    expect(identityIn(creds)).toEqual({ role: 'operator', name: 'olga' });
  });

  it.each([
    ['allows everybody’s inboxes', allowing('_INBOX.>', '>')],
    ['allows one place in them only', allowing('_INBOX.ann.x', '_INBOX.ann')],
    ['allows what is no text', allowing(5, null)],
    ['allows nothing', { nats: { sub: {} } }],
    ['allows no list', { nats: { sub: { allow: '_INBOX.ann.>' } } }],
    ['says nothing of subscribing', { nats: {} }],
    ['is not of NATS', {}],
    ['says nothing', null],
  ])('that %s says nobody’s name', (_, claims) => {
    expect(identityIn(credsOf(claims))).toBeUndefined();
  });

  it('that cannot be read says nobody’s name', () => {
    expect(identityIn('-----BEGIN NATS USER JWT-----\nabc.e30x.def\n')).toBeUndefined();
    expect(identityIn('-----BEGIN NATS USER JWT-----\nabc\n')).toBeUndefined();
  });
});
