import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeChoice, encodeChoice, publicBallots, publicVote } from '../../../src/protocol/votes.ts';
import { choiceKindOf } from '../../../src/rules/index.ts';
import { anyChoice, anyMethod } from '../../rules/voting.ts';
import { given } from '../retold.ts';
import { pool } from '../scenario.ts';
import { abstains, closes, opens, votes } from './polling.ts';

describe('what anyone may see of a vote', () => {
  const open = given(pool(), opens({ closeWhenDecided: false, weights: { bob: 4 } }))
    .given(votes('bob', 'green'), abstains('ann'))
    .vote('v-1');

  it('is all of it and the turnout; the ballots are read by pages', () => {
    const seen = publicVote(open);
    expect(seen).toMatchObject({
      state: 'open',
      eligible: { voters: 3, weight: 6 },
      turnout: { voters: 2, weight: 5 },
    });
    expect(seen).not.toHaveProperty('voters');
    expect(seen).not.toHaveProperty('ballots');
  });

  it('is after the close also the result', () => {
    const closed = given(pool(), opens(), votes('ann', 'red'), closes()).vote('v-1');
    expect(publicVote(closed)).toMatchObject({
      state: 'closed',
      cause: 'opener',
      result: { winner: 'red' },
      turnout: { voters: 1, weight: 1 },
    });
    expect(publicBallots(closed, { limit: 9 }).items).toEqual([
      { voter: 'ann', weight: 1, choice: { option: 'red' } },
    ]);
  });

  it('are the ballots, by name of the voter, in words', () => {
    const ann = { voter: 'ann', weight: 1, choice: { abstain: true } };
    const bob = { voter: 'bob', weight: 4, choice: { option: 'green' } };
    expect(publicBallots(open, { limit: 2 })).toEqual({ items: [ann, bob] });
    expect(publicBallots(open, { limit: 1 })).toEqual({ items: [ann], cursor: 'ann' });
    expect(publicBallots(open, { limit: 1, cursor: 'ann' })).toEqual({ items: [bob] });
    expect(publicBallots(open, { limit: 1, cursor: 'bob' })).toEqual({ items: [] });
  });
});

describe('a choice', () => {
  it('comes back from how it is kept as it was', () => {
    const options = Array.from({ length: 64 }, (_, i) => `o${i}`);
    const ballot = anyMethod.chain((method) =>
      anyChoice(choiceKindOf(method), options).map((choice) => ({ method, choice })),
    );
    fc.assert(
      fc.property(ballot, ({ method, choice }) => {
        expect(decodeChoice({ options, method }, encodeChoice(options, choice))).toEqual(choice);
      }),
    );
  });
});
