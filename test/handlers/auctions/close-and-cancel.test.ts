import { describe, expect, it } from 'vitest';
import { lapseAuction } from '../../../src/handlers/auctions/due.ts';
import { at, by, pool, START, submits } from '../scenario.ts';
import { bids, CLOSE_MS, cancels, closes, given, opens, type Told } from './told.ts';

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

  it('pool_not_found', () => {
    given().when(ends('ann', 'a')).thenRejected('pool_not_found');
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

describe('a cancellation', () => {
  it('is told with its cause and who decided it, and kept so', () => {
    given(pool(), opens('ann', 'a'))
      .when(cancels('ann', 'a'))
      .thenPublished('auction.cancelled', { cause: 'cancelled', by: 'ann' })
      .thenAuction('a', { state: 'cancelled', cause: 'cancelled', by: 'ann' });
  });

  it('of an auction with a task names the task', () => {
    given(pool(), submits('ann', 't'), opens('ann', 'a', { taskId: 't' }))
      .when(cancels('ann', 'a'))
      .thenPublished('auction.cancelled', { cause: 'cancelled', by: 'ann', taskId: 't' });
  });
});

describe('what time does to an auction', () => {
  const open = () => given(pool(), opens('ann', 'a'), bids('bob', 'a', 5));
  const lapsed = (scenario: Told, ms: number) => {
    const { state, auction } = scenario.looked('a');
    return lapseAuction(state, auction, START + ms).map(({ type }) => type);
  };

  it('nothing before its close, and the close from then on', () => {
    expect(lapsed(open(), CLOSE_MS - 1)).toEqual([]);
    expect(lapsed(open(), CLOSE_MS)).toEqual(['auction.awarded']);
  });

  it('nothing once it is over', () => {
    expect(lapsed(open().given(closes('ann', 'a')), CLOSE_MS)).toEqual([]);
    expect(lapsed(open().given(cancels('ann', 'a')), CLOSE_MS)).toEqual([]);
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
