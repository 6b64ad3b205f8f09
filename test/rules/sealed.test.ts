import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Amount,
  type Bid,
  type Direction,
  firstPrice,
  placeSealedBid,
  rankSealedBids,
  type Settlement,
  type SettlementRules,
  secondPrice,
} from '../../src/rules/index.ts';
import { amount, anyBids, anyDirection, bids, smallAmount } from './bidding.ts';

const three = bids(['ann', 50], ['bob', 70], ['cid', 60]);
const anyReserve = fc.option(smallAmount, { nil: undefined });

function outcomeOf(settlement: Settlement): readonly [string, Amount] | string {
  return settlement.sold ? [settlement.winner, settlement.price] : settlement.why;
}

describe('first-price sealed bids', () => {
  it('the highest wins and pays itself; in reverse the lowest', () => {
    expect(outcomeOf(firstPrice(three, { direction: 'forward' }))).toEqual(['bob', amount(70)]);
    expect(outcomeOf(firstPrice(three, { direction: 'reverse' }))).toEqual(['ann', amount(50)]);
  });

  it('of equal bids the earlier in the log wins, in whatever order they are listed', () => {
    const equal = bids(['ann', 50], ['bob', 50]);
    expect(outcomeOf(firstPrice(equal.toReversed(), { direction: 'forward' }))).toEqual(['ann', amount(50)]);
  });

  it('a replacement counts instead of what it replaces, worse or not, and ranks by its own time', () => {
    const replaced = bids(['ann', 50], ['bob', 50], ['ann', 50]);
    expect(outcomeOf(firstPrice(replaced, { direction: 'forward' }))).toEqual(['bob', amount(50)]);
    const lowered = bids(['ann', 90], ['bob', 50], ['ann', 40]);
    expect(outcomeOf(firstPrice(lowered, { direction: 'forward' }))).toEqual(['bob', amount(50)]);
  });

  it('no bid that meets the reserve: no sale; meeting it exactly is enough', () => {
    expect(outcomeOf(firstPrice(three, { direction: 'forward', reserve: amount(71) }))).toBe(
      'reserve_not_met',
    );
    expect(outcomeOf(firstPrice(three, { direction: 'forward', reserve: amount(70) }))).toEqual([
      'bob',
      amount(70),
    ]);
    expect(outcomeOf(firstPrice(three, { direction: 'reverse', reserve: amount(49) }))).toBe(
      'reserve_not_met',
    );
    expect(outcomeOf(firstPrice([], { direction: 'forward' }))).toBe('no_bids');
  });

  it('when the winner does not start, the next one gets it at its own bid', () => {
    const next = firstPrice(three, { direction: 'forward', exclude: new Set(['bob']) });
    expect(outcomeOf(next)).toEqual(['cid', amount(60)]);
  });
});

describe('second-price sealed bids (Vickrey)', () => {
  it('the best wins and pays the second-best', () => {
    expect(outcomeOf(secondPrice(three, { direction: 'forward' }))).toEqual(['bob', amount(60)]);
    expect(outcomeOf(secondPrice(three, { direction: 'reverse' }))).toEqual(['ann', amount(60)]);
  });

  it('the winner pays the reserve where that is worse for it than the second-best', () => {
    expect(outcomeOf(secondPrice(three, { direction: 'forward', reserve: amount(65) }))).toEqual([
      'bob',
      amount(65),
    ]);
    expect(outcomeOf(secondPrice(three, { direction: 'forward', reserve: amount(55) }))).toEqual([
      'bob',
      amount(60),
    ]);
    expect(outcomeOf(secondPrice(three, { direction: 'reverse', reserve: amount(55) }))).toEqual([
      'ann',
      amount(55),
    ]);
    expect(outcomeOf(secondPrice(three, { direction: 'reverse', reserve: amount(65) }))).toEqual([
      'ann',
      amount(60),
    ]);
  });

  it.each<[string, SettlementRules, number]>([
    ['the reserve', { direction: 'forward', reserve: amount(30), startPrice: amount(20) }, 30],
    ['without a reserve the start price', { direction: 'forward', startPrice: amount(20) }, 20],
    [
      'the start price above the reserve',
      { direction: 'forward', reserve: amount(20), startPrice: amount(30) },
      30,
    ],
    ['without either nothing', { direction: 'forward' }, 0],
    ['the reserve in reverse', { direction: 'reverse', reserve: amount(80), startPrice: amount(90) }, 80],
    ['the start price in reverse', { direction: 'reverse', startPrice: amount(90) }, 90],
    ['without either the largest amount in reverse', { direction: 'reverse' }, 1e15],
  ])('a lone bidder pays %s', (_, rules, price) => {
    expect(outcomeOf(secondPrice(bids(['ann', 50]), rules))).toEqual(['ann', amount(price)]);
  });

  it('a bidder who replaced its bid is not its own second', () => {
    expect(outcomeOf(secondPrice(bids(['ann', 40], ['ann', 50]), { direction: 'forward' }))).toEqual([
      'ann',
      0n,
    ]);
  });

  it('the price for the next bidder is what it would be had the excluded never bid', () => {
    const rules = { direction: 'forward', exclude: new Set(['bob']) } as const;
    expect(outcomeOf(secondPrice(three, rules))).toEqual(['cid', amount(50)]);
  });

  it('with everyone excluded nobody is left to have it', () => {
    const rules = { direction: 'forward', exclude: new Set(['ann', 'bob', 'cid']) } as const;
    expect(outcomeOf(secondPrice(three, rules))).toBe('no_bids');
  });

  it('truthful bidding is never worse than any other bid, whatever the others bid', () => {
    fc.assert(
      fc.property(
        anyDirection,
        anyBids,
        smallAmount,
        smallAmount,
        anyReserve,
        (direction, others, value, lie, reserve) => {
          const gainBy = (bid: Amount) =>
            gain(secondPrice([...others, mine(bid)], { direction, reserve }), direction, value);
          expect(gainBy(value) >= gainBy(lie)).toBe(true);
          expect(gainBy(value) >= 0n).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('sealed bids of either kind', () => {
  const kinds = fc.constantFrom(firstPrice, secondPrice);

  it('nobody pays worse than its bid, and nobody wins below the reserve', () => {
    fc.assert(
      fc.property(
        kinds,
        anyDirection,
        anyBids,
        anyReserve,
        anyReserve,
        (kind, direction, list, reserve, startPrice) => {
          const settlement = kind(list, { direction, reserve, startPrice });
          if (!settlement.sold) return;
          const { bid, price } = settlement;
          const atLeast = (a: Amount, b: Amount) => (direction === 'forward' ? a >= b : a <= b);
          expect(atLeast(bid, price)).toBe(true);
          if (reserve !== undefined) expect(atLeast(price, reserve)).toBe(true);
        },
      ),
    );
  });

  it('the order in which bids are listed is irrelevant: the log decides', () => {
    fc.assert(
      fc.property(
        kinds,
        anyDirection,
        anyBids,
        anyReserve,
        fc.infiniteStream(fc.nat()),
        (kind, direction, list, reserve, keys) => {
          const shuffled = list
            .map((bid) => [keys.next().value ?? 0, bid] as const)
            .sort(([a], [b]) => a - b)
            .map(([, bid]) => bid);
          expect(kind(shuffled, { direction, reserve })).toEqual(kind(list, { direction, reserve }));
        },
      ),
    );
  });

  it('bids worse than startPrice count for nothing', () => {
    const rules = { direction: 'forward', startPrice: amount(10) } as const;
    expect(placeSealedBid(rules, amount(9.999999))).toEqual({
      accepted: false,
      code: 'bid_too_low',
      required: amount(10),
    });
    expect(placeSealedBid(rules, amount(10)).accepted).toBe(true);
    expect(outcomeOf(firstPrice(bids(['ann', 9]), rules))).toBe('no_bids');
    expect(outcomeOf(secondPrice(bids(['ann', 200], ['bob', 3]), rules))).toEqual(['ann', amount(10)]);
  });

  it('whoever is next in the ranking wins once everyone before it is excluded', () => {
    fc.assert(
      fc.property(kinds, anyDirection, anyBids, anyReserve, (kind, direction, list, reserve) => {
        const exclude = new Set<string>();
        for (const { bidder } of rankSealedBids(list, direction, reserve)) {
          expect(kind(list, { direction, reserve, exclude })).toMatchObject({ sold: true, winner: bidder });
          exclude.add(bidder);
        }
        expect(kind(list, { direction, reserve, exclude }).sold).toBe(false);
      }),
    );
  });
});

function mine(bid: Amount): Bid {
  return { bidder: 'me', amount: bid, order: 1_000 };
}

function gain(settlement: Settlement, direction: Direction, value: Amount): Amount {
  if (!settlement.sold || settlement.winner !== 'me') return 0n;
  return direction === 'forward' ? value - settlement.price : settlement.price - value;
}
