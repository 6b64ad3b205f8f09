import { describe, expect, it } from 'vitest';
import type { Context } from '../../../src/handlers/kernel/handler.ts';
import { lapseVote } from '../../../src/handlers/votes/due.ts';
import { electorateFault, tooManySeats } from '../../../src/handlers/votes/guards.ts';
import { OpenVotes } from '../../../src/handlers/votes/open-votes.ts';
import type { OpenVote, Vote } from '../../../src/protocol/votes.ts';
import { given } from '../retold.ts';
import { by, joins, given as plainly, pool, START } from '../scenario.ts';
import { CLOSES, closes, opening, opens, votes } from './polling.ts';

describe('what a pool has of open votes', () => {
  const stateOf = (scenario: ReturnType<typeof plainly>) => {
    const state = scenario.world.pool('work');
    if (state === undefined) throw new Error('there is no pool');
    return state;
  };

  it('asks a million agents at most, all votes together; an agent asked twice counts twice', () => {
    const state = stateOf(plainly(pool(), opens(), opens({ voteId: 'v-2', electorate: ['ann', 'bob'] })));
    expect(tooManySeats(state, 1_000_000 - 5, START)).toBeUndefined();
    expect(tooManySeats(state, 1_000_000 - 4, START)).toMatchObject({
      code: 'rate_limited',
      message: expect.stringContaining('electorates of 1000001 agents'),
    });
  });

  it('is less once a vote is over', () => {
    const state = stateOf(plainly(pool(), opens(), opens({ voteId: 'v-2', electorate: ['ann'] }), closes()));
    expect(tooManySeats(state, 1_000_000 - 1, START)).toBeUndefined();
    expect(tooManySeats(state, 1_000_000, START)).toBeDefined();
  });

  it('is no more than the quotas of the pool allow, in number and in bytes', () => {
    given(pool({ quotas: { agentVotes: 1 } }), opens())
      .when(opens({ voteId: 'v-2' }))
      .thenRejected('rate_limited', { transient: true })
      .when(opens({ voteId: 'v-2' }, 'another'))
      .thenEvents('vote.opened v-2');
    given(pool({ quotas: { agentBytes: 6_000 } }), opens({ question: 'x'.repeat(4_000) }))
      .when(opens({ voteId: 'v-2', question: 'x'.repeat(4_000) }))
      .thenRejected('rate_limited', { transient: true })
      .when(opens({ voteId: 'v-2' }))
      .thenEvents('vote.opened v-2');
  });
});

describe('one vote', () => {
  const ask = (count: number) => electorateFault(Array(count).fill('a'), { pool: 'work' } as Context);

  it('asks one agent at least, and 10,000 at most', () => {
    expect(ask(0)).toMatchObject({ code: 'invalid_decision', transient: true });
    expect(ask(1)).toBeUndefined();
    expect(ask(10_000)).toBeUndefined();
    expect(ask(10_001)).toMatchObject({
      code: 'too_large',
      message: 'electorate: 10001 agents; an electorate has at most 10000',
    });
  });
});

describe('the count of open votes and of whom they ask', () => {
  const open = (...voters: string[]) => ({ state: 'open', voters }) as unknown as OpenVote;
  const closed = { state: 'closed', voters: ['ann'] } as unknown as Vote;

  it('has those that are open, as they are now', () => {
    const all = new OpenVotes();
    all.put('v-1', open('ann', 'bob'));
    all.put('v-2', open('ann'));
    all.put('v-1', open('ann', 'bob'));
    expect([all.size, all.seats]).toEqual([2, 3]);
  });

  it.each([
    ['closed', closed],
    ['removed', undefined],
  ])('has none that is %s', (_, after) => {
    const all = new OpenVotes();
    all.put('v-1', open('ann', 'bob'));
    all.put('v-1', after);
    expect([all.size, all.seats]).toEqual([0, 0]);
  });
});

describe('what time does to a vote', () => {
  const lapsed = (scenario: ReturnType<typeof given>, ms: number) => {
    const state = scenario.world.pool('work');
    if (state === undefined) throw new Error('there is no pool');
    return lapseVote(state, scenario.vote('v-1'), START + ms).map(({ data }) => data);
  };
  const open = () => given(pool(), opens(), votes('ann', 'red'));

  it('nothing before its closing time, and the close from then on', () => {
    expect(lapsed(open(), CLOSES - 1)).toEqual([]);
    expect(lapsed(open(), CLOSES)).toEqual([expect.objectContaining({ cause: 'time', winner: 'red' })]);
  });

  it('nothing once it is closed', () => {
    expect(lapsed(open().given(closes()), CLOSES)).toEqual([]);
  });
});

describe('the order of votes', () => {
  it('is that of the log: of the last of a full Batch and the next decision the latter comes later', () => {
    const ids = Array.from({ length: 100 }, (_, i) => `v-${i}`);
    const scenario = plainly(
      pool(),
      by('chair', { type: 'Batch', decisions: ids.map((voteId) => opening({ voteId }) as never) }),
      opens({ voteId: 'next' }),
    );
    const kept = scenario.world.pool('work')?.entities.vote;
    const orders = [...ids, 'next'].map((id) => kept?.get(id)?.order ?? 0);
    expect(orders).toEqual([...new Set(orders)].sort((a, b) => a - b));
  });
});

describe('the event of an opening', () => {
  const dataOf = (scenario: ReturnType<typeof plainly>) => scenario.answer.events[0]?.event.data;

  it('names the members who are asked, because they may be others later', () => {
    const asked = opens({ electorate: 'members' });
    expect(dataOf(plainly(pool(), joins('bob'), joins('ann')).when(asked))).toMatchObject({
      electorate: 'members',
      members: ['ann', 'bob'],
    });
  });

  it('names those of a list once', () => {
    expect(dataOf(plainly(pool()).when(opens()))).not.toHaveProperty('members');
  });
});
