import { describe, expect, it } from 'vitest';
import type { VoteEvent } from '../../../src/handlers/votes/events.ts';
import { evolveVote } from '../../../src/handlers/votes/evolve.ts';
import type { Vote } from '../../../src/protocol/votes.ts';

const opened = (electorate: 'members' | readonly string[], members?: readonly string[]): VoteEvent => ({
  type: 'vote.opened',
  id: 'v',
  data: {
    opener: 'chair',
    question: 'which?',
    options: ['red', 'green'],
    method: 'plurality',
    electorate,
    ...(members === undefined ? {} : { members }),
    eligible: { voters: 2, weight: 2 },
    abstentionsCountForQuorum: true,
    changeable: true,
    closeWhenDecided: false,
    closesAt: 1_000,
    order: 101,
    origin: { agent: 'chair', decisionId: 'd-1' },
  },
});
const cast = (voter: string, option: string): VoteEvent => ({
  type: 'vote.cast',
  id: 'v',
  data: { voter, weight: 1, choice: { option } },
});
const closed: VoteEvent = {
  type: 'vote.closed',
  id: 'v',
  data: { cause: 'opener', winner: 'red', why: 'decided', cast: 1, abstained: 0, tally: [] },
};
const removed: VoteEvent = { type: 'vote.removed', id: 'v', data: {} };

function having(...events: readonly VoteEvent[]): Vote | undefined {
  let vote: Vote | undefined;
  for (const [i, event] of events.entries()) vote = evolveVote(vote, event, 'work', i * 10);
  return vote;
}

describe('what does not fit the state of a vote is a fault, and no event', () => {
  it.each([cast('ann', 'red'), closed])('$type: of an unknown one', (event) => {
    expect(() => having(event)).toThrow(`${event.type} of vote v, which is unknown`);
  });

  it.each([cast('ann', 'red'), closed])('$type: of one that is closed', (event) => {
    expect(() => having(opened(['ann']), closed, event)).toThrow(`${event.type} of vote v, which is closed`);
  });

  it('the ballot of somebody who is not asked', () => {
    expect(() => having(opened(['ann']), cast('eve', 'red'))).toThrow('eve is not asked by vote v');
  });
});

describe('the electorate', () => {
  it('is kept sorted, with a place for the ballot of each', () => {
    expect(having(opened(['cyd', 'ann', 'bob']), cast('cyd', 'green'))).toMatchObject({
      electorate: 'list',
      voters: ['ann', 'bob', 'cyd'],
      ballots: [null, null, 'B'],
    });
  });

  it('of members is those of the moment of opening', () => {
    const vote = having(opened('members', ['bob', 'ann']));
    expect(vote).toMatchObject({ electorate: 'members', voters: ['ann', 'bob'], ballots: [null, null] });
    expect(vote).not.toHaveProperty('members');
  });

  it('of a closed vote is those who voted', () => {
    expect(having(opened(['ann', 'bob', 'cyd']), cast('bob', 'red'), closed)).toMatchObject({
      state: 'closed',
      finishedAt: 20,
      voters: ['bob'],
      ballots: ['A'],
    });
  });
});

it('a vote falls due at its closing time, and not once it is closed', () => {
  expect(having(opened(['ann']))?.dueAt).toBe(1_000);
  expect(having(opened(['ann']), closed)?.dueAt).toBeUndefined();
});

it('a vote that is removed is no more', () => {
  expect(having(opened(['ann']), closed, removed)).toBeUndefined();
});
