/** Which task goes to which agent, and when. */
import { describe, expect, it } from 'vitest';
import { at, by, claims, joins, pool, reports, submits, sweep } from '../scenario.ts';
import {
  given,
  holderOf,
  offerOf,
  releases,
  renews,
  standsBy,
  standsDown,
  thenNothingWaits,
  waiting,
} from './standing.ts';

const batch = (agent: string, decisions: Parameters<typeof by>[1][], atomic = false) =>
  by(agent, { type: 'Batch', atomic, decisions: decisions as never });

describe('an offer and a task', () => {
  it('that comes after it: it is handed over in the same step', () => {
    given(...waiting('bob'))
      .when(submits('ann', 't'))
      .thenEvents('task.submitted t', 'task.claimed t')
      .thenEventData('task.claimed', { agent: 'bob', epoch: 1, offer: 'offer-of-bob', ttlMs: 60_000 })
      .thenData({ taskId: 't', state: 'pending' })
      .thenTask('t', { state: 'assigned', claim: { agent: 'bob', unstarted: true, offer: 'offer-of-bob' } });
  });

  it('that waits already: the outcome of StandBy has it, with all that it takes', () => {
    const story = given(pool(), joins('bob'), submits('ann', 't', { inputs: { a: 1 } })).when(
      standsBy('bob'),
    );
    story.thenEvents('offer.made bob', 'task.claimed t').thenData({
      offer: expect.objectContaining({ offer: 'offer-of-bob', offerId: 'main', places: 1, agent: 'bob' }),
      handed: [expect.objectContaining({ taskId: 't', inputs: { a: 1 }, offer: 'offer-of-bob', attempt: 1 })],
    });
  });

  it('where nothing waits: nothing is handed over', () => {
    given(pool(), joins('bob'))
      .when(standsBy('bob'))
      .thenEvents('offer.made bob')
      .thenData({
        offer: expect.objectContaining({ turn: 3, until: expect.any(Number) }),
        handed: [],
      });
  });
});

describe('the next task', () => {
  it('comes with the report of the one before it, in the outcome of that', () => {
    const story = given(...waiting('bob'), submits('ann', 't'), submits('ann', 'u'));
    expect(holderOf(story, 'u')).toBeUndefined();
    story.when(reports('bob', 't')).thenEvents('task.completed t', 'task.claimed u');
    story.thenData({
      handed: [expect.objectContaining({ taskId: 'u', claim: { epoch: 1, expiresAt: expect.any(Number) } })],
    });
  });

  it('comes when a claim is failed or released', () => {
    for (const type of ['FailTask', 'ReleaseTask'] as const) {
      const story = given(...waiting('bob'), submits('ann', 't'), submits('ann', 'u'));
      story.given(
        by('bob', type === 'FailTask' ? { type, taskId: 't', reason: 'r' } : { type, taskId: 't' }),
      );
      expect(holderOf(story, 'u')).toBe('bob');
    }
  });

  it('is the one that ClaimNextTask would give: by priority, then as they were submitted', () => {
    const story = given(...waiting('bob'), submits('ann', 'held'));
    story.given(submits('ann', 'low', { priority: -1 }), submits('ann', 'first'), submits('ann', 'second'));
    story.given(submits('ann', 'urgent', { priority: 5 }));
    const order: string[] = [];
    for (let last = 'held'; order.length < 4; ) {
      story.given(reports('bob', last));
      last = ['low', 'first', 'second', 'urgent'].find((id) => holderOf(story, id) === 'bob') ?? '';
      order.push(last);
    }
    expect(order).toEqual(['urgent', 'first', 'second', 'low']);
  });
});

describe('whom a task goes to', () => {
  it('needs the capabilities, of which alternatives suffice', () => {
    const story = given(
      pool(),
      joins('bob', 'cpu'),
      joins('cyd', 'gpu', 'x'),
      standsBy('bob'),
      standsBy('cyd'),
    );
    story.given(submits('ann', 't', { requiredCapabilities: ['x', ['tpu', 'gpu']] }));
    expect(holderOf(story, 't')).toBe('cyd');
    story.given(submits('ann', 'u', { requiredCapabilities: ['tpu'] }));
    expect(holderOf(story, 'u')).toBeUndefined();
  });

  it('that joins with other capabilities is handed what it can do now', () => {
    const story = given(...waiting('bob'), submits('ann', 't', { requiredCapabilities: ['gpu'] }));
    story.when(joins('bob', 'gpu')).thenEvents('member.updated bob', 'task.claimed t');
  });

  it('that can do less from now on keeps what it holds', () => {
    const story = given(pool(), joins('bob', 'gpu'), standsBy('bob', { places: 2 }));
    story.given(submits('ann', 't', { requiredCapabilities: ['gpu'] }), joins('bob'));
    story.given(submits('ann', 'u', { requiredCapabilities: ['gpu'] }));
    expect([holderOf(story, 't'), holderOf(story, 'u')]).toEqual(['bob', undefined]);
  });

  it('names topics, and gets tasks on these alone; without any it gets all', () => {
    const story = given(pool(), joins('bob'), joins('cyd'), standsBy('bob', { topics: ['x'] }));
    story.given(
      submits('ann', 'none'),
      submits('ann', 'y', { topic: 'y' }),
      submits('ann', 'x', { topic: 'x' }),
    );
    expect(['none', 'y', 'x'].map((id) => holderOf(story, id))).toEqual([undefined, undefined, 'bob']);
    story.given(standsBy('cyd', { places: 2 }));
    expect(['none', 'y'].map((id) => holderOf(story, id))).toEqual(['cyd', 'cyd']);
  });

  it('is the one that has been without a new task for longest', () => {
    const story = given(...waiting('bob', 'cyd', 'dan'));
    const order: (string | undefined)[] = [];
    for (let i = 0; i < 6; i++) {
      story.given(submits('ann', `t-${i}`));
      order.push(holderOf(story, `t-${i}`));
      if (i === 2)
        for (const [j, agent] of ['dan', 'bob', 'cyd'].entries()) {
          const held = ['t-0', 't-1', 't-2'].find((id) => holderOf(story, id) === agent) ?? `none-${j}`;
          story.given(reports(agent, held));
        }
    }
    expect(order).toEqual(['bob', 'cyd', 'dan', 'bob', 'cyd', 'dan']);
  });

  it('keeps its turn when it stands by again, and loses it when it had stood down', () => {
    const again = given(...waiting('bob', 'cyd'), standsBy('bob', { id: 'again' }), submits('ann', 't'));
    expect(holderOf(again, 't')).toBe('bob');
    const stopped = given(...waiting('bob', 'cyd'), standsDown('bob'), standsBy('bob'), submits('ann', 't'));
    expect(holderOf(stopped, 't')).toBe('cyd');
  });
});

describe('places', () => {
  it('are counted over all claims in the pool, asked for or handed over', () => {
    const story = given(pool(), joins('bob'), submits('ann', 'own'), claims('bob', 'own'));
    story.given(standsBy('bob', { places: 2 }), submits('ann', 't'), submits('ann', 'u'));
    expect([holderOf(story, 't'), holderOf(story, 'u')]).toEqual(['bob', undefined]);
  });

  it('are bounded by the claims that pool and quotas allow', () => {
    for (const fields of [{ maxClaimsPerAgent: 1 }, { quotas: { agentClaims: 1 } }]) {
      const story = given(pool(fields), joins('bob'), standsBy('bob', { places: 3 }));
      story.given(submits('ann', 't'), submits('ann', 'u'));
      expect([holderOf(story, 't'), holderOf(story, 'u')]).toEqual(['bob', undefined]);
    }
  });

  it('that a raised limit makes are filled in the same step', () => {
    const story = given(
      pool({ quotas: { poolClaims: 1 }, maxClaimsPerAgent: 1 }),
      joins('bob'),
      joins('cyd'),
    );
    story.given(
      standsBy('bob', { places: 9 }),
      standsBy('cyd'),
      ...['t', 'u', 'v'].map((id) => submits('ann', id)),
    );
    expect([holderOf(story, 't'), holderOf(story, 'u')]).toEqual(['bob', undefined]);
    story
      .when(by('owner', { type: 'UpdatePool', quotas: {} }))
      .thenEvents('pool.updated work', 'task.claimed u');
    expect(holderOf(story, 'u')).toBe('cyd');
    story
      .when(by('owner', { type: 'UpdatePool', maxClaimsPerAgent: null }))
      .thenEvents('pool.updated work', 'task.claimed v');
    expect(holderOf(story, 'v')).toBe('bob');
  });

  it('that the system gives with a Sweep are filled by it', () => {
    const story = given(
      sweep({ settings: { agentClaims: 1 } as never }),
      pool(),
      joins('bob'),
      standsBy('bob', { places: 2 }),
    );
    story.given(submits('ann', 't'), submits('ann', 'u'));
    expect(holderOf(story, 'u')).toBeUndefined();
    story.when(sweep({ settings: { agentClaims: 2 } as never })).thenEvents('task.claimed u');
    expect(story.answer.data).toMatchObject({ matched: 1 });
  });

  it("that another agent's claim takes under a full quota of the pool are filled when it ends", () => {
    const story = given(pool({ quotas: { poolClaims: 1 } }), joins('bob'), joins('cyd'), submits('ann', 't'));
    story.given(claims('cyd', 't'), standsBy('bob'), submits('ann', 'u'));
    story.when(reports('cyd', 't')).thenEvents('task.completed t', 'task.claimed u');
    expect(story.answer.data).toBeUndefined();
  });

  it('are free by the documents: a claim that is over and not told takes one', () => {
    const story = given(
      pool(),
      joins('bob'),
      submits('ann', 't'),
      claims('bob', 't', 100),
      standsBy('bob'),
      at(200),
    );
    story.given(submits('ann', 'u'));
    expect(holderOf(story, 'u')).toBeUndefined();
    thenNothingWaits(story);
    story.when(sweep()).thenEvents('task.expired t', 'task.claimed t');
  });
});

describe('what holds tasks back', () => {
  it('a pause; with its end they are handed over, as far as one message may', () => {
    const story = given(...waiting('bob'), by('owner', { type: 'PausePool' }));
    story.given(standsBy('bob', { id: 'again' }));
    story.when(by('owner', { type: 'ResumePool' })).thenEvents('pool.resumed work');
    const held = given(
      pool(),
      joins('bob'),
      submits('ann', 't'),
      by('owner', { type: 'PausePool' }),
      standsBy('bob'),
    );
    expect(holderOf(held, 't')).toBeUndefined();
    held.when(by('owner', { type: 'ResumePool' })).thenEvents('pool.resumed work', 'task.claimed t');
  });

  it('dependencies: a dependent goes out with the report that frees it', () => {
    const story = given(
      ...waiting('bob', 'cyd'),
      submits('ann', 't'),
      submits('ann', 'u', { dependsOn: ['t'] }),
    );
    story.when(reports('bob', 't')).thenEvents('task.completed t', 'task.unblocked u', 'task.claimed u');
    expect(holderOf(story, 'u')).toBe('cyd');
  });

  it('notBefore and backoff: they go out with the Sweep that finds their time come', () => {
    const story = given(
      ...waiting('bob'),
      submits('ann', 't', { notBefore: 1_700_000_000_000 + 1_000_000_000 }),
    );
    expect(holderOf(story, 't')).toBeUndefined();
    const retried = given(...waiting('bob', 'cyd'), submits('ann', 't', { constraints: { backoffMs: 500 } }));
    retried.given(by('bob', { type: 'FailTask', taskId: 't', reason: 'r' }));
    expect(holderOf(retried, 't')).toBeUndefined();
    retried.given(at(500)).when(sweep()).thenEvents('task.unblocked t', 'task.claimed t');
    expect(holderOf(retried, 't')).toBe('cyd');
  });

  it('a deadline that has passed', () => {
    const story = given(pool(), joins('bob'), submits('ann', 't', { deadline: 1_700_000_000_000_0 }));
    expect(story.task('t')).toBeDefined();
  });

  it('an auction: the task goes out when that comes to nothing', () => {
    const auction = {
      type: 'OpenAuction',
      auctionId: 'a',
      kind: 'english',
      taskId: 't',
      increment: 1,
    } as const;
    const story = given(pool(), joins('bob'), submits('ann', 't'));
    story.given(by('ann', { ...auction, closesAt: story.now + 1_000 }), standsBy('bob'));
    expect(holderOf(story, 't')).toBeUndefined();
    story.when(by('ann', { type: 'CancelAuction', auctionId: 'a' }));
    story.thenEvents('auction.cancelled a', 'task.unreserved t', 'task.claimed t');
  });
});

describe('a Batch', () => {
  it('is matched after its last member: what a later one cancels or sells is not handed over before', () => {
    const story = given(...waiting('bob'));
    story.when(
      batch('ann', [
        { type: 'SubmitTask', taskId: 't', objective: '' },
        { type: 'CancelTask', taskId: 't' },
        { type: 'SubmitTask', taskId: 'u', objective: '' },
        {
          type: 'OpenAuction',
          auctionId: 'a',
          kind: 'english',
          increment: 1,
          taskId: 'u',
          closesAt: story.now + 999,
        },
      ]),
    );
    story.thenEvents(
      'task.submitted t',
      'task.cancelled t',
      'task.submitted u',
      'auction.opened a',
      'task.reserved u',
    );
  });

  it('has what its author was handed; StandBy in it has the offer alone', () => {
    const story = given(pool(), joins('bob'), submits('ann', 't'));
    story.when(batch('bob', [{ type: 'Heartbeat' }, { type: 'StandBy', id: 's' }]));
    story.thenData({
      outcomes: [
        expect.anything(),
        expect.objectContaining({
          type: 'StandBy',
          data: { offer: expect.objectContaining({ offer: 's' }) },
        }),
      ],
      handed: [expect.objectContaining({ taskId: 't', offer: 's' })],
    });
  });

  it('that is rolled back hands over nothing, and takes no turn', () => {
    const story = given(...waiting('bob'), submits('ann', 'held'));
    const before = offerOf(story, 'bob');
    story.when(
      batch(
        'bob',
        [
          { type: 'ReportTask', taskId: 'held', result: 1 },
          { type: 'CancelTask', taskId: 'none' },
        ],
        true,
      ),
    );
    story.thenRejected('task_not_found');
    expect(offerOf(story, 'bob')).toEqual(before);
    expect(holderOf(story, 'held')).toBe('bob');
  });
});

describe('who made a match possible', () => {
  it('is its author: the claim names neither a principal nor anybody else than its agent', () => {
    const story = given(...waiting('bob'), joins('eve'));
    story.given(by('eve', { type: 'Delegate', delegateeId: 'ann', scope: ['tasks'] }));
    story.when(by('ann', { type: 'SubmitTask', taskId: 't', objective: '', onBehalfOf: 'eve' }));
    expect(story.answer.events.map(({ event, principal }) => [event.type, principal])).toEqual([
      ['task.submitted', 'eve'],
      ['task.claimed', undefined],
    ]);
  });

  it('is not told of what others are handed', () => {
    const story = given(
      ...waiting('bob', 'cyd'),
      submits('ann', 't'),
      submits('ann', 'u'),
      submits('ann', 'v'),
    );
    story.when(reports('bob', 't'));
    expect(story.answer.data).toMatchObject({ handed: [{ taskId: 'v' }] });
    story.when(releases('bob', 'v'));
    expect(story.answer.data).toBeUndefined();
  });
});

it('a claim that was renewed has begun, and lasts as long as others', () => {
  const story = given(...waiting('bob'), submits('ann', 't'));
  expect(story.task('t')?.claim?.expiresAt).toBe(story.now + 10_000);
  story.when(renews('bob', 't')).thenTask('t', { claim: { expiresAt: story.now + 60_000 } });
  expect(story.task('t')?.claim).not.toHaveProperty('unstarted');
});
