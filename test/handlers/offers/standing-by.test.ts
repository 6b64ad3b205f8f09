/** How offers are made and end. */
import { describe, expect, it } from 'vitest';
import { OPERATOR, SHARD_POOL } from '../../../src/protocol/names.ts';
import { at, by, joins, pool, settle, submits, sweep } from '../scenario.ts';
import {
  given,
  holderOf,
  offerOf,
  releases,
  standsBy,
  standsDown,
  thenNothingWaits,
  waiting,
} from './standing.ts';

describe('StandBy', () => {
  it('is for members: in commons for everyone', () => {
    given(pool()).when(standsBy('bob')).thenRejected('not_a_member');
    const story = given(by('bob', { type: 'StandBy' }, 'commons'));
    story.when(by('ann', { type: 'SubmitTask', taskId: 't', objective: '' }, 'commons'));
    story.thenEvents('task.submitted t', 'task.claimed t');
  });

  it('is for oneself alone, whatever was delegated', () => {
    const story = given(...waiting('eve'), joins('bob'));
    story.given(by('eve', { type: 'Delegate', delegateeId: 'bob', scope: ['tasks', 'StandBy'] }));
    story.when(by('bob', { type: 'StandBy', onBehalfOf: 'eve' })).thenRejected('not_allowed');
    story.when(by('bob', { type: 'StandDown', onBehalfOf: 'eve' })).thenRejected('not_allowed');
    story.when(by('bob', { type: 'StandBy', onBehalfOf: 'zed' })).thenRejected('not_allowed');
  });

  it('replaces the offer of the same name, and no other', () => {
    const story = given(...waiting('bob'), standsBy('bob', { id: 'o2', offerId: 'second', topics: ['x'] }));
    story.when(standsBy('bob', { id: 'o3', places: 2 })).thenEvents('offer.ended bob', 'offer.made bob');
    story.thenEventData('offer.ended', { offer: 'offer-of-bob', offerId: 'main', why: 'replaced' });
    expect(offerOf(story, 'bob')).toMatchObject({ offer: 'o3', places: 2 });
    expect(offerOf(story, 'bob', 'second')).toMatchObject({ offer: 'o2', topics: ['x'] });
  });

  it('needs an id that no offer of the agent has: claims name it', () => {
    given(...waiting('bob'))
      .when(standsBy('bob', { offerId: 'second' }))
      .thenRejected('id_reused');
  });

  it('is refused beyond 10,000 sets of topics and capabilities of a pool, by JoinPool as well', () => {
    const story = given(pool(), joins('eve', 'old'), standsBy('eve'));
    for (let i = 0; i < 1_250; i++) {
      const agent = `a-${i}`;
      story.given(joins(agent));
      for (let n = 0; n < 8; n++) {
        if (i === 0 && n === 0) continue;
        story.given(standsBy(agent, { id: `o-${n}`, offerId: `o-${n}`, topics: [`topic-${i}-${n}`] }));
      }
    }
    story.given(joins('bob'));
    story.when(standsBy('bob', { topics: ['new'] })).thenRejected('rate_limited');
    story.when(standsBy('bob', { topics: ['topic-1-1'] })).thenEvents('offer.made bob');
    story.when(joins('eve', 'other')).thenRejected('rate_limited');
    expect(story.world.pool('work')?.membership('eve')?.capabilities).toEqual(['old']);
    story.when(standsDown('eve')).thenEvents('offer.ended eve');
    story.when(joins('eve', 'other')).thenEvents('member.updated eve');
  });

  it('is refused beyond eight offers in a pool and sixteen pools of a shard', () => {
    const names = Array.from({ length: 8 }, (_, i) => `n-${i}`);
    const story = given(pool(), joins('bob'), ...names.map((id) => standsBy('bob', { id, offerId: id })));
    story.when(standsBy('bob', { offerId: 'ninth' })).thenRejected('too_many_offers');
    story
      .when(standsBy('bob', { id: 'again', offerId: 'n-3' }))
      .thenEvents('offer.ended bob', 'offer.made bob');
    const pools = Array.from({ length: 16 }, (_, i) => `pool-${i}`);
    const wide = given(
      pool(),
      joins('bob'),
      ...pools.flatMap((name) => [
        by('owner', { type: 'CreatePool' }, name),
        by('bob', { type: 'JoinPool' }, name),
        by('bob', { type: 'StandBy' }, name),
      ]),
    );
    wide.when(standsBy('bob')).thenRejected('rate_limited', { transient: true });
    wide
      .given(by('bob', { type: 'StandDown' }, 'pool-3'))
      .when(standsBy('bob'))
      .thenEvents('offer.made bob');
  });

  it('with `once` ends with its first task', () => {
    const story = given(pool(), joins('bob'), standsBy('bob', { places: 5, once: true }));
    story.when(submits('ann', 't')).thenEvents('task.submitted t', 'task.claimed t', 'offer.ended bob');
    story.thenEventData('offer.ended', { why: 'taken' });
    story.given(submits('ann', 'u'));
    expect(holderOf(story, 'u')).toBeUndefined();
  });

  it('in a closed pool is refused', () => {
    given(pool(), joins('bob'), by('owner', { type: 'ClosePool' }))
      .when(standsBy('bob'))
      .thenRejected('pool_closed');
  });
});

describe('StandDown', () => {
  it('ends the offer, and lists what was handed over under it and has not been begun', () => {
    const story = given(pool(), joins('bob'), standsBy('bob', { places: 3 }));
    story.given(submits('ann', 't'), submits('ann', 'u'), by('bob', { type: 'RenewClaim', taskId: 't' }));
    story
      .when(standsDown('bob'))
      .thenEvents('offer.ended bob')
      .thenData({
        offer: 'offer-of-bob',
        unstarted: [{ taskId: 'u', epoch: 1, expiresAt: story.now + 10_000 }],
      });
    story.given(submits('ann', 'v'));
    expect([holderOf(story, 'u'), holderOf(story, 'v')]).toEqual(['bob', undefined]);
  });

  it('of no offer that stands is refused: none, another name, or one that time has ended', () => {
    given(pool(), joins('bob')).when(standsDown('bob')).thenRejected('offer_not_found');
    given(...waiting('bob'))
      .when(standsDown('bob', { offerId: 'x' }))
      .thenRejected('offer_not_found');
    given(pool(), joins('bob'), standsBy('bob', { forMs: 100 }), at(100))
      .when(standsDown('bob'))
      .thenRejected('offer_not_found');
  });
});

describe('an offer ends', () => {
  const ends = [
    ['left', by('bob', { type: 'LeavePool' }), ['member.left bob', 'offer.ended bob']],
    [
      'removed',
      by('owner', { type: 'RemoveMember', agentId: 'bob' }),
      ['member.removed bob', 'offer.ended bob'],
    ],
    [
      'banned',
      by('owner', { type: 'BanAgent', agentId: 'bob' }),
      ['member.removed bob', 'agent.banned bob', 'offer.ended bob'],
    ],
  ] as const;
  for (const [why, decision, events] of ends) {
    it(`with the stay of its agent: ${why}`, () => {
      const story = given(...waiting('bob'))
        .when(decision)
        .thenEvents(...events);
      story.thenEventData('offer.ended', { why });
      story.given(submits('ann', 't'));
      expect(holderOf(story, 't')).toBeUndefined();
    });
  }

  it('before the claims of its agent go back: they are not handed to it again', () => {
    const story = given(pool(), joins('bob'), standsBy('bob', { places: 2 }), submits('ann', 't'));
    story.when(by('bob', { type: 'LeavePool' }));
    story.thenEvents('member.left bob', 'offer.ended bob', 'task.released t');
  });

  it('with a ban from the whole system, in every pool', () => {
    const story = given(...waiting('bob'), by('bob', { type: 'StandBy' }, 'commons'));
    story.when(by(OPERATOR, { type: 'BanAgent', agentId: 'bob' }, SHARD_POOL));
    const ended = story.answer.events.filter(({ event }) => event.type === 'offer.ended');
    expect(ended.map(({ pool: where, event }) => [where, event.data])).toEqual([
      ['commons', { offer: expect.any(String), offerId: 'main', why: 'banned' }],
      ['work', { offer: 'offer-of-bob', offerId: 'main', why: 'banned' }],
    ]);
  });

  it('when its time is over, and when nothing was heard of its agent for too long', () => {
    const story = given(
      pool(),
      joins('bob'),
      joins('cyd'),
      standsBy('bob', { forMs: 2_000 }),
      standsBy('cyd'),
    );
    story.given(at(2_000), submits('ann', 't'));
    expect(holderOf(story, 't')).toBe('cyd');
    story.when(sweep()).thenEvents('offer.ended bob').thenEventData('offer.ended', { why: 'expired' });
    story.given(by('cyd', { type: 'ReportTask', taskId: 't', result: 1 }), at(31_999), submits('ann', 'u'));
    expect(holderOf(story, 'u')).toBe('cyd');
    const silent = given(...waiting('bob'), at(29_999), by('bob', { type: 'Heartbeat' }), at(59_998));
    silent.when(sweep()).thenEvents();
    silent.given(at(59_999), submits('ann', 't'));
    expect(holderOf(silent, 't')).toBeUndefined();
    silent.when(sweep()).thenEvents('offer.ended bob').thenEventData('offer.ended', { why: 'absent' });
  });

  it('and no word of its agent brings back one that time has ended', () => {
    const story = given(...waiting('bob'), at(30_000), by('bob', { type: 'Heartbeat' }), submits('ann', 't'));
    expect(holderOf(story, 't')).toBeUndefined();
    story.when(standsBy('bob')).thenEvents('offer.ended bob', 'offer.made bob', 'task.claimed t');
    story.thenEventData('offer.ended', { why: 'absent' });
  });

  it('with the presence of its member, told or not', () => {
    const story = given(
      pool(),
      by('bob', { type: 'JoinPool', presenceMs: 1_000 }),
      standsBy('bob'),
      at(1_000),
    );
    story.given(submits('ann', 't'));
    expect(holderOf(story, 't')).toBeUndefined();
    thenNothingWaits(story);
    story.when(sweep()).thenEvents('member.expired bob', 'offer.ended bob');
    story.thenEventData('offer.ended', { why: 'absent' });
  });

  it('with its pool, whose own event says so; they are removed with it, or as their time ends', () => {
    const story = given(
      ...waiting('bob', 'cyd'),
      by('bob', { type: 'StandBy', id: 'o', offerId: 'o', forMs: 500 }),
    );
    story.when(by('owner', { type: 'ClosePool' })).thenEvents('pool.closed work');
    story.when(standsDown('bob')).thenRejected('offer_not_found');
    story.given(at(500)).when(sweep()).thenEvents('offer.removed bob');
    story.given(at(29_999)).when(sweep()).thenEvents();
  });
});

it('a ban of many offers is told in bounded steps', () => {
  const names = Array.from({ length: 8 }, (_, i) => `n-${i}`);
  const story = given(sweep({ settings: { consequencesAtOnce: 3 } as never }), pool(), joins('bob'));
  story.given(...names.map((id) => standsBy('bob', { id, offerId: id })));
  story.when(by('owner', { type: 'BanAgent', agentId: 'bob' }));
  expect(story.answer.events).toHaveLength(5);
  story.when(settle());
  expect(story.answer.events).toHaveLength(3);
  story.given(settle());
  expect(story.world.pool('work')?.offers.size).toBe(0);
});

it('what an agent released is not handed to its offers again, but it may ask for it', () => {
  const story = given(...waiting('bob'), submits('ann', 't'));
  story.when(releases('bob', 't')).thenEvents('task.released t');
  thenNothingWaits(story);
  story.when(by('bob', { type: 'ClaimTask', taskId: 't' })).thenEvents('task.claimed t');
});
