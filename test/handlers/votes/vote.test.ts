import { describe, expect, it } from 'vitest';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import { decodeChoice, type VoteMethod } from '../../../src/protocol/votes.ts';
import { given } from '../retold.ts';
import { at, by, pool, sweep } from '../scenario.ts';
import { abstains, CLOSES, closes, opening, opens, votes } from './polling.ts';

const patient = { closeWhenDecided: false };

describe('Vote', () => {
  it('casts a ballot, which everybody is told of', () => {
    given(pool(), opens({ ...patient, weights: { ann: 3 } }))
      .when(votes('ann', 'green'))
      .thenEvents('vote.cast v-1')
      .thenEventData('vote.cast', { voter: 'ann', weight: 3, choice: { option: 'green' } })
      .thenData({ voteId: 'v-1', state: 'open' })
      .thenVote('v-1', { state: 'open', voters: ['ann', 'bob', 'cyd'], ballots: ['B', null, null] });
  });

  it('vote_not_found', () => {
    given(pool()).when(votes('ann', 'red')).thenRejected('vote_not_found');
    given().when(votes('ann', 'red')).thenRejected('pool_not_found');
  });

  it('not_eligible: neither the opener nor anybody else who is not asked', () => {
    given(pool(), opens()).when(votes('chair', 'red')).thenRejected('not_eligible');
    given(pool(), opens()).when(votes('ann0', 'red')).thenRejected('not_eligible');
  });

  it('is in time up to the last millisecond before the close', () => {
    given(pool(), opens(), at(CLOSES - 1))
      .when(votes('ann', 'red'))
      .thenEvents('vote.cast v-1');
  });

  it('vote_closed: at the closing time, whether or not the sweep has run', () => {
    given(pool(), opens(), at(CLOSES))
      .when(votes('ann', 'red'))
      .thenRejected('vote_closed', { transient: false });
    given(pool(), opens(), at(CLOSES), sweep()).when(votes('ann', 'red')).thenRejected('vote_closed');
  });

  it('vote_closed: after the opener closed it', () => {
    given(pool(), opens(), closes()).when(votes('ann', 'red')).thenRejected('vote_closed');
  });

  it('the last ballot of a voter counts', () => {
    given(pool(), opens(patient), votes('ann', 'red'))
      .when(votes('ann', 'blue'))
      .thenEvents('vote.cast v-1')
      .thenEventData('vote.cast', { choice: { option: 'blue' }, replaced: true })
      .thenVote('v-1', { ballots: ['C', null, null] })
      .when(closes())
      .thenEventData('vote.closed', { winner: 'blue', cast: 1 });
  });

  it('an abstention takes the place of a ballot, and a ballot that of an abstention', () => {
    given(pool(), opens(patient), votes('ann', 'red'), abstains('ann'), abstains('bob'), votes('bob', 'red'))
      .when(closes())
      .thenEventData('vote.closed', { winner: 'red', cast: 1, abstained: 1 });
  });

  it('already_voted: where it is not changeable the first ballot counts', () => {
    given(pool(), opens({ ...patient, changeable: false }), votes('ann', 'red'))
      .when(votes('ann', 'blue'))
      .thenRejected('already_voted')
      .when(closes())
      .thenEventData('vote.closed', { winner: 'red', cast: 1 });
    given(pool(), opens({ ...patient, changeable: false }), abstains('ann'))
      .when(votes('ann', 'blue'))
      .thenRejected('already_voted');
  });

  it.each([{ option: 'pink' }, { approvals: ['red', 'pink'] }, { ranking: ['pink'] }])(
    'unknown_option: %j',
    (choice) => {
      const method = 'option' in choice ? 'plurality' : 'approvals' in choice ? 'approval' : 'ranked';
      given(pool(), opens({ method })).when(votes('ann', choice)).thenRejected('unknown_option');
    },
  );
});

describe('a choice', () => {
  const option = { option: 'red' };
  const approvals = { approvals: ['red', 'blue'] };
  const ranking = { ranking: ['blue', 'red'] };
  const kinds: readonly (readonly [VoteMethod, string])[] = [
    ['plurality', 'option'],
    ['majority', 'option'],
    [{ supermajority: { num: 2, den: 3 } }, 'option'],
    ['unanimous', 'option'],
    ['approval', 'approvals'],
    ['ranked', 'ranking'],
    ['schulze', 'ranking'],
    ['borda', 'ranking'],
  ];

  it.each(kinds)('by %j is of kind %s, or an abstention', (method, kind) => {
    for (const choice of [option, approvals, ranking]) {
      const scenario = given(pool(), opens({ ...patient, method })).when(votes('ann', choice));
      if (kind in choice) scenario.thenEventData('vote.cast', { choice });
      else scenario.thenRejected('invalid_decision', { message: new RegExp(`^${Object.keys(choice)[0]}: `) });
    }
    given(pool(), opens({ ...patient, method }))
      .when(abstains('ann'))
      .thenEventData('vote.cast', { choice: { abstain: true } });
  });

  it.each([
    [{ ranking: ['green'] }, 'B'],
    [{ ranking: ['blue', 'red', 'green'] }, 'CAB'],
    [{ ranking: [] }, ''],
    [{ abstain: true }, '!'],
  ] as const)('of a ranking may name some, all or none: %j', (choice, kept) => {
    given(pool(), opens({ ...patient, method: 'schulze' }))
      .when(votes('ann', choice))
      .thenEventData('vote.cast', { choice })
      .thenVote('v-1', { ballots: [kept, null, null] });
  });

  it.each<[string, object, RegExp]>([
    ['no choice', {}, /exactly one of/],
    ['two choices', { option: 'red', abstain: true }, /exactly one of/],
    ['abstaining only a little', { abstain: false }, /^abstain/],
    ['an option ranked twice', { ranking: ['red', 'red'] }, /^ranking/],
    ['an option approved twice', { approvals: ['red', 'red'] }, /^approvals/],
    ['more than there can be', { approvals: Array.from({ length: 65 }, (_, i) => `${i}`) }, /^approvals/],
  ])('cannot be %s: invalid_decision', (_, fields, message) => {
    const body: DecisionInput = { type: 'Vote', voteId: 'v-1', ...fields };
    given(pool(), opens()).when(by('ann', body)).thenRejected('invalid_decision', { message });
  });

  it('is kept in one character for each option, up to all 64', () => {
    const options = Array.from({ length: 64 }, (_, i) => `option ${i}`);
    const ranking = options.toReversed();
    const scenario = given(pool(), opens({ ...patient, options, method: 'borda' }))
      .when(votes('ann', { ranking }))
      .thenEventData('vote.cast', { choice: { ranking } });
    expect(scenario.vote('v-1').ballots[0]).toHaveLength(64);
    scenario.when(closes()).thenEventData('vote.closed', { winner: 'option 63' });
  });
});

describe('in a Batch', () => {
  const open = opening(patient);
  const cast = (option: string): DecisionInput => ({ type: 'Vote', voteId: 'v-1', option });
  const close: DecisionInput = { type: 'CloseVote', voteId: 'v-1' };

  it('a vote can be opened, taken and closed', () => {
    given(pool())
      .when(by('ann', { type: 'Batch', atomic: true, decisions: [open, cast('red'), close] }))
      .thenEvents('vote.opened v-1', 'vote.cast v-1', 'vote.closed v-1')
      .thenVote('v-1', { state: 'closed', result: { winner: 'red' } });
  });

  it('that is atomic one rejection takes back the opening, the ballot and the close', () => {
    given(pool())
      .when(by('ann', { type: 'Batch', atomic: true, decisions: [open, cast('red'), close, cast('blue')] }))
      .thenRejected('vote_closed', { message: /^decisions\[3\]/ })
      .thenVote('v-1', undefined)
      .when(opens())
      .thenEvents('vote.opened v-1');
  });

  it('that is atomic a ballot that was replaced is again what it was', () => {
    given(pool(), opens(patient), votes('ann', 'red'))
      .when(by('ann', { type: 'Batch', atomic: true, decisions: [cast('blue'), cast('pink')] }))
      .thenRejected('unknown_option')
      .thenVote('v-1', { ballots: ['A', null, null] });
  });
});

describe('on behalf of a voter', () => {
  const delegates = by('ann', { type: 'Delegate', id: 'del-1', delegateeId: 'dan', scope: ['Vote:v-1'] });
  const forAnn = (option: string, voteId = 'v-1') =>
    by('dan', { type: 'Vote', voteId, option, onBehalfOf: 'ann' });

  it('the ballot is the principal’s: cast once, and replaced by its own', () => {
    given(pool(), opens(patient), delegates)
      .when(forAnn('red'))
      .thenEventData('vote.cast', { voter: 'ann', choice: { option: 'red' } })
      .when(votes('ann', 'blue'))
      .thenEventData('vote.cast', { voter: 'ann', replaced: true })
      .thenVote('v-1', { ballots: ['C', null, null] });
  });

  it('takes a delegation that covers this very vote', () => {
    const two = [opens(patient), opens({ ...patient, voteId: 'v-2' })];
    given(pool(), ...two)
      .when(forAnn('red'))
      .thenRejected('delegation_missing');
    given(pool(), ...two, delegates)
      .when(forAnn('red', 'v-2'))
      .thenRejected('scope_exceeded');
    given(pool(), ...two, delegates)
      .when(votes('dan', 'red'))
      .thenRejected('not_eligible');
  });

  it('equal ranks are taken by Schulze and Borda, and kept as they were cast', () => {
    for (const method of ['schulze', 'borda'] as const) {
      given(pool(), opens({ ...patient, method }))
        .when(votes('ann', { ranking: [['red', 'blue'], 'green'] }))
        .thenEventData('vote.cast', { choice: { ranking: [['red', 'blue'], 'green'] } })
        .thenVote('v-1', { ballots: ['(AC)B', null, null] })
        .when(closes())
        .thenEventData('vote.closed', { why: 'tie', cast: 1 });
      const vote = { options: ['red', 'green', 'blue'], method };
      expect(decodeChoice(vote, '(AC)B')).toEqual({ ranking: [['red', 'blue'], 'green'] });
      expect(decodeChoice(vote, 'B(AC)')).toEqual({ ranking: ['green', ['red', 'blue']] });
    }
  });

  it('invalid_decision: an instant run-off takes no equal ranks', () => {
    given(pool(), opens({ ...patient, method: 'ranked' }))
      .when(votes('ann', { ranking: [['red', 'blue'], 'green'] }))
      .thenRejected('invalid_decision');
  });
});
