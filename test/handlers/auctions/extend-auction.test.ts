import { describe, it } from 'vitest';
import { at, by, pool, START, submits, sweep } from '../scenario.ts';
import { bids, CLOSE_MS, cancels, closes, given, opens } from './told.ts';

const extendsTo = (agent: string, ms: number, onBehalfOf?: string) =>
  by(agent, {
    type: 'ExtendAuction',
    auctionId: 'a',
    closesAt: START + ms,
    ...(onBehalfOf === undefined ? {} : { onBehalfOf }),
  });

describe('ExtendAuction', () => {
  it('moves the close, of which everyone hears: bids count until the new one', () => {
    given(pool(), opens('ann', 'a'))
      .when(extendsTo('ann', 5_000))
      .thenEvents('auction.extended a')
      .thenPublished('auction.extended', { closesAt: START + 5_000 })
      .thenData({ auctionId: 'a', closesAt: START + 5_000 })
      .thenAuction('a', { state: 'open', closesAt: START + 5_000, dueAt: START + 5_000 })
      .when(at(4_999), bids('bob', 'a', 5))
      .thenEvents('auction.bid_placed a')
      .when(at(5_000), bids('cyd', 'a', 6))
      .thenRejected('auction_closed');
  });

  it.each(['first_price_sealed', 'second_price_sealed', 'english'] as const)('keeps the bids: %s', (kind) => {
    given(pool(), opens('ann', 'a', { kind }), bids('bob', 'a', 5), extendsTo('ann', 5_000), at(5_000))
      .when(sweep())
      .thenEventData('auction.awarded', { winner: 'bob' });
  });

  it('again and again, as long as it is open', () => {
    given(pool(), opens('ann', 'a'), extendsTo('ann', 2_000), at(1_999))
      .when(extendsTo('ann', 3_000))
      .thenData({ auctionId: 'a', closesAt: START + 3_000 });
  });

  it('invalid_decision: to when it closes now, or earlier', () => {
    given(pool(), opens('ann', 'a'))
      .when(extendsTo('ann', CLOSE_MS))
      .thenRejected('invalid_decision', { message: /^closesAt: auction a closes at/ })
      .when(extendsTo('ann', CLOSE_MS - 1))
      .thenRejected('invalid_decision');
  });

  it('up to latestCloseAt where it has one, and invalid_decision beyond: bidders rely on it', () => {
    const latestCloseAt = START + CLOSE_MS + 500;
    given(pool(), opens('ann', 'a', { kind: 'english', softCloseMs: 100, latestCloseAt }))
      .when(extendsTo('ann', CLOSE_MS + 501))
      .thenRejected('invalid_decision', { message: /latestCloseAt of auction a/ })
      .when(extendsTo('ann', CLOSE_MS + 500))
      .thenAuction('a', { closesAt: latestCloseAt, latestCloseAt });
  });

  it('not_allowed for everyone else, bidders and the pool’s owner included', () => {
    given(pool(), opens('ann', 'a'), bids('bob', 'a', 5))
      .when(extendsTo('bob', 5_000))
      .thenRejected('not_allowed')
      .when(extendsTo('owner', 5_000))
      .thenRejected('not_allowed');
  });

  it('by who acts for the opener: the scope auctions covers it, that of votes does not', () => {
    const grants = (scope: readonly string[]) =>
      by('ann', { type: 'Delegate', delegateeId: 'bob', scope: [...scope] });
    given(pool(), opens('ann', 'a'), grants(['auctions']))
      .when(extendsTo('bob', 5_000, 'ann'))
      .thenEvents('auction.extended a');
    given(pool(), opens('ann', 'a'), grants(['votes']))
      .when(extendsTo('bob', 5_000, 'ann'))
      .thenRejected('scope_exceeded');
  });

  it('also while the pool is paused: nothing is handed out, and bidders get the time that they lost', () => {
    given(pool(), submits('ann', 't'), opens('ann', 'a', { taskId: 't' }), by('owner', { type: 'PausePool' }))
      .when(extendsTo('ann', 5_000))
      .thenEvents('auction.extended a');
  });

  it('auction_closed: from closesAt on, swept or not, and after its end', () => {
    given(pool(), opens('ann', 'a'), at(CLOSE_MS))
      .when(extendsTo('ann', 5_000))
      .thenRejected('auction_closed');
    given(pool(), opens('ann', 'a'), closes('ann', 'a'))
      .when(extendsTo('ann', 5_000))
      .thenRejected('auction_closed');
    given(pool(), opens('ann', 'a'), cancels('ann', 'a'))
      .when(extendsTo('ann', 5_000))
      .thenRejected('auction_closed');
  });

  it('auction_not_found, pool_not_found, and pool_closed', () => {
    given(pool()).when(extendsTo('ann', 5_000)).thenRejected('auction_not_found');
    given().when(extendsTo('ann', 5_000)).thenRejected('pool_not_found');
    given(pool(), opens('ann', 'a'), by('owner', { type: 'ClosePool' }))
      .when(extendsTo('ann', 5_000))
      .thenRejected('pool_closed');
  });
});
