import { describe, expect, it } from 'vitest';
import {
  type ClosedVote,
  decodeChoice,
  encodeChoice,
  type OpenVote,
  publicBallots,
  publicVote,
  type VoteMethod,
  weightOf,
} from '../../src/protocol/votes.ts';
import { choiceKindOf } from '../../src/rules/index.ts';

const COMMON = {
  kind: 'vote',
  pool: 'work',
  id: 'v-1',
  order: 101,
  openedAt: 0,
  origin: { agent: 'ann', decisionId: 'd-1' },
  opener: 'ann',
  question: 'which?',
  options: ['red', 'green', 'blue'],
  method: 'plurality',
  electorate: 'members',
  eligible: { voters: 4, weight: 7 },
  weights: { cyd: 4 },
  abstentionsCountForQuorum: true,
  changeable: true,
  closeWhenDecided: true,
  closesAt: 1_000,
} as const;
const OPEN: OpenVote = {
  ...COMMON,
  state: 'open',
  voters: ['ann', 'bob', 'cyd', 'dot'],
  ballots: ['A', null, 'B', '!'],
};
const CLOSED: ClosedVote = {
  ...COMMON,
  state: 'closed',
  finishedAt: 900,
  cause: 'time',
  result: { winner: 'green', why: 'decided', cast: 5, abstained: 1, tally: [] },
  voters: ['ann', 'cyd', 'dot'],
  ballots: ['A', 'B', '!'],
};

describe('a vote as anyone may see it', () => {
  it('has how many have voted and what they weigh, those who abstained among them', () => {
    expect(publicVote(OPEN).turnout).toEqual({ voters: 3, weight: 6 });
    expect(publicVote(CLOSED).turnout).toEqual({ voters: 3, weight: 6 });
  });

  it.each([OPEN, CLOSED])(
    '$state: has neither the voters nor the ballots, which are read by pages',
    (vote) => {
      expect(publicVote(vote)).toMatchObject({ state: vote.state, question: 'which?' });
      expect(publicVote(vote)).not.toHaveProperty('voters');
      expect(publicVote(vote)).not.toHaveProperty('ballots');
    },
  );

  it('closed: has the result', () => {
    expect(publicVote(CLOSED)).toMatchObject({ cause: 'time', result: { winner: 'green' }, finishedAt: 900 });
  });
});

describe('pages of ballots', () => {
  const ann = { voter: 'ann', weight: 1, choice: { option: 'red' } };
  const cyd = { voter: 'cyd', weight: 4, choice: { option: 'green' } };
  const dot = { voter: 'dot', weight: 1, choice: { abstain: true } };

  it.each([OPEN, CLOSED])('$state: all who have voted, by name, with what their ballots weigh', (vote) => {
    expect(publicBallots(vote, { limit: 10 })).toEqual({ items: [ann, cyd, dot] });
  });

  it('a page that is full to the last ballot is the last', () => {
    expect(publicBallots(OPEN, { limit: 3 })).toEqual({ items: [ann, cyd, dot] });
    expect(publicBallots(OPEN, { limit: 3 })).not.toHaveProperty('cursor');
  });

  it('each goes on after the last voter of the one before, until none is left', () => {
    expect(publicBallots(OPEN, { limit: 2 })).toEqual({ items: [ann, cyd], cursor: 'cyd' });
    expect(publicBallots(OPEN, { limit: 2, cursor: 'cyd' })).toEqual({ items: [dot] });
    expect(publicBallots(OPEN, { limit: 2, cursor: 'dot' })).toEqual({ items: [] });
    expect(publicBallots(OPEN, { limit: 1 })).toEqual({ items: [ann], cursor: 'ann' });
  });

  it('a page of none has nobody to go on from', () => {
    expect(publicBallots(OPEN, { limit: 0 })).toEqual({ items: [] });
  });
});

describe('a choice', () => {
  const options = ['red', 'green', 'blue'];

  it.each<[VoteMethod, 'option' | 'approvals' | 'ranking']>([
    ['plurality', 'option'],
    ['majority', 'option'],
    [{ supermajority: { num: 2, den: 3 } }, 'option'],
    ['unanimous', 'option'],
    ['approval', 'approvals'],
    ['ranked', 'ranking'],
    ['schulze', 'ranking'],
    ['borda', 'ranking'],
  ])('under %j names: %s', (method, kind) => {
    expect(choiceKindOf(method)).toBe(kind);
  });

  it.each([
    ['plurality', { option: 'green' }, 'B'],
    ['approval', { approvals: ['blue', 'red'] }, 'CA'],
    ['approval', { approvals: [] }, ''],
    ['ranked', { ranking: ['blue', 'red', 'green'] }, 'CAB'],
    ['borda', { abstain: true }, '!'],
  ] as const)('under %s: %j is kept as %j, and comes back', (method, choice, kept) => {
    expect(encodeChoice(options, choice)).toBe(kept);
    expect(decodeChoice({ options, method }, kept)).toEqual(choice);
  });

  it('has a character of its own for each of as many options as a vote can have', () => {
    const many = Array.from({ length: 64 }, (_, i) => `o-${i}`);
    const kept = encodeChoice(many, { ranking: many });
    expect(new Set(kept).size).toBe(64);
    expect(kept).toMatch(/^[A-Za-z0-9_-]{64}$/);
  });

  it('a ballot for one option that names none is no ballot', () => {
    expect(() => decodeChoice({ options, method: 'plurality' }, '')).toThrow('a ballot for no option');
  });
});

describe('what a ballot weighs', () => {
  it('is what was stated, else 1', () => {
    expect(weightOf({ bob: 3 }, 'bob')).toBe(3);
    expect(weightOf({ bob: 3 }, 'ann')).toBe(1);
    expect(weightOf(undefined, 'ann')).toBe(1);
  });

  it('is 1 for an agent that is named like a member that every object has', () => {
    expect(weightOf({ bob: 3 }, 'constructor')).toBe(1);
    expect(weightOf({}, 'toString')).toBe(1);
  });
});
