import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VoteChoice, VoteMethod } from '../../../src/protocol/votes.ts';
import { choiceKindOf, decideVote, type Poll } from '../../../src/rules/index.ts';
import { anyChoice, anyMethod } from '../../rules/voting.ts';
import { given } from '../retold.ts';
import { at, pool, sweep } from '../scenario.ts';
import { CLOSES, opens, votes } from './polling.ts';

const RUNS = { numRuns: 60 };
const AGENTS = ['ann', 'bob', 'cyd', 'dan', 'eve'];
const OPTIONS = ['A', 'B', 'C'];

interface Election {
  readonly method: VoteMethod;
  readonly weights: Readonly<Record<string, number>>;
  readonly quorum: number;
  readonly abstentionsCountForQuorum: boolean;
  readonly ballots: readonly (readonly [agent: string, choice: VoteChoice])[];
}

/** Some vote, some not, and some more than once. */
const election: fc.Arbitrary<Election> = anyMethod.chain((method) =>
  fc.record({
    method: fc.constant(method),
    weights: fc.dictionary(fc.constantFrom(...AGENTS), fc.integer({ min: 1, max: 4 })),
    // What five voters can reach, however little they weigh.
    quorum: fc.integer({ min: 0, max: 5 }),
    abstentionsCountForQuorum: fc.boolean(),
    ballots: fc.array(fc.tuple(fc.constantFrom(...AGENTS), anyChoice(choiceKindOf(method), OPTIONS)), {
      maxLength: 8,
    }),
  }),
);

/** The same without a second ballot of anyone. */
const steadfast = election.map((taken) => ({
  ...taken,
  ballots: [...new Map(taken.ballots)].map(([agent, choice]) => [agent, choice] as const),
}));

function held({ ballots, weights, ...rules }: Election, closeWhenDecided: boolean, changeable = true) {
  const fields = { ...rules, weights: { ...weights }, options: OPTIONS, electorate: AGENTS };
  const scenario = given(pool(), opens({ ...fields, closeWhenDecided, changeable }));
  for (const [agent, choice] of ballots) scenario.when(votes(agent, choice));
  scenario.given(at(CLOSES), sweep());
  return scenario.vote('v-1');
}

/** What the rules make of these ballots: of each voter the last one. */
function ruled({ ballots, weights, ...rules }: Election) {
  const poll: Poll = {
    ...rules,
    options: OPTIONS,
    electorate: new Map(AGENTS.map((agent) => [agent, weights[agent] ?? 1])),
    ballots: [...new Map(ballots)].map(([voter, choice]) => ({ voter, choice })),
  };
  return JSON.parse(JSON.stringify(decideVote(poll)));
}

describe('over random elections', () => {
  it('a vote comes to what the rules make of the last ballot of each voter', () => {
    fc.assert(
      fc.property(election, (taken) => {
        expect(held(taken, false)).toMatchObject({ state: 'closed', cause: 'time', result: ruled(taken) });
      }),
      RUNS,
    );
  });

  it('where ballots are not changeable it is the first ballot of each', () => {
    fc.assert(
      fc.property(election, (taken) => {
        const { result } = closedOf(held(taken, false, false));
        expect(result).toEqual(ruled({ ...taken, ballots: taken.ballots.toReversed() }));
      }),
      RUNS,
    );
  });

  it('the order in which ballots are cast makes no difference', () => {
    fc.assert(
      fc.property(steadfast, (taken) => {
        const turned = { ...taken, ballots: taken.ballots.toReversed() };
        const { order: _, ...one } = held(taken, false);
        const { order: _order, ...other } = held(turned, false);
        expect(one).toEqual(other);
      }),
      RUNS,
    );
  });

  it('closing early never changes the winner or the reason, if those who have voted stay with it', () => {
    let early = 0;
    fc.assert(
      fc.property(steadfast, (taken) => {
        const closed = closedOf(held(taken, true));
        if (closed.cause === 'decided') early++;
        const { winner, why } = closedOf(held(taken, false)).result;
        expect({ winner: closed.result.winner, why: closed.result.why }).toEqual({ winner, why });
      }),
      RUNS,
    );
    expect(early).toBeGreaterThan(0);
  });
});

function closedOf(vote: ReturnType<typeof held>) {
  if (vote.state !== 'closed') throw new Error('the vote is open');
  return vote;
}
