/** Each method, from the opening to the close. That they count rightly is shown with the rules themselves. */
import { describe, expect, it } from 'vitest';
import type { VoteChoice, VoteMethod } from '../../../src/protocol/votes.ts';
import { given } from '../retold.ts';
import { pool } from '../scenario.ts';
import { closes, opens, votes } from './polling.ts';

const AGENTS = ['ann', 'bob', 'cyd', 'dan', 'eve', 'fay', 'gus', 'hal', 'ivy'];

/** The result of a vote in which each choice is cast by as many agents as stand with it. */
function resultOf(method: VoteMethod, ...profile: readonly (readonly [VoteChoice, number])[]) {
  const choices = profile.flatMap(([choice, times]) => Array.from({ length: times }, () => choice));
  const cast = choices.map((choice, i) => votes(AGENTS[i] ?? '', choice));
  const electorate = AGENTS.slice(0, choices.length);
  const scenario = given(pool(), opens({ method, electorate, closeWhenDecided: false }), ...cast);
  const { event } = scenario.when(closes()).answer.events[0] ?? {};
  return event?.data;
}

const red = { option: 'red' };
const green = { option: 'green' };
const blue = { option: 'blue' };
const abstain = { abstain: true } as const;
const ranks = (...ranking: string[]) => ({ ranking });

describe('plurality', () => {
  it('the most votes win, be it less than half', () => {
    expect(resultOf('plurality', [red, 3], [green, 2], [blue, 2])).toMatchObject({ winner: 'red' });
  });
  it('two that lead alike are a tie without a winner', () => {
    const result = resultOf('plurality', [red, 2], [green, 2], [blue, 1]);
    expect(result).toMatchObject({ why: 'tie', tally: [{ counts: { red: 2, green: 2, blue: 1 } }] });
    expect(result).not.toHaveProperty('winner');
  });
});

describe('majority', () => {
  it('more than half of the votes cast; abstentions are not cast', () => {
    expect(resultOf('majority', [red, 2], [green, 1], [abstain, 5])).toMatchObject({ winner: 'red' });
    expect(resultOf('majority', [red, 2], [green, 2])).toMatchObject({ why: 'no_majority' });
    expect(resultOf('majority', [red, 4], [green, 3], [blue, 2])).toMatchObject({ why: 'no_majority' });
  });
});

describe('supermajority', () => {
  const twoThirds = { supermajority: { num: 2, den: 3 } };
  it('exactly the share is enough, one vote less is not', () => {
    expect(resultOf(twoThirds, [red, 6], [green, 3])).toMatchObject({ winner: 'red' });
    expect(resultOf(twoThirds, [red, 5], [green, 3])).toMatchObject({ why: 'no_majority' });
  });
  it('of at most a half two options can reach alike: a tie', () => {
    const third = { supermajority: { num: 1, den: 3 } };
    expect(resultOf(third, [red, 3], [green, 3])).toMatchObject({ why: 'tie' });
  });
});

describe('unanimous', () => {
  it('an abstention does not block, another vote does', () => {
    expect(resultOf('unanimous', [red, 3], [abstain, 2])).toMatchObject({ winner: 'red' });
    expect(resultOf('unanimous', [red, 8], [blue, 1])).toMatchObject({ why: 'no_majority' });
  });
});

describe('approval', () => {
  it('the option that most approve wins', () => {
    const result = resultOf(
      'approval',
      [{ approvals: ['red', 'green'] }, 2],
      [{ approvals: ['green'] }, 1],
      [{ approvals: [] }, 3],
    );
    expect(result).toMatchObject({ winner: 'green', cast: 6, tally: [{ counts: { red: 2, green: 3 } }] });
  });
});

describe('ranked', () => {
  it('eliminates round by round, and tells every round', () => {
    const result = resultOf(
      'ranked',
      [ranks('red'), 4],
      [ranks('green', 'blue', 'red'), 3],
      [ranks('blue', 'green'), 2],
    );
    expect(result).toMatchObject({
      winner: 'green',
      tally: [
        { counts: { red: 4, green: 3, blue: 2 }, eliminated: 'blue' },
        { counts: { red: 4, green: 5 }, exhausted: 0 },
      ],
    });
  });
  it('a truncated ranking is exhausted when nobody on it is left', () => {
    const result = resultOf('ranked', [ranks('red'), 3], [ranks('green'), 2], [ranks('blue'), 1]);
    expect(result).toMatchObject({ winner: 'red', tally: [{ exhausted: 0 }, { exhausted: 1 }] });
  });
  it('a tie is broken by the previous rounds, then by the order of the options', () => {
    const result = resultOf('ranked', [ranks('red'), 1], [ranks('green'), 1], [ranks('blue'), 1]);
    expect(result).toMatchObject({
      winner: 'red',
      tally: [
        { eliminated: 'blue', tieBrokenBy: 'option_order' },
        { eliminated: 'green', tieBrokenBy: 'option_order' },
        {},
      ],
    });
  });
});

describe('schulze', () => {
  it('who beats everybody in pairs wins, though fewest have it first', () => {
    const result = resultOf(
      'schulze',
      [ranks('red', 'green', 'blue'), 4],
      [ranks('green', 'red', 'blue'), 2],
      [ranks('blue', 'green', 'red'), 3],
    );
    expect(result).toMatchObject({ winner: 'green', pairwise: [[0, 4, 6], [5, 0, 6], expect.anything()] });
  });
  it('a circle of equals is a tie', () => {
    const result = resultOf(
      'schulze',
      [ranks('red', 'green', 'blue'), 1],
      [ranks('green', 'blue', 'red'), 1],
      [ranks('blue', 'red', 'green'), 1],
    );
    expect(result).toMatchObject({ why: 'tie' });
  });
});

describe('borda', () => {
  it('what is not ranked shares the points that are left', () => {
    expect(resultOf('borda', [ranks('red'), 1], [ranks('green', 'red', 'blue'), 1])).toMatchObject({
      winner: 'red',
      tally: [{ counts: { red: 3, green: 2.5, blue: 0.5 } }],
    });
  });
});

describe('weights', () => {
  it('count in every method as so many ballots', () => {
    const weights = { ann: 3 };
    const fields = { weights, closeWhenDecided: false };
    given(pool(), opens(fields), votes('ann', 'red'), votes('bob', 'green'), votes('cyd', 'green'))
      .when(closes())
      .thenEventData('vote.closed', { winner: 'red', tally: [{ counts: { red: 3, green: 2, blue: 0 } }] });
  });
});
