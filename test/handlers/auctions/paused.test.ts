/** In a paused pool nothing is handed out: auctions of tasks that close meanwhile wait, and so do their next winners. */
import { describe, expect, it } from 'vitest';
import { dump } from '../dump.ts';
import { at, by, claims, given, joins, pool, START, submits, sweep } from '../scenario.ts';

const pauses = by('owner', { type: 'PausePool' });
const resumes = by('owner', { type: 'ResumePool' });
const bids = (agent: string, amount: number, auctionId = 'a') =>
  by(agent, { type: 'SubmitBid', auctionId, amount });
const auction = (fields: object = {}) =>
  by('ann', {
    type: 'OpenAuction',
    auctionId: 'a',
    kind: 'first_price_sealed',
    closesAt: START + 100,
    taskId: 't-1',
    ...fields,
  });
const closes = by('ann', { type: 'CloseAuction', auctionId: 'a' });

const sold = () =>
  given(pool(), joins('bob'), joins('cyd'), submits('ann', 't-1'), auction(), bids('bob', 5), bids('cyd', 3));

describe('an auction of a task in a paused pool', () => {
  it('that is due waits, and closes when the pool is resumed, by the bids that it had', () => {
    const scenario = sold()
      .given(pauses)
      .when(at(100), sweep())
      .thenEvents()
      .thenData(expect.objectContaining({ more: false }))
      .thenTask('t-1', { state: 'pending', auction: 'a' });
    expect(dump(scenario.world).nextDue, 'no sweep is asked for in vain').toBeUndefined();
    scenario
      .when(resumes)
      .thenEvents('pool.resumed work')
      .when(sweep())
      .thenEvents('auction.awarded a', 'task.claimed t-1')
      .thenEventData('auction.awarded', { winner: 'bob' });
  });

  it('takes no bids beyond its close, paused or resumed', () => {
    sold()
      .given(pauses, at(100))
      .when(bids('cyd', 9))
      .thenRejected('auction_closed')
      .given(resumes)
      .when(bids('cyd', 9))
      .thenRejected('auction_closed');
  });

  it('pool_paused, which passes: its opener cannot close it either', () => {
    sold()
      .given(pauses)
      .when(closes)
      .thenRejected('pool_paused', { transient: true })
      .given(resumes)
      .when(closes)
      .thenEvents('auction.awarded a', 'task.claimed t-1');
  });

  it('hands the task of a winner that gives it back to the next one when the pool is resumed, in the same step', () => {
    sold()
      .given(closes, pauses)
      .when(by('bob', { type: 'ReleaseTask', taskId: 't-1' }))
      .thenEvents('task.released t-1')
      .when(sweep())
      .thenEvents()
      .when(claims('cyd', 't-1'))
      .thenRejected('pool_paused')
      .when(resumes)
      .thenEvents('pool.resumed work', 'auction.awarded a', 'task.claimed t-1')
      .thenEventData('auction.awarded', { winner: 'cyd', passedOver: ['bob'] });
  });

  it.each([
    ['expires', [at(60_200), sweep()]],
    ['is forced back', [by('owner', { type: 'ForceRelease', taskId: 't-1' })]],
    ['is left behind', [by('bob', { type: 'LeavePool' })]],
  ])('the same when the claim of the winner %s', (_, steps) => {
    const scenario = sold().given(closes, pauses, ...steps);
    expect(scenario.task('t-1')).toMatchObject({ state: 'pending', auction: 'a' });
    scenario.given(resumes).when(sweep());
    expect(scenario.task('t-1')).toMatchObject({ state: 'assigned', claim: { agent: 'cyd' } });
  });

  it('is cancelled with its task, and settled by a winner that starts: neither hands anything out', () => {
    sold()
      .given(pauses)
      .when(by('ann', { type: 'CancelTask', taskId: 't-1' }))
      .thenEvents('task.cancelled t-1', 'auction.cancelled a');
    const started = sold()
      .given(closes, pauses)
      .when(by('bob', { type: 'RenewClaim', taskId: 't-1', progress: 0.5 }));
    expect(started.world.pool('work')?.entities.auction.get('a')).toMatchObject({ finishedAt: START });
  });

  it('goes to nobody when the pool is closed while it is paused', () => {
    const scenario = sold()
      .given(pauses, at(100), by('owner', { type: 'ClosePool' }))
      .when(sweep());
    expect(scenario.answer.events.map(({ event }) => event.type)).not.toContain('task.claimed');
    expect(scenario.world.pool('work')?.entities.auction.get('a')?.state).not.toBe('open');
  });

  it('that is taken back with a Batch leaves everything as it was: what waited is due again', () => {
    const scenario = sold().given(at(50));
    const before = dump(scenario.world).nextDue;
    scenario
      .when(
        by('owner', {
          type: 'Batch',
          atomic: true,
          decisions: [{ type: 'PausePool' }, { type: 'CancelTask', taskId: 'none' }],
        }),
      )
      .thenRejected('task_not_found');
    expect(dump(scenario.world).nextDue).toBe(before);
  });
});

it('an auction of something else closes in a paused pool: nobody gets a claim', () => {
  given(pool(), joins('bob'), auction({ taskId: undefined }), bids('bob', 5), pauses)
    .when(at(100), sweep())
    .thenEvents('auction.awarded a');
});

it('what is under way goes on: votes close, tasks become free, claims end', () => {
  given(pool(), joins('bob'), submits('ann', 't-1'), submits('ann', 't-2', { dependsOn: ['t-1'] }))
    .given(claims('bob', 't-1'), pauses)
    .when(by('bob', { type: 'ReportTask', taskId: 't-1', result: 1 }))
    .thenEvents('task.completed t-1', 'task.unblocked t-2')
    .thenTask('t-2', { state: 'pending' });
});
