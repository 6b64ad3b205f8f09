import { describe, expect, it } from 'vitest';
import { at, by, claims, joins, pool, reports, START, submits, sweep } from '../scenario.ts';
import { bids, CLOSE_MS, cancels, closes, given, opens, releases, type Step, type Told } from './told.ts';

const cancelsTask = (agent: string, taskId: string) => by(agent, { type: 'CancelTask', taskId });
const fails = (agent: string, taskId: string, retryable: boolean) =>
  by(agent, { type: 'FailTask', taskId, reason: 'no', retryable });
const renews = (agent: string, taskId: string, progress?: number) =>
  by(agent, { type: 'RenewClaim', taskId, ...(progress === undefined ? {} : { progress }) });
const claimsNext = (agent: string) => by(agent, { type: 'ClaimNextTask' });
const leaves = (agent: string) => by(agent, { type: 'LeavePool' });
const closesPool = by('owner', { type: 'ClosePool' });

const TTL_MS = 50;
const constraints = { claimTtlMs: TTL_MS };

/** Ann auctions task `t` to bob, cyd and dot, who have bid 3, 9 and 7. */
function auctioned(fields: Parameters<typeof opens>[2] = {}, ...more: readonly Step[]): Told {
  return given(
    pool(),
    joins('bob'),
    joins('cyd'),
    joins('dot'),
    submits('ann', 't', { constraints }),
    ...more,
  ).given(
    opens('ann', 'a', { taskId: 't', ...fields }),
    bids('bob', 'a', 3),
    bids('cyd', 'a', 9),
    bids('dot', 'a', 7),
  );
}

describe('opening an auction with a task', () => {
  it('reserves it: as long as it is auctioned nobody can claim it', () => {
    given(pool(), joins('bob'), submits('ann', 't'))
      .when(opens('ann', 'a', { taskId: 't' }))
      .thenEvents('auction.opened a', 'task.reserved t')
      .thenPublished('auction.opened', expect.objectContaining({ taskId: 't' }))
      .thenTask('t', { state: 'pending', auction: 'a' })
      .when(claims('bob', 't'))
      .thenRejected('not_pending', { transient: true, message: /auction a/ })
      .when(claimsNext('bob'))
      .thenData({ tasks: [] });
  });

  it('others are claimed past it', () => {
    given(pool(), joins('bob'), submits('ann', 't'), submits('ann', 'u'), opens('ann', 'a', { taskId: 't' }))
      .when(claimsNext('bob'))
      .thenEvents('task.claimed u');
  });

  it('task_not_found', () => {
    given(pool())
      .when(opens('ann', 'a', { taskId: 't' }))
      .thenRejected('task_not_found');
  });

  it('not_allowed unless the opener submitted it or owns the pool', () => {
    given(pool(), joins('bob'), submits('ann', 't'))
      .when(opens('bob', 'a', { taskId: 't' }))
      .thenRejected('not_allowed')
      .when(opens('owner', 'a', { taskId: 't' }))
      .thenEvents('auction.opened a', 'task.reserved t');
  });

  it.each<[string, readonly Step[], boolean]>([
    ['somebody has it', [submits('ann', 't'), claims('bob', 't')], true],
    ['it is early', [submits('ann', 't', { notBefore: START + 500 })], true],
    ['it waits for another', [submits('ann', 's'), submits('ann', 't', { dependsOn: ['s'] })], true],
    ['another auction has it', [submits('ann', 't'), opens('ann', 'b', { taskId: 't' })], true],
    ['it is over', [submits('ann', 't'), cancelsTask('ann', 't')], false],
    ['its deadline has passed', [submits('ann', 't', { deadline: START + 5 }), at(5)], false],
  ])('not_pending: %s', (_, steps, transient) => {
    given(pool(), joins('bob'), ...steps)
      .when(opens('ann', 'a', { taskId: 't' }))
      .thenRejected('not_pending', { transient });
  });

  it('what time has made pending is, swept or not', () => {
    given(pool(), submits('ann', 't', { notBefore: START + 5 }), at(5))
      .when(opens('ann', 'a', { taskId: 't' }))
      .thenEvents('task.unblocked t', 'auction.opened a', 'task.reserved t');
  });
});

describe('bidding for a task', () => {
  it('not_a_member', () => {
    auctioned()
      .when(bids('eve', 'a', 50))
      .thenRejected('not_a_member');
  });

  it('missing_capability', () => {
    given(pool(), joins('bob'), joins('cyd', 'gpu'), submits('ann', 't', { requiredCapabilities: ['gpu'] }))
      .given(opens('ann', 'a', { taskId: 't' }))
      .when(bids('bob', 'a', 5))
      .thenRejected('missing_capability')
      .when(bids('cyd', 'a', 5))
      .thenEvents('auction.bid_placed a');
  });

  it('not_a_member, whatever the task requires', () => {
    given(pool(), submits('ann', 't', { requiredCapabilities: ['gpu'] }), opens('ann', 'a', { taskId: 't' }))
      .when(bids('eve', 'a', 50))
      .thenRejected('not_a_member');
  });

  it('pool_paused, because the best bid becomes a claim; without a task bids go on', () => {
    given(pool(), joins('bob'), submits('ann', 't'), opens('ann', 'a', { taskId: 't' }), opens('ann', 'b'))
      .given(by('owner', { type: 'PausePool' }))
      .when(bids('bob', 'a', 5))
      .thenRejected('pool_paused', { transient: true })
      .when(bids('bob', 'b', 5))
      .thenEvents('auction.bid_placed b');
  });

  it('sealed: who is at its claim limit may bid, because the claim comes later', () => {
    given(pool({ maxClaimsPerAgent: 1 }), joins('bob'), submits('ann', 's'), submits('ann', 't'))
      .given(claims('bob', 's'), opens('ann', 'a', { taskId: 't' }))
      .when(bids('bob', 'a', 9))
      .thenEvents('auction.bid_placed a');
  });

  it('in commons everyone is a member', () => {
    const inCommons = (agent: string, body: Parameters<typeof by>[1]) => by(agent, body, 'commons');
    given(
      inCommons('ann', { type: 'SubmitTask', taskId: 't', objective: '' }),
      inCommons('ann', {
        type: 'OpenAuction',
        auctionId: 'a',
        taskId: 't',
        kind: 'english',
        closesAt: START + 9,
      }),
      inCommons('bob', { type: 'SubmitBid', auctionId: 'a', amount: 5 }),
    )
      .when(inCommons('ann', { type: 'CloseAuction', auctionId: 'a' }))
      .thenEvents('auction.awarded a', 'task.claimed t');
  });

  it('Dutch: claim_limit_reached, because the claim would come at once', () => {
    given(
      pool({ maxClaimsPerAgent: 1 }),
      joins('bob'),
      submits('ann', 's'),
      submits('ann', 't'),
      claims('bob', 's'),
    )
      .given(opens('ann', 'a', { taskId: 't', kind: 'dutch', startPrice: 5, step: 1, stepMs: 10 }))
      .when(bids('bob', 'a', 9))
      .thenRejected('claim_limit_reached', { transient: true });
  });
});

describe('awarding and handing over the claim are one step', () => {
  const handedOver = { state: 'assigned', auction: 'a', epoch: 1, claim: { agent: 'cyd', epoch: 1 } };

  it('when the opener closes it', () => {
    const scenario = auctioned()
      .when(at(5), closes('ann', 'a'))
      .thenEvents('auction.awarded a', 'task.claimed t')
      .thenPublished('task.claimed', { agent: 'cyd', epoch: 1, expiresAt: START + 5 + TTL_MS, ttlMs: TTL_MS })
      .thenTask('t', handedOver)
      .thenAuction('a', { state: 'awarded', winner: 'cyd', price: '9' });
    expect(scenario.auction('a')).not.toHaveProperty('finishedAt');
  });

  it('when the sweep closes it; the claim counts from then', () => {
    auctioned()
      .when(at(CLOSE_MS + 7), sweep())
      .thenEvents('auction.awarded a', 'task.claimed t')
      .thenTask('t', { ...handedOver, claim: { agent: 'cyd', expiresAt: START + CLOSE_MS + 7 + TTL_MS } });
  });

  it('also when the sweep was told to look no further than the past', () => {
    auctioned()
      .when(at(CLOSE_MS + 500), sweep({ until: START + CLOSE_MS }))
      .thenTask('t', { claim: { agent: 'cyd', expiresAt: START + CLOSE_MS + 500 + TTL_MS } });
  });

  it('Dutch: with the bid; its outcome has all that is needed to do the task', () => {
    given(pool(), joins('bob'), submits('ann', 't'))
      .given(opens('ann', 'a', { taskId: 't', kind: 'dutch', startPrice: 5, step: 1, stepMs: 10 }))
      .when(at(10), bids('bob', 'a', 9))
      .thenEvents('auction.bid_placed a', 'auction.awarded a', 'task.claimed t')
      .thenData({
        auctionId: 'a',
        winner: 'bob',
        price: '4',
        task: expect.objectContaining({ taskId: 't', claim: { epoch: 1, expiresAt: START + 60_010 } }),
      })
      .when(reports('bob', 't'))
      .thenEvents('task.completed t', 'auction.settled a');
  });

  it('the winner can report at once, and the auction is settled', () => {
    auctioned()
      .given(closes('ann', 'a'))
      .when(at(9), reports('cyd', 't'))
      .thenEvents('task.completed t', 'auction.settled a')
      .thenAuction('a', { state: 'awarded', winner: 'cyd', finishedAt: START + 9 })
      .thenTask('t', { state: 'completed', finishedBy: 'cyd' });
  });

  it('no bids: unsold, and the task is plainly pending again', () => {
    given(pool(), joins('bob'), submits('ann', 't'), opens('ann', 'a', { taskId: 't' }))
      .when(at(CLOSE_MS), sweep())
      .thenEvents('auction.unsold a', 'task.unreserved t')
      .when(claims('bob', 't'))
      .thenEvents('task.claimed t');
  });

  it('cancelled: the task is plainly pending again, and may be auctioned anew', () => {
    auctioned()
      .when(cancels('ann', 'a'))
      .thenEvents('auction.cancelled a', 'task.unreserved t')
      .when(claimsNext('bob'))
      .thenEvents('task.claimed t')
      .given(releases('bob', 't'))
      .when(opens('ann', 'b', { taskId: 't' }))
      .thenEvents('auction.opened b', 'task.reserved t');
  });
});

describe('who cannot take the task at the close is passed over', () => {
  it.each<[string, readonly Step[]]>([
    ['who has left', [leaves('cyd')]],
    ['whose presence has lapsed', [by('cyd', { type: 'JoinPool', presenceMs: 10 }), at(10)]],
    ['who is at its claim limit', [submits('ann', 's'), claims('cyd', 's')]],
  ])('%s', (_, steps) => {
    given(pool({ maxClaimsPerAgent: 1 }), joins('bob'), joins('cyd'), submits('ann', 't'))
      .given(opens('ann', 'a', { taskId: 't', kind: 'second_price_sealed', reserve: 1 }))
      .given(bids('bob', 'a', 3), bids('cyd', 'a', 9), ...steps)
      .when(closes('ann', 'a'))
      .thenEventData('auction.awarded', { winner: 'bob', price: '1', passedOver: ['cyd'] })
      .thenEventData('task.claimed', { agent: 'bob' });
  });

  it('who has lost a capability', () => {
    given(
      pool(),
      joins('bob', 'gpu'),
      joins('cyd', 'gpu'),
      submits('ann', 't', { requiredCapabilities: ['gpu'] }),
    )
      .given(opens('ann', 'a', { taskId: 't' }), bids('bob', 'a', 3), bids('cyd', 'a', 9))
      .given(by('cyd', { type: 'JoinPool', capabilities: [] }))
      .when(closes('ann', 'a'))
      .thenEventData('auction.awarded', { winner: 'bob', price: '3' });
  });

  it('a closed pool takes no claims: its task is over, and the auction with it', () => {
    auctioned()
      .when(closesPool)
      .thenEvents('pool.closed work', 'task.cancelled t', 'auction.cancelled a')
      .when(closes('ann', 'a'))
      .thenRejected('auction_closed');
  });

  it('a claim that is over by then does not count', () => {
    given(pool({ maxClaimsPerAgent: 1 }), joins('bob'), submits('ann', 's'), submits('ann', 't'))
      .given(opens('ann', 'a', { taskId: 't' }), bids('bob', 'a', 3), claims('bob', 's', 10), at(10))
      .when(closes('ann', 'a'))
      .thenEvents('auction.awarded a', 'task.claimed t');
  });
});

describe('a winner that does not start loses it to the next bid, in the same step', () => {
  const awarded = () => auctioned({ kind: 'second_price_sealed' }).given(closes('ann', 'a'));

  it.each<[string, readonly Step[], string]>([
    ['lets the claim expire', [at(TTL_MS), sweep()], 'task.expired t'],
    ['releases it', [releases('cyd', 't')], 'task.released t'],
  ])('%s', (_, steps, ending) => {
    awarded()
      .thenAuction('a', { winner: 'cyd', price: '7' })
      .when(...steps)
      .thenEvents(ending, 'auction.awarded a', 'task.claimed t')
      .thenEventData('auction.awarded', { winner: 'dot', price: '3', passedOver: ['cyd'] })
      .thenEventData('task.claimed', { agent: 'dot', epoch: 2 })
      .thenAuction('a', { state: 'awarded', winner: 'dot', price: '3', closedAt: START });
  });

  it('leaves the pool', () => {
    awarded()
      .when(leaves('cyd'))
      .thenEvents('member.left cyd', 'task.released t', 'auction.awarded a', 'task.claimed t')
      .thenTask('t', { claim: { agent: 'dot' } });
  });

  it('falls silent', () => {
    auctioned({}, by('cyd', { type: 'JoinPool', presenceMs: 10 }))
      .given(closes('ann', 'a'))
      .when(at(10), sweep())
      .thenEvents('member.expired cyd', 'task.released t', 'auction.awarded a', 'task.claimed t')
      .thenTask('t', { claim: { agent: 'dot' } });
  });

  it('renews it without progress, and lets it expire after all', () => {
    awarded()
      .given(at(40), renews('cyd', 't'))
      .when(at(TTL_MS), sweep())
      .thenEvents()
      .when(at(40 + TTL_MS), sweep())
      .thenEvents('task.expired t', 'auction.awarded a', 'task.claimed t');
  });

  it('whoever meets the expired claim first, unswept: it is not up for grabs', () => {
    awarded()
      .given(at(TTL_MS))
      .when(reports('cyd', 't'))
      .thenRejected('claim_lost')
      .when(claims('bob', 't'))
      .thenRejected('not_pending', { transient: true })
      .when(claimsNext('bob'))
      .thenEvents('task.expired t', 'auction.awarded a', 'task.claimed t')
      .thenData({ tasks: [] })
      .thenTask('t', { claim: { agent: 'dot', epoch: 2 } });
  });

  it('the price is what it would be had the former never bid', () => {
    given(pool(), joins('bob'), joins('cyd'), joins('dot'), submits('ann', 't'))
      .given(
        opens('ann', 'a', { taskId: 't', kind: 'english', proxy: true, direction: 'reverse', increment: 1 }),
      )
      .given(bids('cyd', 'a', 9), bids('dot', 'a', 7), bids('bob', 'a', 3), closes('ann', 'a'))
      .thenAuction('a', { winner: 'bob', price: '6' })
      .when(releases('bob', 't'))
      .thenAuction('a', { winner: 'dot', price: '8' });
  });

  it('one after the other, and when nobody is left it is anyone’s', () => {
    awarded()
      .given(releases('cyd', 't'), releases('dot', 't'))
      .thenAuction('a', { winner: 'bob', price: '0' })
      .when(at(9), releases('bob', 't'))
      .thenEvents('task.released t', 'auction.unsold a', 'task.unreserved t')
      .thenPublished('auction.unsold', { why: 'nobody_left', passedOver: ['bob'], taskId: 't' })
      .thenAuction('a', {
        state: 'unsold',
        why: 'nobody_left',
        finishedAt: START + 9,
        bids: ['bob', 'cyd', 'dot'].map((bidder) => ({ bidder, passedOver: true })),
      })
      .when(claims('cyd', 't'))
      .thenEvents('task.claimed t')
      .thenTask('t', { epoch: 4 });
    expect(
      awarded().given(releases('cyd', 't'), releases('dot', 't'), releases('bob', 't')).auction('a'),
    ).not.toHaveProperty('winner');
  });

  it('those who did not meet the reserve get no turn', () => {
    auctioned({ reserve: 5 })
      .given(closes('ann', 'a'), releases('cyd', 't'))
      .when(releases('dot', 't'))
      .thenEventData('auction.unsold', { why: 'nobody_left' });
  });

  it('next ones that cannot take it are passed over for good', () => {
    awarded()
      .given(leaves('dot'))
      .when(releases('cyd', 't'))
      .thenEventData('auction.awarded', { winner: 'bob', price: '0', passedOver: ['cyd', 'dot'] })
      .given(joins('dot'))
      .when(releases('bob', 't'))
      .thenEvents('task.released t', 'auction.unsold a', 'task.unreserved t');
  });

  it('a Dutch auction has one bid: nobody is next', () => {
    given(pool(), joins('bob'), submits('ann', 't'))
      .given(opens('ann', 'a', { taskId: 't', kind: 'dutch', startPrice: 5, step: 1, stepMs: 10 }))
      .given(bids('bob', 'a', 9))
      .when(releases('bob', 't'))
      .thenEvents('task.released t', 'auction.unsold a', 'task.unreserved t');
  });

  it('so many at once that some are owed, and told by a Settle', () => {
    const scenario = given(pool(), joins('bob'), joins('cyd'));
    for (let i = 0; i < 120; i++) {
      scenario.given(submits('ann', `t-${i}`), opens('ann', `a-${i}`, { taskId: `t-${i}` }));
      scenario.given(bids('bob', `a-${i}`, 2), bids('cyd', `a-${i}`, 1), closes('ann', `a-${i}`));
    }
    scenario.when(leaves('bob'));
    const awards = () =>
      scenario.answer.events.filter(({ event }) => event.type === 'auction.awarded').length;
    expect(awards()).toBe(40);
    expect(scenario.owingPools).toBe(1);
    scenario.thenTask('t-119', { state: 'pending', auction: 'a-119' });
    scenario.when(by('_sweeper', { type: 'Settle' }, '_shard'));
    expect(awards()).toBe(80);
    scenario.thenTask('t-119', { state: 'assigned', claim: { agent: 'cyd' } });
  });
});

describe('once the winner has started the auction is settled', () => {
  const awarded = () => auctioned().given(closes('ann', 'a'));

  it('a renewal with progress is a start: later the task is anyone’s', () => {
    awarded()
      .when(at(10), renews('cyd', 't', 0))
      .thenEvents('task.renewed t', 'auction.settled a')
      .thenAuction('a', { state: 'awarded', winner: 'cyd', finishedAt: START + 10 })
      .when(at(10 + TTL_MS), sweep())
      .thenEvents('task.expired t')
      .when(claims('bob', 't'))
      .thenEvents('task.claimed t');
  });

  it('a failed attempt is a start: what is tried again is anyone’s', () => {
    awarded()
      .when(fails('cyd', 't', true))
      .thenEvents('task.retried t', 'auction.settled a')
      .when(claims('bob', 't'))
      .thenEvents('task.claimed t');
  });

  it.each<[string, Step, string]>([
    ['fails for good', fails('cyd', 't', false), 'task.failed t'],
    ['is failed by its submitter', fails('ann', 't', false), 'task.failed t'],
    ['is cancelled', cancelsTask('ann', 't'), 'task.cancelled t'],
  ])('a task that %s leaves the award as it was', (_, step, event) => {
    awarded()
      .when(step)
      .thenEvents(event, 'auction.settled a')
      .thenAuction('a', { state: 'awarded', winner: 'cyd', finishedAt: START });
  });

  it('a claim that expires for the last time takes the task with it', () => {
    given(pool(), joins('bob'), submits('ann', 't', { constraints: { ...constraints, maxExpiries: 1 } }))
      .given(opens('ann', 'a', { taskId: 't' }), bids('bob', 'a', 1), closes('ann', 'a'))
      .when(at(TTL_MS), sweep())
      .thenEvents('task.expired t', 'task.failed t', 'auction.settled a');
  });

  it('the last word on an awarded auction is not the opener’s', () => {
    awarded()
      .when(cancels('ann', 'a'))
      .thenRejected('auction_closed')
      .when(closes('ann', 'a'))
      .thenRejected('auction_closed');
  });
});

describe('a task that ends while it is auctioned ends the auction', () => {
  it.each<[string, Step, string]>([
    ['cancelled', cancelsTask('ann', 't'), 'task.cancelled t'],
    ['failed outright', fails('ann', 't', false), 'task.failed t'],
  ])('%s', (_, step, event) => {
    auctioned()
      .when(step)
      .thenEvents(event, 'auction.cancelled a')
      .thenPublished('auction.cancelled', { cause: 'task_ended', by: '_system', taskId: 't' })
      .thenAuction('a', { state: 'cancelled', finishedAt: START })
      .when(bids('bob', 'a', 50))
      .thenRejected('auction_closed');
  });

  const due = () =>
    given(pool(), joins('bob'), submits('ann', 't', { deadline: START + 500 })).given(
      opens('ann', 'a', { taskId: 't' }),
      bids('bob', 'a', 5),
      at(500),
    );

  it('by its deadline', () => {
    due().when(sweep()).thenEvents('task.failed t', 'auction.cancelled a');
  });

  it('by its deadline, unswept: the auction is closed for bids and for its opener', () => {
    due()
      .when(bids('bob', 'a', 6))
      .thenRejected('auction_closed')
      .when(closes('ann', 'a'))
      .thenRejected('auction_closed')
      .when(cancels('ann', 'a'))
      .thenRejected('auction_closed');
  });

  it('a sweep that comes after deadline and close gives nobody a claim that is over', () => {
    due().when(at(CLOSE_MS), sweep()).thenEvents('task.failed t', 'auction.cancelled a');
    given(pool(), joins('bob'), submits('ann', 't', { deadline: START + CLOSE_MS + 1 }))
      .given(opens('ann', 'a', { taskId: 't' }), bids('bob', 'a', 5))
      .when(at(CLOSE_MS + 1), sweep())
      .thenEvents('task.failed t', 'auction.cancelled a');
  });

  it('and its dependents, as ever', () => {
    auctioned({}, submits('ann', 'u', { dependsOn: ['t'] }))
      .when(cancelsTask('ann', 't'))
      .thenEvents('task.cancelled t', 'task.cancelled u', 'auction.cancelled a');
  });
});

describe('auctions that a sweep has no room to tell what became of their tasks', () => {
  const deadline = START + 500;
  const failed = (...steps: readonly Step[]) =>
    given(pool(), joins('bob'), submits('ann', 't', { deadline }), opens('ann', 'a', { taskId: 't' }))
      .given(bids('bob', 'a', 5), ...steps)
      .when(at(500), sweep({ limit: 1 }))
      .thenEvents('task.failed t');

  it('take no bids: the task has ended', () => {
    failed()
      .when(bids('bob', 'a', 6))
      .thenRejected('auction_closed', { message: /the task of auction a has ended/ })
      .when(cancels('ann', 'a'))
      .thenRejected('auction_closed');
  });

  it('are told by the next sweep, also after their close', () => {
    failed().when(sweep()).thenEvents('auction.cancelled a');
    failed()
      .when(at(CLOSE_MS), sweep())
      .thenEvents('auction.cancelled a')
      .thenAuction('a', { state: 'cancelled', cause: 'task_ended', by: '_system' });
  });

  it('awarded ones are settled by the next sweep', () => {
    failed(closes('ann', 'a'))
      .thenAuction('a', { state: 'awarded' })
      .when(sweep())
      .thenEvents('auction.settled a')
      .thenAuction('a', { state: 'awarded', winner: 'bob', finishedAt: START + 500 });
  });

  it('are told one after the other, as many as there is room for', () => {
    const scenario = given(pool());
    for (const id of ['a', 'm'])
      scenario.given(submits('ann', id, { deadline }), opens('ann', id, { taskId: id }));
    scenario
      .when(at(500), sweep({ limit: 3 }))
      .thenEvents('task.failed a', 'auction.cancelled a', 'task.failed m')
      .when(sweep({ limit: 3 }))
      .thenEvents('auction.cancelled m');
  });
});
