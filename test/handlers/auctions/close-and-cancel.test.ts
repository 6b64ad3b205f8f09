import { describe, it } from 'vitest';
import { at, by, pool, START } from '../scenario.ts';
import { bids, CLOSE_MS, cancels, closes, given, opens } from './told.ts';

describe.each([
  ['CloseAuction', closes, 'auction.awarded a'],
  ['CancelAuction', cancels, 'auction.cancelled a'],
] as const)('%s', (_, ends, event) => {
  it('is the opener’s, before closesAt', () => {
    given(pool(), opens('ann', 'a'), bids('bob', 'a', 5), at(CLOSE_MS - 1))
      .when(ends('ann', 'a'))
      .thenEvents(event)
      .thenAuction('a', { finishedAt: START + CLOSE_MS - 1 });
  });

  it('not_allowed for everyone else, bidders and the pool’s owner included', () => {
    given(pool(), opens('ann', 'a'), bids('bob', 'a', 5))
      .when(ends('bob', 'a'))
      .thenRejected('not_allowed')
      .when(ends('owner', 'a'))
      .thenRejected('not_allowed');
  });

  it('auction_not_found', () => {
    given(pool()).when(ends('ann', 'a')).thenRejected('auction_not_found');
  });

  it('auction_closed: from closesAt on, swept or not, it is for the sweep to close', () => {
    given(pool(), opens('ann', 'a'), at(CLOSE_MS)).when(ends('ann', 'a')).thenRejected('auction_closed');
  });

  it('auction_closed: twice', () => {
    given(pool(), opens('ann', 'a'), opens('ann', 'b'), closes('ann', 'a'), cancels('ann', 'b'))
      .when(ends('ann', 'a'))
      .thenRejected('auction_closed')
      .when(ends('ann', 'b'))
      .thenRejected('auction_closed');
  });

  it('also in a closed pool', () => {
    given(pool(), opens('ann', 'a'), bids('bob', 'a', 5), by('owner', { type: 'ClosePool' }))
      .when(ends('ann', 'a'))
      .thenEvents(event);
  });
});

describe('a Batch', () => {
  const auction = { kind: 'english', closesAt: START + CLOSE_MS } as const;

  it('opens and closes in one step, with nothing in between', () => {
    given(pool())
      .when(
        by('ann', {
          type: 'Batch',
          decisions: [
            { type: 'OpenAuction', auctionId: 'a', ...auction },
            { type: 'CloseAuction', auctionId: 'a' },
          ],
        }),
      )
      .thenEvents('auction.opened a', 'auction.unsold a');
  });

  it('atomic: when one of its decisions is rejected, none of them has happened', () => {
    given(pool(), opens('ann', 'a', auction), bids('bob', 'a', 5))
      .when(
        by('cyd', {
          type: 'Batch',
          atomic: true,
          decisions: [
            { type: 'SubmitBid', auctionId: 'a', amount: 6 },
            { type: 'OpenAuction', auctionId: 'b', ...auction },
            { type: 'SubmitBid', auctionId: 'a', amount: 6 },
          ],
        }),
      )
      .thenRejected('bid_too_low', { message: /^decisions\[2\]: / })
      .thenAuction('a', { standing: { leader: 'bob' }, bidCount: 1 })
      .thenAuction('b', undefined);
  });

  it('atomic: a task that was to be auctioned is not', () => {
    given(pool(), by('ann', { type: 'SubmitTask', taskId: 't', objective: 'o' }))
      .when(
        by('ann', {
          type: 'Batch',
          atomic: true,
          decisions: [
            { type: 'OpenAuction', auctionId: 'a', taskId: 't', ...auction },
            { type: 'CloseAuction', auctionId: 'nothing' },
          ],
        }),
      )
      .thenRejected('auction_not_found')
      .thenAuction('a', undefined)
      .thenTask('t', { state: 'pending' });
  });
});
