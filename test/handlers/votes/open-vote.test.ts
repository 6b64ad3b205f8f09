import { describe, expect, it } from 'vitest';
import { MAX_ELECTORATE, MAX_OPEN_SEATS, MAX_OPEN_VOTES } from '../../../src/protocol/limits.ts';
import { subjects } from '../../../src/protocol/subjects.ts';
import { renderEvents } from '../../../src/workers/shard/render.ts';
import { given } from '../retold.ts';
import { at, by, joins, given as plainly, pool, START, sweep } from '../scenario.ts';
import { CLOSES, closes, OPTIONS, opening, opens, votes } from './polling.ts';

describe('OpenVote', () => {
  it('opens a vote with the defaults of the protocol', () => {
    const scenario = given(pool(), joins('bob'), joins('ann'), at(3))
      .when(
        by('chair', {
          type: 'OpenVote',
          id: 'first',
          voteId: 'v-1',
          question: 'Which colour?',
          options: OPTIONS,
          method: 'plurality',
          closesAt: START + CLOSES,
        }),
      )
      .thenEvents('vote.opened v-1')
      .thenData({ voteId: 'v-1', state: 'open', eligible: { voters: 2, weight: 2 } });
    expect(scenario.vote('v-1')).toEqual({
      kind: 'vote',
      pool: 'work',
      id: 'v-1',
      state: 'open',
      order: expect.any(Number),
      openedAt: START + 3,
      origin: { agent: 'chair', decisionId: 'first' },
      dueAt: START + CLOSES,
      opener: 'chair',
      question: 'Which colour?',
      options: OPTIONS,
      method: 'plurality',
      electorate: 'members',
      eligible: { voters: 2, weight: 2 },
      abstentionsCountForQuorum: true,
      changeable: true,
      closeWhenDecided: true,
      closesAt: START + CLOSES,
      voters: ['ann', 'bob'],
      ballots: [null, null],
    });
  });

  it('keeps what is stated instead of the defaults', () => {
    const fields = {
      quorum: 2,
      abstentionsCountForQuorum: false,
      changeable: false,
      closeWhenDecided: false,
      weights: { bob: 3 },
    };
    given(pool())
      .when(opens(fields))
      .thenVote('v-1', { ...fields, electorate: 'list', eligible: { voters: 3, weight: 5 } });
  });

  it.each(['plurality', 'majority', 'unanimous', 'approval', 'ranked', 'schulze', 'borda'] as const)(
    'takes the method %s',
    (method) => {
      given(pool()).when(opens({ method })).thenVote('v-1', { method });
    },
  );

  it('takes a supermajority in both of its forms, and keeps one', () => {
    const kept = { supermajority: { num: 2, den: 3 } };
    given(pool())
      .when(opens({ method: kept }))
      .thenVote('v-1', { method: kept });
    given(pool())
      .when(opens({ method: { kind: 'supermajority', num: 2, den: 3 } }))
      .thenVote('v-1', { method: kept });
  });

  it('vote_exists: also when that vote is over', () => {
    given(pool(), opens()).when(opens()).thenRejected('vote_exists', { transient: false });
    given(pool(), opens(), closes()).when(opens({}, 'ann')).thenRejected('vote_exists');
  });

  it('deadline_passed: a vote that closes at this very moment could take no ballot', () => {
    given(pool(), at(10))
      .when(opens({ closesAt: START + 10 }))
      .thenRejected('deadline_passed');
    given(pool(), at(10))
      .when(opens({ closesAt: START + 11 }))
      .thenEvents('vote.opened v-1');
  });

  it('pool_not_found, pool_closed', () => {
    given().when(opens()).thenRejected('pool_not_found');
    given(pool(), by('owner', { type: 'ClosePool' }))
      .when(opens())
      .thenRejected('pool_closed');
  });

  it('a vote that is open goes on in a pool that was closed', () => {
    given(pool(), opens({ closeWhenDecided: false }), by('owner', { type: 'ClosePool' }))
      .when(votes('ann', 'red'))
      .thenEvents('vote.cast v-1');
  });

  it('not_a_member: only members open where only members submit', () => {
    given(pool({ submitters: 'members' }))
      .when(opens())
      .thenRejected('not_a_member');
    given(pool({ submitters: 'members' }), joins('chair'))
      .when(opens())
      .thenEvents('vote.opened v-1');
  });

  it('reserved_id: names that start with _ are the system’s', () => {
    given(pool())
      .when(opens({ voteId: '_v' }))
      .thenRejected('reserved_id', { message: /voteId/ });
  });

  it('two pools can each have a vote of one name', () => {
    given(pool(), by('owner', { type: 'CreatePool' }, 'side'), opens())
      .when(by('chair', opening(), 'side'))
      .thenEvents('vote.opened v-1');
  });
});

describe('the electorate', () => {
  it('is frozen at opening: who joins later may not vote, who leaves later may', () => {
    const scenario = given(
      pool(),
      joins('ann'),
      joins('bob'),
      opens({ electorate: 'members', closeWhenDecided: false }),
      joins('cyd'),
      by('bob', { type: 'LeavePool' }),
    );
    scenario.when(votes('cyd', 'red')).thenRejected('not_eligible');
    scenario.when(votes('bob', 'red')).thenEvents('vote.cast v-1');
    scenario.thenVote('v-1', { voters: ['ann', 'bob'], ballots: [null, 'A'] });
  });

  it('leaves out members whose presence lapsed, whether or not the sweep has run', () => {
    const lapsing = [pool(), by('ann', { type: 'JoinPool', presenceMs: 10 }), joins('bob')];
    given(...lapsing, at(9))
      .when(opens({ electorate: 'members' }))
      .thenVote('v-1', { voters: ['ann', 'bob'] });
    given(...lapsing, at(10))
      .when(opens({ electorate: 'members' }))
      .thenVote('v-1', { voters: ['bob'] });
    given(...lapsing, at(10), sweep())
      .when(opens({ electorate: 'members' }))
      .thenVote('v-1', { voters: ['bob'] });
  });

  it('of commons are those who have joined it', () => {
    const inCommons = by('chair', opening({ electorate: 'members' }), 'commons');
    given(by('ann', { type: 'JoinPool' }, 'commons'))
      .when(inCommons)
      .thenVote('v-1', { voters: ['ann'] }, 'commons');
    given()
      .when(inCommons)
      .thenRejected('invalid_decision', { transient: true, message: /^electorate: / });
  });

  it('that is a list need not be of members', () => {
    given(pool(), joins('dan'))
      .when(opens({ electorate: ['zoe', 'ann'] }))
      .thenVote('v-1', { voters: ['ann', 'zoe'] })
      .when(votes('dan', 'red'))
      .thenRejected('not_eligible');
  });

  it('of members cannot be empty: nobody could vote', () => {
    given(pool())
      .when(opens({ electorate: 'members' }))
      .thenRejected('invalid_decision', { transient: true, message: /has no members/ });
  });

  it.each<[string, string[]]>([
    ['nobody', []],
    ['somebody twice', ['ann', 'bob', 'ann']],
    ['what is no name', ['ann', 'b b']],
    ['the system', ['ann', '_system']],
    [`more than ${MAX_ELECTORATE}`, Array.from({ length: MAX_ELECTORATE + 1 }, (_, i) => `a${i}`)],
  ])('cannot be a list of %s: invalid_decision', (_, electorate) => {
    given(pool())
      .when(opens({ electorate }))
      .thenRejected('invalid_decision', { message: /^electorate/ });
  });

  it(`has at most ${MAX_ELECTORATE} members: too_large`, () => {
    const members = Array.from({ length: MAX_ELECTORATE }, (_, i) => joins(`a${i}`));
    const scenario = plainly(pool(), ...members).when(opens({ electorate: 'members' }));
    scenario.thenEvents('vote.opened v-1');
    scenario
      .given(joins('late'))
      .when(opens({ electorate: 'members', voteId: 'v-2' }))
      .thenRejected('too_large', { message: /^electorate: 10001/ });
  });

  it('of members is not published name by name, of a list it is', () => {
    const scenario = given(pool(), joins('ann')).when(opens({ electorate: 'members', weights: { ann: 2 } }));
    const published = () => {
      const applied = { decisionId: 'd', type: 'OpenVote', agent: 'chair', pool: 'work', body: '', shard: 0 };
      const [event] = renderEvents(
        { ...applied, seq: 1, at: START },
        scenario.answer.events,
        subjects('converge'),
      );
      return JSON.parse(event?.json ?? '').data;
    };
    expect(published()).toMatchObject({ electorate: 'members', eligible: { voters: 1, weight: 2 } });
    expect(published()).not.toHaveProperty('members');
    scenario.when(opens({ voteId: 'v-2' }));
    expect(published()).toMatchObject({ electorate: ['ann', 'bob', 'cyd'] });
  });
});

describe('weights', () => {
  it('must be of the electorate', () => {
    given(pool())
      .when(opens({ weights: { ann: 2, dan: 2 } }))
      .thenRejected('invalid_decision', { message: /^weights\.dan: / });
  });

  it.each([0, -1, 1.5, 1_000_000_001])('are positive integers: not %s', (weight) => {
    given(pool())
      .when(opens({ weights: { ann: weight } }))
      .thenRejected('invalid_decision', { message: /^weights\.ann: / });
  });

  it('of agents that are named like what every object has are 1 unless stated', () => {
    given(pool())
      .when(opens({ electorate: ['constructor', 'toString'], weights: { toString: 7 } }))
      .thenVote('v-1', { eligible: { voters: 2, weight: 8 } })
      .when(votes('constructor', 'red'))
      .thenEventData('vote.cast', { weight: 1 });
  });
});

describe('what cannot be asked', () => {
  const many = (length: number, chars: number) =>
    Array.from({ length }, (_, i) => String(i).padEnd(chars, 'x'));

  it.each<[string, string[]]>([
    ['one option', ['yes']],
    ['65 options', many(65, 2)],
    ['two alike', ['yes', 'no', 'yes']],
    ['one without a name', ['yes', '']],
    ['one of more than 128 characters', ['yes', 'n'.repeat(129)]],
    ['more than 8,192 bytes together', many(64, 126)],
    ['a name that no object can hold safely', ['yes', '__proto__']],
  ])('%s: invalid_decision', (_, options) => {
    given(pool())
      .when(opens({ options }))
      .thenRejected('invalid_decision', { message: /^options/ });
  });

  it('64 options of 124 characters can', () => {
    given(pool())
      .when(opens({ options: many(64, 124) }))
      .thenEvents('vote.opened v-1');
  });

  it.each<[string, object | string]>([
    ['a method that there is not', 'dictator'],
    ['more than everything', { supermajority: { num: 4, den: 3 } }],
    ['more than everything, in the other form', { kind: 'supermajority', num: 4, den: 3 }],
    ['a share of nothing', { supermajority: { num: 0, den: 3 } }],
    ['a share that is no fraction', { supermajority: 0.66 }],
    ['two methods at once', { supermajority: { num: 1, den: 2 }, borda: true }],
  ])('%s: invalid_decision', (_, method) => {
    given(pool())
      .when(opens(JSON.parse(JSON.stringify({ method }))))
      .thenRejected('invalid_decision', { message: /^method/ });
  });

  it('a quorum that all of the electorate together cannot reach: of members it may later', () => {
    given(pool())
      .when(opens({ quorum: 4 }))
      .thenRejected('invalid_decision', { message: /^quorum: 4 cannot/, transient: false })
      .when(opens({ quorum: 6, weights: { ann: 3 } }))
      .thenRejected('invalid_decision', { message: /^quorum/ })
      .when(opens({ quorum: 5, weights: { ann: 3 } }))
      .thenEvents('vote.opened v-1');
    given(pool(), joins('ann'))
      .when(opens({ quorum: 2, electorate: 'members' }))
      .thenRejected('invalid_decision', { message: /^quorum/, transient: true })
      .when(joins('bob'), opens({ quorum: 2, electorate: 'members' }))
      .thenEvents('vote.opened v-1');
  });

  it('a quorum that is no whole number', () => {
    given(pool())
      .when(opens({ quorum: 1.5 }))
      .thenRejected('invalid_decision', { message: /^quorum/ });
  });
});

describe('a pool bounds what is open in it', () => {
  const everyone = Array.from({ length: MAX_ELECTORATE }, (_, i) => `a${i}`);

  it(`${MAX_OPEN_VOTES} votes: rate_limited, until one is over`, () => {
    const open = Array.from({ length: MAX_OPEN_VOTES }, (_, i) => opens({ voteId: `v-${i}` }));
    const scenario = plainly(pool(), ...open);
    scenario.when(opens({ voteId: 'more' })).thenRejected('rate_limited', { transient: true });
    scenario.when(closes('chair', 'v-0'), opens({ voteId: 'more' })).thenEvents('vote.opened more');
  });

  it(`${MAX_OPEN_SEATS} agents asked by all together: rate_limited`, () => {
    const open = Array.from({ length: MAX_OPEN_SEATS / MAX_ELECTORATE }, (_, i) =>
      opens({ voteId: `v-${i}`, electorate: everyone }),
    );
    const scenario = plainly(pool(), ...open);
    scenario.when(opens({ voteId: 'more' })).thenRejected('rate_limited', { transient: true });
  });
});
