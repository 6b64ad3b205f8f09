import { describe, expect, it } from 'vitest';
import { StoredStateError } from '../../src/lib/errors.ts';
import { decodeOutbox, encodeOutbox } from '../../src/workers/shard/outbox.ts';

const OWED = {
  results: ['work.ann.d-1', 'work.bob.d-2'],
  refusals: [{ key: 'work.ann.d-3', json: '{"message":"two words"}' }],
  packs: [
    {
      subject: 'converge.events.0.work',
      id: '0-7-0_0-9-1',
      first: '0000000000000004',
      last: '0000000000000006',
      count: 3,
      json: '[{"note":"two words [1]"},{},{}]',
    },
  ],
  deadLetters: [{ seq: 7, reason: 'not JSON' }],
};

describe('the outbox', () => {
  it('gives back what a batch owes', () => {
    expect(decodeOutbox(encodeOutbox(OWED) ?? '')).toEqual(OWED);
  });

  it('holds nothing for a batch that owes nothing', () => {
    expect(encodeOutbox({ results: [], refusals: [], packs: [], deadLetters: [] })).toBeUndefined();
  });

  it('keeps a line of a reason that a stranger wrote', () => {
    const reason = `a\r\nR ann.d-9\n${'x'.repeat(1_000)}`;
    const payload =
      encodeOutbox({ results: [], refusals: [], packs: [], deadLetters: [{ seq: 7, reason }] }) ?? '';
    const { results, deadLetters } = decodeOutbox(payload);
    expect(results).toEqual([]);
    expect(deadLetters).toEqual([{ seq: 7, reason: expect.stringMatching(/^a R ann\.d-9 x+$/) }]);
    expect(deadLetters[0]?.reason.length).toBeLessThanOrEqual(500);
  });

  it.each([
    '',
    'X y',
    'R',
    'A a',
    'E subject 0-7-0 {}',
    'P a',
    'P a b 1 2 0 []',
    'P a b 1 2 1 {}',
    'D',
    'D x not JSON',
    'D 0 not JSON',
    'D 1e3 not JSON',
  ])('that holds %j was not written by a commit', (payload) => {
    expect(() => decodeOutbox(payload)).toThrow(StoredStateError);
  });
});
