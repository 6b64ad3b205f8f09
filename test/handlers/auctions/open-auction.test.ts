import { describe, expect, it } from 'vitest';
import { endedPages } from '../ended-pages.ts';
import { at, by, given as givenWorld, joins, pool, START, sweep } from '../scenario.ts';
import { bids, CLOSE_MS, cancels, closes, given, opens } from './told.ts';

const dutch = { kind: 'dutch', startPrice: 10, step: 1, stepMs: 100 } as const;

describe('OpenAuction', () => {
  it('opens it: forward unless said otherwise, due at its close, amounts as canonical texts', () => {
    const lot = { what: 'a lot', n: 1 };
    const scenario = given(pool())
      .when(opens('ann', 'a', { reserve: '5.50', startPrice: 0.1, lot }))
      .thenEvents('auction.opened a')
      .thenData({ auctionId: 'a', closesAt: START + CLOSE_MS })
      .thenAuction('a', {
        kind: 'auction',
        auctionKind: 'first_price_sealed',
        direction: 'forward',
        state: 'open',
        opener: 'ann',
        reserve: '5.5',
        startPrice: '0.1',
        lot,
        openedAt: START,
        closesAt: START + CLOSE_MS,
        dueAt: START + CLOSE_MS,
        bids: [],
        bidCount: 0,
        origin: { agent: 'ann', decisionId: 'd-2' },
      });
    expect(scenario.nextDue).toBe(START + CLOSE_MS);
  });

  it('of two auctions the later has the higher order, in a Batch too', () => {
    const scenario = given(pool(), opens('ann', 'a')).given(
      by('ann', { type: 'Batch', decisions: ['b', 'c'].map((id) => bodyOf(opens('ann', id))) }),
    );
    const orders = ['a', 'b', 'c'].map((id) => scenario.auction(id)?.order ?? 0);
    expect(orders).toEqual([...new Set(orders)].sort((a, b) => a - b));
  });

  it('of the last of a full Batch and the next decision the latter has the higher order', () => {
    const ids = Array.from({ length: 100 }, (_, i) => `a-${i}`);
    const scenario = givenWorld(
      pool(),
      by('ann', { type: 'Batch', decisions: ids.map((id) => bodyOf(opens('ann', id))) }),
    );
    scenario.given(opens('ann', 'next'));
    const auctions = scenario.world.pool('work')?.entities.auction;
    const orders = [...ids, 'next'].map((id) => auctions?.get(id)?.order ?? 0);
    expect(orders).toEqual([...new Set(orders)].sort((a, b) => a - b));
  });

  it('rate_limited: more open auctions, or more bytes of them, than the quotas of the pool allow', () => {
    given(pool({ quotas: { agentAuctions: 1 } }), opens('ann', 'a'))
      .when(opens('ann', 'b'))
      .thenRejected('rate_limited', { transient: true })
      .when(opens('bob', 'b'))
      .thenEvents('auction.opened b');
    given(pool({ quotas: { agentBytes: 2_300 } }), opens('ann', 'a', { lot: 'x'.repeat(700) }))
      .when(opens('ann', 'b', { lot: 'x'.repeat(700) }))
      .thenRejected('rate_limited', { transient: true })
      .when(opens('ann', 'b'))
      .thenEvents('auction.opened b');
  });

  it('needs no membership, unless the pool takes what is new from members only', () => {
    given(pool({ submitters: 'members' }), joins('bob'))
      .when(opens('ann', 'a'))
      .thenRejected('not_a_member')
      .when(opens('bob', 'a'))
      .thenEvents('auction.opened a');
  });

  it('auction_exists, for as long as it is kept, also after its end', () => {
    given(pool(), opens('ann', 'a'))
      .when(opens('bob', 'a'))
      .thenRejected('auction_exists')
      .given(closes('ann', 'a'))
      .when(opens('bob', 'a'))
      .thenRejected('auction_exists')
      .given(opens('ann', 'b'), cancels('ann', 'b'))
      .when(opens('ann', 'b'))
      .thenRejected('auction_exists');
  });

  it('pool_not_found, pool_closed', () => {
    given()
      .when(opens('ann', 'a'))
      .thenRejected('pool_not_found')
      .given(pool(), by('owner', { type: 'ClosePool' }))
      .when(opens('ann', 'a'))
      .thenRejected('pool_closed');
  });

  it('reserved_id', () => {
    given(pool())
      .when(opens('ann', '_a'))
      .thenRejected('reserved_id', { message: /auctionId/ });
  });

  it('deadline_passed when it would be over already', () => {
    given(pool(), at(10))
      .when(opens('ann', 'a', { closesAt: START + 10 }))
      .thenRejected('deadline_passed', { message: /closesAt/ })
      .when(opens('ann', 'a', { closesAt: START + 11 }))
      .thenEvents('auction.opened a');
  });

  it.each(['startPrice', 'step', 'stepMs'] as const)(
    'invalid_decision: a Dutch auction without %s',
    (name) => {
      given(pool())
        .when(opens('ann', 'a', { ...dutch, [name]: undefined }))
        .thenRejected('invalid_decision', { message: new RegExp(`^${name}: `) });
    },
  );

  it.each([
    ['increment', 'first_price_sealed', { increment: 1 }],
    ['softCloseMs', 'second_price_sealed', { softCloseMs: 5 }],
    ['latestCloseAt', 'dutch', { ...dutch, latestCloseAt: START + 1_000_000 }],
    ['proxy', 'dutch', { ...dutch, proxy: true }],
    ['step', 'english', { step: 1 }],
    ['stepMs', 'first_price_sealed', { stepMs: 1 }],
  ] as const)('invalid_decision: %s would do nothing in an auction of kind %s', (name, kind, fields) => {
    given(pool())
      .when(opens('ann', 'a', { ...fields, kind }))
      .thenRejected('invalid_decision', { message: new RegExp(`^${name}: `) });
  });

  it.each([
    ['forward', 11, 'falls'],
    ['reverse', 9, 'rises'],
  ] as const)(
    'invalid_decision: a Dutch price that starts beyond the reserve (%s)',
    (direction, reserve, moves) => {
      given(pool())
        .when(opens('ann', 'a', { ...dutch, direction, reserve }))
        .thenRejected('invalid_decision', { message: new RegExp(`^reserve: the price ${moves} from`) })
        .when(opens('ann', 'a', { ...dutch, direction, reserve: 10 }))
        .thenEvents('auction.opened a');
    },
  );

  it.each([
    ['no kind', { kind: undefined }, /^kind: /],
    ['an unknown kind', { kind: 'raffle' }, /^kind: /],
    ['an unknown direction', { direction: 'sideways' }, /^direction: /],
    ['no closesAt', { closesAt: undefined }, /^closesAt: /],
    ['an increment table without rows', { kind: 'english', increment: [] }, /^increment/],
    ['a reserve that is not one value', { reserve: { amount: 1 } }, /^reserve: /],
    ['an unknown field', { minimum: 1 }, /minimum/],
  ])('invalid_decision: %s', (_, fields, message) => {
    given(pool())
      .when(opens('ann', 'a', fields as object))
      .thenRejected('invalid_decision', { message });
  });

  it.each([
    ['reserve', { reserve: -1 }],
    ['startPrice', { startPrice: '1e3' }],
    ['step', { ...dutch, step: true }],
    ['increment', { kind: 'english', increment: null }],
    ['increment[1].step', { kind: 'english', increment: [{ below: 1, step: 1 }, { step: 'x' }] }],
    ['increment[0].below', { kind: 'english', increment: [{ below: '.5', step: 1 }] }],
  ])('invalid_amount: %s', (path, fields) => {
    given(pool())
      .when(opens('ann', 'a', fields as object))
      .thenRejected('invalid_amount', { message: new RegExp(`^${path.replace(/[[\]]/g, '\\$&')}: `) });
  });

  it.each([
    [[{ step: 1 }, { below: 5, step: 2 }]],
    [
      [
        { below: 5, step: 1 },
        { below: 5, step: 2 },
      ],
    ],
  ])('invalid_decision: an increment table that does not rise', (increment) => {
    given(pool())
      .when(opens('ann', 'a', { kind: 'english', increment }))
      .thenRejected('invalid_decision', { message: /^increment\[1\]\.below: / });
  });

  it('rate_limited: one live auction too many; those that have ended make room', () => {
    const scenario = givenWorld(pool());
    for (let i = 0; i < 10_000; i++) scenario.given(opens('ann', `a-${i}`));
    scenario.when(opens('ann', 'more')).thenRejected('rate_limited', { transient: true });
    scenario.given(cancels('ann', 'a-7')).when(opens('ann', 'more')).thenEvents('auction.opened more');
  });

  it('too_large: a lot of which every bid would write a copy', () => {
    given(pool())
      .when(opens('ann', 'a', { lot: 'x'.repeat(16_385) }))
      .thenRejected('too_large', { message: /lot/ })
      .when(opens('ann', 'a', { lot: 'x'.repeat(16_384 - '""'.length) }))
      .thenEvents('auction.opened a');
  });
});

describe('what is kept of an auction', () => {
  it('it is removed, and its id free again, when it has been kept long enough', () => {
    const settings = { finalRetentionMs: 1_000 };
    const scenario = given(pool(), sweep({ settings }), opens('ann', 'a'), bids('bob', 'a', 1));
    scenario.given(closes('ann', 'a')).thenAuction('a', { finishedAt: START });
    const kept = endedPages([['work', [{ id: 'auction/a', at: START }]]]);
    scenario
      .when(at(1_100), sweep({}, { ended: kept }))
      .thenEvents('auction.removed a')
      .thenAuction('a', undefined);
  });
});

function bodyOf(step: ReturnType<typeof opens>) {
  if ('at' in step) throw new Error('a step of time decides nothing');
  return step.body as ReturnType<typeof JSON.parse>;
}
