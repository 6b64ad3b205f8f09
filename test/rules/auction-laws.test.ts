/** What holds for auctions of every kind and term: reverse mirrors forward, and a further bid never helps the winner. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Amount,
  type Bid,
  type Direction,
  dutchPriceAt,
  type EnglishRules,
  type EnglishState,
  firstPrice,
  type Increment,
  MAX_AMOUNT,
  openEnglish,
  placeDutchBid,
  placeEnglishBid,
  placeSealedBid,
  type Settlement,
  type SettlementRules,
  secondPrice,
  settleEnglish,
} from '../../src/rules/index.ts';
import { anyBids, anyDirection, mirrored, opposite, smallAmount } from './bidding.ts';

const perhaps = fc.option(smallAmount, { nil: undefined });
const SEALED = { first_price_sealed: firstPrice, second_price_sealed: secondPrice } as const;
const terms = fc.record({
  kind: fc.constantFrom('first_price_sealed', 'second_price_sealed', 'english', 'proxy'),
  direction: anyDirection,
  reserve: perhaps,
  startPrice: perhaps,
});
type Terms = typeof terms extends fc.Arbitrary<infer T> ? T : never;

/** Rows whose `below` rises and whose steps are anything: also such that fall, as eBay's own do in reverse. */
const anyTable = fc
  .array(fc.tuple(fc.bigInt({ min: 1n, max: 4n }), fc.bigInt({ min: 0n, max: 5n })), {
    minLength: 1,
    maxLength: 4,
  })
  .map((rows): Increment => {
    let below = 0n;
    return rows.map(([more, step], i) => {
      below += more;
      return i === rows.length - 1 ? { step } : { below, step };
    });
  });
const anyIncrement: fc.Arbitrary<Increment> = fc.oneof(fc.bigInt({ min: 0n, max: 3n }), anyTable);

function mirroredAmount(value: Amount | undefined): Amount | undefined {
  return value === undefined ? undefined : MAX_AMOUNT - value;
}

function mirroredTerms(each: Terms): Terms {
  return {
    ...each,
    direction: opposite(each.direction),
    reserve: mirroredAmount(each.reserve),
    startPrice: mirroredAmount(each.startPrice),
  };
}

/** Bids that were taken in the order of the log, the standings after each, and what they come to. */
function played({ kind, ...rules }: Terms, increment: Increment, list: readonly Bid[]) {
  const taken: Bid[] = [];
  const states: EnglishState[] = [];
  const english: EnglishRules = { ...rules, increment, proxy: kind === 'proxy' };
  let state = openEnglish(english);
  for (const bid of list) {
    if (kind === 'english' || kind === 'proxy') {
      const answer = placeEnglishBid(state, bid);
      if (!answer.accepted) continue;
      state = answer.state;
      states.push(state);
    } else if (!placeSealedBid(rules, bid.amount).accepted) continue;
    taken.push(bid);
  }
  const settlementRules: SettlementRules = rules;
  const settlement: Settlement =
    kind === 'english' || kind === 'proxy'
      ? settleEnglish(taken, { ...english, ...settlementRules })
      : SEALED[kind](taken, settlementRules);
  return { taken, states, settlement };
}

const isWorse = (direction: Direction, a: Amount, b: Amount) => (direction === 'forward' ? a < b : a > b);

describe('reverse is the mirror of forward, for every kind and term', () => {
  it('which bids are taken, who leads at what price, and what it comes to', () => {
    fc.assert(
      fc.property(terms, fc.bigInt({ min: 0n, max: 3n }), anyBids, (each, increment, list) => {
        const plain = played(each, increment, list);
        const mirror = played(mirroredTerms(each), increment, mirrored(list, MAX_AMOUNT));
        expect(mirror.taken).toEqual(mirrored(plain.taken, MAX_AMOUNT));
        expect(mirror.states.map(({ standing }) => [standing?.leader, standing?.price])).toEqual(
          plain.states.map(({ standing }) => [standing?.leader, mirroredAmount(standing?.price)]),
        );
        expect(mirror.settlement.ranking).toEqual(mirrored(plain.settlement.ranking, MAX_AMOUNT));
        if (!plain.settlement.sold) expect(mirror.settlement).toEqual(plain.settlement);
        else {
          const { winner, price } = plain.settlement;
          expect(mirror.settlement).toMatchObject({ winner, price: MAX_AMOUNT - price });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('Dutch: the price at every moment, and which bid takes it', () => {
    const moments = fc.integer({ min: 0, max: 200 });
    fc.assert(
      fc.property(
        smallAmount,
        smallAmount,
        perhaps,
        moments,
        smallAmount,
        (start, step, reserve, atMs, bid) => {
          const plain = { direction: 'forward', startPrice: start, step, stepMs: 10, reserve } as const;
          const mirror = {
            ...plain,
            direction: 'reverse',
            startPrice: MAX_AMOUNT - start,
            reserve: mirroredAmount(reserve),
          } as const;
          expect(dutchPriceAt(mirror, 0, atMs)).toBe(MAX_AMOUNT - dutchPriceAt(plain, 0, atMs));
          expect(placeDutchBid(mirror, 0, { amount: MAX_AMOUNT - bid, atMs }).accepted).toBe(
            placeDutchBid(plain, 0, { amount: bid, atMs }).accepted,
          );
        },
      ),
    );
  });
});

describe('prices are monotone', () => {
  it('a further bidder never makes the winner pay less (in reverse, be paid more), nor undoes a sale', () => {
    fc.assert(
      fc.property(terms, anyIncrement, anyBids, smallAmount, (each, increment, list, extra) => {
        const before = played(each, increment, list).settlement;
        const after = played(each, increment, [
          ...list,
          { bidder: 'new', amount: extra, order: 1_000 },
        ]).settlement;
        if (!before.sold) return;
        expect(after.sold).toBe(true);
        if (after.sold) expect(isWorse(each.direction, after.price, before.price)).toBe(false);
      }),
      { numRuns: 3_000 },
    );
  });

  it('the standing price of an English auction never moves back', () => {
    fc.assert(
      fc.property(terms, anyIncrement, anyBids, (each, increment, list) => {
        const prices = played({ ...each, kind: 'proxy' }, increment, list).states.flatMap(
          ({ standing }) => standing?.price ?? [],
        );
        for (const [i, price] of prices.entries())
          expect(isWorse(each.direction, price, prices[i - 1] ?? price)).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('a lone bidder who raises its own maximum does not move the price, whatever startPrice and reserve say', () => {
    fc.assert(
      fc.property(
        terms,
        anyIncrement,
        fc.array(smallAmount, { maxLength: 8 }),
        (each, increment, amounts) => {
          const list = amounts.map((value, order) => ({ bidder: 'ann', amount: value, order }));
          const { states, settlement } = played({ ...each, kind: 'proxy' }, increment, list);
          expect(new Set(states.map(({ standing }) => standing?.price)).size).toBeLessThanOrEqual(1);
          if (settlement.sold && each.reserve !== undefined)
            expect(isWorse(each.direction, settlement.price, each.reserve)).toBe(false);
        },
      ),
    );
  });

  it("eBay's table in reverse: a better second bid does not make the price worse for the buyer", () => {
    const increment: Increment = [{ below: 25n, step: 1n }, { step: 10n }];
    const rules = { direction: 'reverse', proxy: true, increment } as const;
    const price = (second: Amount) => {
      const settled = settleEnglish(
        [
          { bidder: 'ann', amount: 1n, order: 0 },
          { bidder: 'bob', amount: second, order: 1 },
        ],
        rules,
      );
      return settled.sold ? settled.price : undefined;
    };
    expect([price(26n), price(25n), price(24n), price(15n)]).toEqual([16n, 15n, 15n, 14n]);
  });
});
