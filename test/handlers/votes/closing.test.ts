import { describe, expect, it } from 'vitest';
import type { VoteChoice } from '../../../src/protocol/votes.ts';
import { endedPages } from '../ended-pages.ts';
import { given } from '../retold.ts';
import { at, by, joins, pool, START, sweep } from '../scenario.ts';
import { abstains, CLOSES, closes, type OpenFields, opens, votes } from './polling.ts';

const patient = { closeWhenDecided: false };
const kept = (id: string, ms: number) => ({ ended: endedPages([['work', [{ id, at: START + ms }]]]) });

describe('CloseVote', () => {
  it('counts what was cast by now, and says winner, why and the tally', () => {
    given(pool(), opens(patient), votes('bob', 'green'), abstains('ann'), at(7))
      .when(closes())
      .thenEvents('vote.closed v-1')
      .thenEventData('vote.closed', {
        cause: 'opener',
        winner: 'green',
        why: 'decided',
        cast: 1,
        abstained: 1,
        tally: [{ counts: { red: 0, green: 1, blue: 0 } }],
      })
      .thenData({ voteId: 'v-1', state: 'closed', winner: 'green', why: 'decided' });
  });

  it('leaves a document that keeps the result and the ballots that were cast', () => {
    const scenario = given(pool(), opens({ ...patient, quorum: 1 }), votes('bob', 'green'), at(7), closes());
    const { openedAt, order, origin, question, options, ...rest } = scenario.vote('v-1');
    expect(rest).toEqual({
      kind: 'vote',
      pool: 'work',
      id: 'v-1',
      state: 'closed',
      opener: 'chair',
      method: 'plurality',
      electorate: 'list',
      eligible: { voters: 3, weight: 3 },
      quorum: 1,
      abstentionsCountForQuorum: true,
      changeable: true,
      closeWhenDecided: false,
      closesAt: START + CLOSES,
      finishedAt: START + 7,
      cause: 'opener',
      result: {
        winner: 'green',
        why: 'decided',
        cast: 1,
        abstained: 0,
        tally: [{ counts: { red: 0, green: 1, blue: 0 } }],
      },
      voters: ['bob'],
      ballots: ['B'],
    });
  });

  it('not_allowed: to nobody but the opener, not even to the owner of the pool', () => {
    for (const agent of ['owner', 'ann'])
      given(pool(), opens()).when(closes(agent)).thenRejected('not_allowed');
  });

  it('vote_not_found', () => {
    given(pool()).when(closes()).thenRejected('vote_not_found');
  });

  it('vote_closed: twice, and from the closing time on', () => {
    given(pool(), opens(), closes()).when(closes()).thenRejected('vote_closed');
    given(pool(), opens(), at(CLOSES)).when(closes()).thenRejected('vote_closed');
    given(pool(), opens(), at(CLOSES), sweep()).when(closes()).thenRejected('vote_closed');
  });

  it('in the last millisecond is still the opener’s', () => {
    given(pool(), opens(), at(CLOSES - 1))
      .when(closes())
      .thenEventData('vote.closed', { cause: 'opener' });
  });
});

describe('the sweep', () => {
  it('closes a vote at its closing time and not before', () => {
    given(pool(), opens(patient), votes('ann', 'red'), at(CLOSES - 1))
      .when(sweep())
      .thenEvents()
      .when(at(CLOSES), sweep())
      .thenEvents('vote.closed v-1')
      .thenEventData('vote.closed', { cause: 'time', winner: 'red' })
      .thenVote('v-1', { state: 'closed', finishedAt: START + CLOSES });
  });

  it('run twice, or late, changes nothing but the delay', () => {
    const scenario = given(pool(), opens(patient), votes('ann', 'red'), at(CLOSES + 500));
    scenario.when(votes('bob', 'blue')).thenRejected('vote_closed');
    scenario.when(sweep()).thenEventData('vote.closed', { cause: 'time', winner: 'red', cast: 1 });
    scenario.when(sweep()).thenEvents();
    scenario.thenVote('v-1', { finishedAt: START + CLOSES + 500 });
  });

  it('closes the votes whose time has come, each by itself', () => {
    given(
      pool(),
      opens({ voteId: 'late', closesAt: START + 20 }),
      opens({ voteId: 'soon', closesAt: START + 10 }),
      opens({ voteId: 'later', closesAt: START + 30 }),
      at(25),
    )
      .when(sweep())
      .thenEvents('vote.closed soon', 'vote.closed late');
  });

  it('does not close again what was closed early', () => {
    given(pool(), opens(), closes(), at(CLOSES)).when(sweep()).thenEvents();
  });

  it('tells what it closed', () => {
    given(pool(), opens(), at(CLOSES))
      .when(sweep())
      .thenData(
        expect.objectContaining({ closed: [{ pool: 'work', entity: 'vote/v-1', event: 'vote.closed' }] }),
      );
  });

  it('removes a vote after its retention, and its name is free again', () => {
    const dayMs = 24 * 60 * 60_000;
    given(pool(), opens(), closes(), at(2 * dayMs))
      .when(sweep({}, kept('vote/v-1', 0)))
      .thenEvents('vote.removed v-1')
      .thenVote('v-1', undefined)
      .when(opens({ closesAt: START + 3 * dayMs }))
      .thenEvents('vote.opened v-1');
  });

  it('removes a closed pool only when its votes are gone', () => {
    const dayMs = 24 * 60 * 60_000;
    const closed = given(
      pool(),
      opens({ closesAt: START + 4 * dayMs }),
      by('owner', { type: 'ClosePool' }),
      at(2 * dayMs),
    );
    closed.when(sweep()).thenEvents();
    closed
      .given(at(4 * dayMs))
      .when(sweep())
      .thenEvents('vote.closed v-1');
    closed
      .given(at(6 * dayMs))
      .when(sweep({}, kept('vote/v-1', 4 * dayMs)))
      .thenEvents('vote.removed v-1', 'pool.removed work');
  });
});

describe('closeWhenDecided', () => {
  const decide = (fields: OpenFields, ...ballots: (readonly [string, string | VoteChoice])[]) => {
    const cast = ballots.map(([agent, choice]) => votes(agent, choice));
    return given(pool(), opens(fields)).when(...cast);
  };

  it('closes with the ballot after which the others can change nothing', () => {
    decide({}, ['ann', 'red']).thenEvents('vote.cast v-1');
    decide({}, ['ann', 'red'], ['bob', 'red'])
      .thenEvents('vote.cast v-1', 'vote.closed v-1')
      .thenEventData('vote.closed', { cause: 'decided', winner: 'red', cast: 2 })
      .thenData({ voteId: 'v-1', state: 'closed', winner: 'red', why: 'decided' })
      .thenVote('v-1', { state: 'closed', voters: ['ann', 'bob'], ballots: ['A', 'A'] })
      .when(votes('cyd', 'red'))
      .thenRejected('vote_closed');
  });

  it('closes when all have voted, whatever came of it', () => {
    decide({}, ['ann', 'red'], ['bob', 'green'], ['cyd', 'blue'])
      .thenEventData('vote.closed', { cause: 'decided', why: 'tie' })
      .thenData({ voteId: 'v-1', state: 'closed', why: 'tie' });
  });

  it('closes when unanimity is broken', () => {
    decide({ method: 'unanimous' }, ['ann', 'red'], ['bob', 'green']) //
      .thenEventData('vote.closed', { why: 'no_majority' });
  });

  it('closes when the quorum cannot be reached any more', () => {
    const fields = { quorum: 3, abstentionsCountForQuorum: false };
    decide(fields, ['ann', { abstain: true }]).thenEventData('vote.closed', { why: 'no_quorum' });
  });

  it('takes ballots that are cast to stay: a change of mind counts as long as the vote is open', () => {
    const fields = { electorate: ['ann', 'bob', 'cyd', 'dan', 'eve'] };
    const open = decide(fields, ['ann', 'red'], ['bob', 'red'], ['cyd', 'green'], ['ann', 'green']);
    open.thenEvents('vote.cast v-1');
    open.when(votes('bob', 'green')).thenEvents('vote.cast v-1', 'vote.closed v-1');
    open.thenEventData('vote.closed', { winner: 'green' });
  });

  it('left off, the vote stays open until its time, and everyone may still change the ballot', () => {
    const open = decide(patient, ['ann', 'red'], ['bob', 'red'], ['cyd', 'red']);
    open.thenEvents('vote.cast v-1').thenData({ voteId: 'v-1', state: 'open' });
    open.given(votes('ann', 'blue'), votes('bob', 'blue'), at(CLOSES));
    open.when(sweep()).thenEventData('vote.closed', { winner: 'blue', cause: 'time' });
  });

  it('counts weights', () => {
    decide({ weights: { ann: 3 } }, ['ann', 'red']).thenEventData('vote.closed', { winner: 'red', cast: 3 });
  });
});

describe('an electorate of more than 200', () => {
  const electorate = Array.from({ length: 401 }, (_, i) => `a${String(i).padStart(3, '0')}`);
  const large = { electorate, method: 'majority' } as const;
  const red = (from: number, to: number) => electorate.slice(from, to).map((agent) => votes(agent, 'red'));

  it('is counted with every third ballot, so the early close comes two ballots late', () => {
    // 201 of 401 are a majority of all; 201 is a multiple of 3.
    given(pool(), opens(large), ...red(0, 200))
      .when(votes('a200', 'red'))
      .thenEvents('vote.cast v-1', 'vote.closed v-1');
    // One abstention among them: 201 for red are reached with ballot 202, and noticed with 204.
    const late = given(pool(), opens(large), abstains('a400'), ...red(0, 200));
    late.when(votes('a200', 'red')).thenEvents('vote.cast v-1');
    late.when(votes('a201', 'red')).thenEvents('vote.cast v-1');
    late.when(votes('a202', 'red')).thenEvents('vote.cast v-1', 'vote.closed v-1');
  }, 60_000);

  it('is not counted for a ballot that replaces another', () => {
    given(pool(), opens(large), ...red(0, 200), votes('a400', 'blue'))
      .when(votes('a400', 'red'))
      .thenEvents('vote.cast v-1');
  }, 60_000);

  it('with 20 options is counted half as often', () => {
    const options = Array.from({ length: 20 }, (_, i) => `o${i}`);
    const first = electorate.slice(0, 203).map((agent) => votes(agent, 'o0'));
    given(pool(), opens({ ...large, options }), ...first)
      .when(votes('a203', 'o0'))
      .thenEvents('vote.cast v-1')
      .when(votes('a204', 'o0'))
      .thenEvents('vote.cast v-1', 'vote.closed v-1');
  }, 60_000);

  it('is counted when all have voted', () => {
    const plurality = { ...large, method: 'plurality' } as const;
    const half = electorate.slice(200, 400).map((agent) => votes(agent, 'blue'));
    given(pool(), opens(plurality), ...red(0, 200), ...half)
      .when(votes('a400', 'blue'))
      .thenEventData('vote.closed', { winner: 'blue', cast: 401 });
  }, 60_000);
});

describe('the quorum', () => {
  const closing = (fields: OpenFields, ...ballots: (readonly [string, string | VoteChoice])[]) =>
    given(
      pool(),
      opens({ ...patient, ...fields }),
      ...ballots.map(([agent, choice]) => votes(agent, choice)),
    ).when(closes());

  it('missed by one: no_quorum, and the tally all the same', () => {
    closing({ quorum: 3 }, ['ann', 'red'], ['bob', 'red']).thenEventData('vote.closed', {
      why: 'no_quorum',
      tally: [{ counts: { red: 2, green: 0, blue: 0 } }],
    });
    closing({ quorum: 2 }, ['ann', 'red'], ['bob', 'red']).thenEventData('vote.closed', { winner: 'red' });
  });

  it('no_quorum names no winner', () => {
    const { answer } = closing({ quorum: 3 }, ['ann', 'red']);
    expect(answer.events[0]?.event.data).not.toHaveProperty('winner');
  });

  it('counts weight', () => {
    const fields = { quorum: 5, weights: { ann: 4 } };
    closing(fields, ['ann', 'red']).thenEventData('vote.closed', { why: 'no_quorum' });
    closing(fields, ['ann', 'red'], ['bob', 'green']).thenEventData('vote.closed', { winner: 'red' });
  });

  it('abstentions count for it, unless the vote says otherwise', () => {
    const two = [
      ['ann', 'red'],
      ['bob', { abstain: true }],
    ] as const;
    closing({ quorum: 2 }, ...two).thenEventData('vote.closed', { winner: 'red', cast: 1, abstained: 1 });
    const fields = { quorum: 2, abstentionsCountForQuorum: false };
    closing(fields, ...two).thenEventData('vote.closed', { why: 'no_quorum', cast: 1, abstained: 1 });
  });
});

describe('nobody decides anything', () => {
  it.each([
    ['plurality', 'tie'],
    ['majority', 'tie'],
    ['unanimous', 'tie'],
    ['approval', 'tie'],
    ['ranked', 'tie'],
    ['schulze', 'tie'],
    ['borda', 'tie'],
  ] as const)('%s where all abstain: %s', (method, why) => {
    given(pool(), opens({ method }), abstains('ann'), abstains('bob'))
      .when(abstains('cyd'))
      .thenEventData('vote.closed', { why, cast: 0, abstained: 3 });
    given(pool(), opens({ method }), at(CLOSES))
      .when(sweep())
      .thenEventData('vote.closed', { why, cast: 0, abstained: 0 });
  });
});

describe('a vote outlives the membership of its voters', () => {
  it('who was a member at opening still counts for the quorum and may still vote', () => {
    given(
      pool(),
      joins('ann'),
      joins('bob'),
      opens({ electorate: 'members', quorum: 2, ...patient }),
      by('ann', { type: 'LeavePool' }),
      votes('ann', 'red'),
      votes('bob', 'red'),
    )
      .when(closes())
      .thenEventData('vote.closed', { winner: 'red', cast: 2 });
  });
});
