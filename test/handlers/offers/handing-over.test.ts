/** What becomes of a task that was handed over: begun, given back, or left. */
import { describe, expect, it } from 'vitest';
import { at, by, claims, joins, pool, reports, settle, submits, sweep } from '../scenario.ts';
import {
  given,
  holderOf,
  offerOf,
  releases,
  renews,
  standsBy,
  thenNothingWaits,
  waiting,
} from './standing.ts';

describe('a task that is given back', () => {
  it('goes to another, and not to the same offer again', () => {
    const story = given(...waiting('bob', 'cyd'), submits('ann', 't'));
    story.when(releases('bob', 't')).thenEvents('task.released t', 'task.claimed t');
    expect(holderOf(story, 't')).toBe('cyd');
    story.when(releases('cyd', 't')).thenEvents('task.released t');
    expect(offerOf(story, 'cyd')?.passed).toEqual(['t']);
    thenNothingWaits(story);
  });

  it('by force is not handed over again in the same commit', () => {
    given(...waiting('bob'), submits('ann', 't'))
      .when(by('owner', { type: 'ForceRelease', taskId: 't' }))
      .thenEvents('task.released t');
  });

  it('as failed does not use up its attempts with one broken agent', () => {
    const story = given(...waiting('bob'), submits('ann', 't'));
    story.when(by('bob', { type: 'FailTask', taskId: 't', reason: 'r' })).thenEvents('task.retried t');
    story.when(joins('cyd')).thenEvents('member.joined cyd');
    story.when(standsBy('cyd')).thenEvents('offer.made cyd', 'task.claimed t');
  });

  it('is handed to the same agent when it stands by again', () => {
    const story = given(...waiting('bob'), submits('ann', 't'), releases('bob', 't'));
    story
      .when(standsBy('bob', { id: 'new' }))
      .thenEvents('offer.ended bob', 'offer.made bob', 'task.claimed t');
  });

  it('is remembered of the last 64: an older one may come again', () => {
    const story = given(...waiting('bob'));
    for (let i = 0; i < 64; i++) story.given(submits('ann', `t-${i}`), releases('bob', `t-${i}`));
    expect(offerOf(story, 'bob')?.passed).toHaveLength(64);
    thenNothingWaits(story);
    story.given(submits('ann', 'last'));
    story.when(releases('bob', 'last')).thenEvents('task.released last', 'task.claimed t-0');
    thenNothingWaits(story);
  });
});

describe('a task that is not begun in time', () => {
  it('goes back uncounted as an expiry, and to another offer; the one that missed it rests', () => {
    const story = given(
      ...waiting('bob', 'cyd'),
      submits('ann', 't'),
      at(10_000),
      by('cyd', { type: 'Heartbeat' }),
    );
    story.when(sweep()).thenEvents('task.released t', 'task.claimed t');
    story.thenEventData('task.released', { why: 'not_started', agent: 'bob', unstarted: 1 });
    expect(story.task('t')).toMatchObject({ expiries: 0, unstarted: 1, claim: { agent: 'cyd' } });
    expect(offerOf(story, 'bob')).toMatchObject({ resting: true, missed: 1, passed: ['t'] });
    story.given(submits('ann', 'u'));
    expect(holderOf(story, 'u')).toBeUndefined();
    thenNothingWaits(story);
  });

  it('the offer is awake again when its agent decides something about a claim, or stands by', () => {
    const rested = () =>
      given(...waiting('bob'), submits('ann', 't'), at(10_000), sweep(), submits('ann', 'u'));
    rested()
      .when(by('bob', { type: 'Heartbeat' }))
      .thenEvents();
    rested()
      .when(by('bob', { type: 'ClaimNextTask', topics: [] }))
      .thenEvents('task.claimed u');
    rested()
      .when(standsBy('bob', { id: 'new' }))
      .thenEvents('offer.ended bob', 'offer.made bob', 'task.claimed u');
  });

  it('two in a row end the offer', () => {
    const story = given(
      pool(),
      joins('bob'),
      standsBy('bob', { places: 2 }),
      submits('ann', 't'),
      submits('ann', 'u'),
    );
    story.given(at(10_000)).when(sweep()).thenEvents('task.released t', 'task.released u', 'offer.ended bob');
    story.thenEventData('offer.ended', { why: 'not_started' });
  });

  it('wherever that is found: a claim by another says it first', () => {
    const story = given(...waiting('bob'), submits('ann', 't'), joins('cyd'), at(10_000));
    story.when(claims('cyd', 't')).thenEvents('task.released t', 'task.claimed t');
    expect(offerOf(story, 'bob')).toMatchObject({ resting: true });
    expect(story.task('t')?.unstarted).toBeUndefined();
  });

  it('has its lease bounded by its ttl, the longest run, and its deadline', () => {
    const lease = (fields: object, offer: object = {}, ofPool: object = {}) => {
      const story = given(pool(ofPool), joins('bob'), standsBy('bob', offer), submits('ann', 't', fields));
      return (story.task('t')?.claim?.expiresAt ?? 0) - story.now;
    };
    const { now } = given(pool());
    expect(lease({})).toBe(10_000);
    expect(lease({}, {}, { startWithinMs: 3_000 })).toBe(3_000);
    expect(lease({ constraints: { claimTtlMs: 500 } })).toBe(500);
    expect(lease({ constraints: { claimTtlMs: 500 } }, { claimTtlMs: 700 })).toBe(700);
    expect(lease({ constraints: { maxRunMs: 400 } })).toBe(400);
    expect(lease({ deadline: now + 300 })).toBe(300);
  });

  it('because its deadline came first fails, and its agent has missed nothing', () => {
    const { now } = given(pool());
    const story = given(...waiting('bob'), submits('ann', 't', { deadline: now + 300 }), at(300));
    story.when(sweep()).thenEvents('task.failed t');
    expect(offerOf(story, 'bob')).not.toHaveProperty('resting');
  });

  it('is handed over after the others of its priority, but asked for in its old place', () => {
    const story = given(...waiting('bob'), submits('ann', 'old'), submits('ann', 'new'), at(10_000), sweep());
    story.given(joins('cyd'), standsBy('cyd'), joins('dan'));
    expect([holderOf(story, 'old'), holderOf(story, 'new')]).toEqual([undefined, 'cyd']);
    story
      .given(submits('ann', 'newest'))
      .when(by('dan', { type: 'ClaimNextTask' }))
      .thenEvents('task.claimed old');
  });
});

describe('a task that nobody begins', () => {
  const tries = (times: number) => {
    const agents = Array.from({ length: times }, (_, i) => `a-${i}`);
    const story = given(pool(), ...agents.map((agent) => joins(agent)));
    story.given(submits('ann', 't', { constraints: { maxUnstarted: 3 } }));
    for (const [i, agent] of agents.entries())
      story.given(standsBy(agent, { presenceMs: 3_600_000 }), at((i + 1) * 10_000), sweep());
    return story;
  };

  it('is not handed over any more at `maxUnstarted`, and says so', () => {
    const story = tries(2).given(joins('zed'), standsBy('zed'), at(30_000));
    story.when(sweep()).thenEvents('task.released t');
    story.thenEventData('task.released', { why: 'not_started', unstarted: 3, handOver: false });
    expect(story.task('t')).toMatchObject({ state: 'pending', unstarted: 3, handOver: false });
    story.given(joins('cyd'), standsBy('cyd'));
    expect(holderOf(story, 't')).toBeUndefined();
    thenNothingWaits(story);
  });

  it('may still be asked for; once it is begun it is handed over again', () => {
    const story = tries(3).given(joins('zed'), claims('zed', 't'), joins('cyd'), standsBy('cyd'));
    story.when(releases('zed', 't')).thenEvents('task.released t', 'task.claimed t');
    expect(holderOf(story, 't')).toBe('cyd');
  });
});

it('no more than `maxUnstarted` of a pool are handed over and not begun; each that is begun makes room', () => {
  const story = given(
    pool({ maxUnstarted: 1 }),
    joins('bob'),
    joins('cyd'),
    standsBy('bob'),
    standsBy('cyd'),
  );
  story.given(submits('ann', 't'), submits('ann', 'u'));
  expect([holderOf(story, 't'), holderOf(story, 'u')]).toEqual(['bob', undefined]);
  thenNothingWaits(story);
  story.when(renews('bob', 't')).thenEvents('task.renewed t', 'task.claimed u');
});

describe('what is more than one message may match', () => {
  it('falls due at once, and goes on with every message of the pool and with each Settle', () => {
    const agents = Array.from({ length: 7 }, (_, i) => `a-${i}`);
    const story = given(
      sweep({ settings: { consequencesAtOnce: 2 } as never }),
      pool(),
      ...agents.map((a) => joins(a)),
    );
    story.given(by('owner', { type: 'PausePool' }), ...agents.map((agent) => standsBy(agent)));
    story.given(by('owner', { type: 'ResumePool' }), by('owner', { type: 'PausePool' }));
    const held = () => agents.filter((_, i) => holderOf(story, `t-${i}`) !== undefined).length;
    story.given(by('owner', { type: 'ResumePool' }));
    story.when(
      by('ann', {
        type: 'Batch',
        decisions: agents.map((_, i) => ({ type: 'SubmitTask', taskId: `t-${i}`, objective: '' })) as never,
      }),
    );
    expect(held()).toBe(2);
    expect(story.world.owing.map(({ pool: name }) => name)).toEqual(['work']);
    story.given(by('ann', { type: 'SubmitTask', taskId: 'other', objective: '', topic: 'x' }));
    expect(held()).toBe(4);
    story.given(settle(), settle());
    expect(agents.map((_, i) => holderOf(story, `t-${i}`))).toEqual(agents);
    expect(story.world.owing).toEqual([]);
  });
});

describe('ClaimTask with the epoch of what the agent holds', () => {
  it('is a new claim of the same agent: the earlier process is fenced', () => {
    const story = given(...waiting('bob'), submits('ann', 't'));
    story
      .when(by('bob', { type: 'ClaimTask', taskId: 't', epoch: 1 }))
      .thenEvents('task.released t', 'task.claimed t');
    story.thenEventData('task.released', { why: 'taken_up', epoch: 1 });
    expect(story.task('t')?.claim).toMatchObject({ agent: 'bob', epoch: 2, expiresAt: story.now + 60_000 });
    expect(story.task('t')?.claim).not.toHaveProperty('unstarted');
    expect(offerOf(story, 'bob')).not.toHaveProperty('passed');
    story
      .when(by('bob', { type: 'ReportTask', taskId: 't', epoch: 1, result: 1 }))
      .thenRejected('claim_lost');
    story
      .when(by('bob', { type: 'ReportTask', taskId: 't', epoch: 2, result: 1 }))
      .thenEvents('task.completed t');
  });

  it('of a claim that is not its own, or no more, is refused', () => {
    const story = given(...waiting('bob'), submits('ann', 't'), joins('cyd'));
    story.when(by('cyd', { type: 'ClaimTask', taskId: 't', epoch: 1 })).thenRejected('claim_lost');
    story.when(by('bob', { type: 'ClaimTask', taskId: 't', epoch: 2 })).thenRejected('claim_lost');
    story
      .given(at(10_000))
      .when(by('bob', { type: 'ClaimTask', taskId: 't', epoch: 1 }))
      .thenRejected('claim_lost');
  });

  it('is refused while the pool is paused: there it can be renewed', () => {
    given(...waiting('bob'), submits('ann', 't'), by('owner', { type: 'PausePool' }))
      .when(by('bob', { type: 'ClaimTask', taskId: 't', epoch: 1 }))
      .thenRejected('pool_paused');
  });
});

it('a claim that was handed over is reported by a delegate as any other', () => {
  const story = given(...waiting('bob'), joins('eve'), submits('ann', 't'), submits('ann', 'u'));
  story.given(by('bob', { type: 'Delegate', delegateeId: 'eve', scope: ['tasks'] }));
  story.when(by('eve', { type: 'ReportTask', taskId: 't', result: 1, onBehalfOf: 'bob' }));
  story.thenEvents('task.completed t', 'task.claimed u');
  expect(story.answer.data).toBeUndefined();
  expect(holderOf(story, 'u')).toBe('bob');
});

it('a late report of what was not begun is refused, and what is done in time is done', () => {
  given(...waiting('bob'), submits('ann', 't'), at(9_999))
    .when(reports('bob', 't'))
    .thenEvents('task.completed t');
  given(...waiting('bob'), submits('ann', 't'), at(10_000))
    .when(reports('bob', 't'))
    .thenRejected('claim_lost');
});
