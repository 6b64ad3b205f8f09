import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Amount,
  type Bid,
  type Direction,
  type EnglishRules,
  type EnglishState,
  MAX_AMOUNT,
  nextEnglishBid,
  openEnglish,
  placeEnglishBid,
  settleEnglish,
} from '../../src/rules/index.ts';
import { amount, anyBids, anyDirection, bids, mirrored, opposite, smallAmount } from './bidding.ts';

const open: EnglishRules = { direction: 'forward', startPrice: amount(10), increment: amount(1) };
const proxy: EnglishRules = { ...open, proxy: true };

/** Who leads at what price after these bids, and which of them were accepted. */
function run(rules: EnglishRules, list: readonly Bid[]) {
  let state: EnglishState = openEnglish(rules);
  const accepted: Bid[] = [];
  const states: EnglishState[] = [];
  for (const bid of list) {
    const answer = placeEnglishBid(state, bid);
    if (!answer.accepted) continue;
    state = answer.state;
    accepted.push(bid);
    states.push(state);
  }
  return { state, accepted, states, leader: state.standing?.leader, price: state.standing?.price };
}

function refusalOf(rules: EnglishRules, before: readonly Bid[], bid: readonly [string, number]) {
  const [bidder, value] = bid;
  return placeEnglishBid(run(rules, before).state, { bidder, amount: amount(value) });
}

const tooLow = (required: number) => ({ accepted: false, code: 'bid_too_low', required: amount(required) });

describe('English auction without proxies', () => {
  it('the first bid must reach the start price', () => {
    expect(refusalOf(open, [], ['ann', 9.99])).toEqual(tooLow(10));
    expect(run(open, bids(['ann', 10]))).toMatchObject({ leader: 'ann', price: amount(10) });
  });

  it('each bid must beat the standing price by the increment, the own one too', () => {
    expect(refusalOf(open, bids(['ann', 10]), ['bob', 10.99])).toEqual(tooLow(11));
    expect(refusalOf(open, bids(['ann', 10]), ['ann', 10.99])).toEqual(tooLow(11));
    expect(run(open, bids(['ann', 10], ['bob', 11], ['bob', 20]))).toMatchObject({
      leader: 'bob',
      price: amount(20),
    });
  });

  it('without an increment any better bid will do, but not an equal one', () => {
    const rules: EnglishRules = { direction: 'forward' };
    expect(run(rules, bids(['ann', 0], ['bob', 0.000001])).leader).toBe('bob');
    expect(refusalOf(rules, bids(['ann', 5]), ['bob', 5])).toEqual(tooLow(5.000001));
  });

  it('in reverse each bid must be lower by the decrement', () => {
    const rules: EnglishRules = { ...open, direction: 'reverse' };
    expect(refusalOf(rules, [], ['ann', 11])).toEqual(tooLow(10));
    expect(refusalOf(rules, bids(['ann', 10]), ['bob', 9.5])).toEqual(tooLow(9));
    expect(run(rules, bids(['ann', 10], ['bob', 9])).price).toBe(amount(9));
  });

  it('a reverse price closer to zero than the decrement can fall no further', () => {
    const rules: EnglishRules = { direction: 'reverse', increment: amount(1) };
    expect(refusalOf(rules, bids(['ann', 0.5]), ['bob', 0])).toEqual({
      accepted: false,
      code: 'bid_too_low',
    });
  });

  it('the next bidder gets it at its own bid when the winner does not start', () => {
    const rules = { ...open, exclude: new Set(['bob']) };
    expect(settleEnglish(bids(['ann', 10], ['bob', 11]), rules)).toMatchObject({
      winner: 'ann',
      price: amount(10),
    });
  });
});

describe('English auction with proxies', () => {
  it('alone, a bidder holds it at the start price', () => {
    expect(run(proxy, bids(['ann', 50])).price).toBe(amount(10));
  });

  it('the price is the second maximum plus the increment', () => {
    expect(run(proxy, bids(['ann', 50], ['bob', 30]))).toMatchObject({ leader: 'ann', price: amount(31) });
    expect(run(proxy, bids(['ann', 30], ['bob', 50]))).toMatchObject({ leader: 'bob', price: amount(31) });
  });

  it('the price is at most the highest maximum', () => {
    expect(run(proxy, bids(['ann', 50], ['bob', 50.5]))).toMatchObject({
      leader: 'bob',
      price: amount(50.5),
    });
  });

  it('of equal maxima the earlier leads and pays it', () => {
    expect(run(proxy, bids(['ann', 50], ['bob', 50]))).toMatchObject({ leader: 'ann', price: amount(50) });
  });

  it('a rival must beat the price by the increment, not the maximum', () => {
    expect(refusalOf(proxy, bids(['ann', 50], ['bob', 30]), ['cid', 31.5])).toEqual(tooLow(32));
    expect(run(proxy, bids(['ann', 50], ['bob', 30], ['cid', 32]))).toMatchObject({
      leader: 'ann',
      price: amount(33),
    });
  });

  it('a leader that bids no more than its own maximum keeps what it had', () => {
    expect(refusalOf(proxy, bids(['ann', 50], ['bob', 30]), ['ann', 50])).toEqual(tooLow(50.000001));
    expect(refusalOf(proxy, bids(['ann', 50], ['bob', 30]), ['ann', 40])).toEqual(tooLow(50.000001));
  });

  it('a leader that raises its maximum pays no more for it', () => {
    expect(run(proxy, bids(['ann', 50], ['ann', 90])).price).toBe(amount(10));
    expect(run(proxy, bids(['ann', 50], ['bob', 30], ['ann', 90])).price).toBe(amount(31));
  });

  it('where its old maximum had cut the increment short, raising it completes the increment', () => {
    expect(run(proxy, bids(['ann', 50], ['bob', 50.5], ['bob', 90])).price).toBe(amount(51));
  });

  it('in reverse the amount is the secret minimum', () => {
    const rules: EnglishRules = { ...proxy, direction: 'reverse', startPrice: amount(100) };
    expect(run(rules, bids(['ann', 50])).price).toBe(amount(100));
    expect(run(rules, bids(['ann', 50], ['bob', 70]))).toMatchObject({ leader: 'ann', price: amount(69) });
    expect(run(rules, bids(['ann', 50], ['bob', 49.5]))).toMatchObject({
      leader: 'bob',
      price: amount(49.5),
    });
  });

  it('in reverse without a start price a lone bidder tells nothing of its minimum', () => {
    const reverse = { direction: 'reverse', proxy: true } as const;
    expect(run(reverse, bids(['ann', 50])).price).toBe(MAX_AMOUNT);
    expect(run(reverse, bids(['ann', 50], ['ann', 40])).price).toBe(MAX_AMOUNT);
    expect(settleEnglish(bids(['ann', 50]), { ...reverse, reserve: amount(80) })).toMatchObject({
      winner: 'ann',
      price: amount(80),
    });
  });
});

describe('the hidden reserve of an English auction', () => {
  const list = bids(['ann', 50], ['bob', 30]);

  it('a price that meets it stands', () => {
    expect(settleEnglish(list, { ...proxy, reserve: amount(31) })).toMatchObject({ price: amount(31) });
  });

  it('a maximum that meets it where the price does not pays it', () => {
    expect(settleEnglish(list, { ...proxy, reserve: amount(40) })).toMatchObject({
      winner: 'ann',
      price: amount(40),
    });
  });

  it('a maximum below it does not sell', () => {
    expect(settleEnglish(list, { ...proxy, reserve: amount(51) })).toMatchObject({ why: 'reserve_not_met' });
    expect(settleEnglish([], proxy)).toMatchObject({ why: 'no_bids' });
  });

  it('only those who meet it are next', () => {
    const settlement = settleEnglish(list, { ...proxy, reserve: amount(40) });
    expect(settlement.ranking.map(({ bidder }) => bidder)).toEqual(['ann']);
  });

  it('in reverse it is the most that is acceptable', () => {
    const rules: EnglishRules = { ...proxy, direction: 'reverse', startPrice: amount(100) };
    expect(settleEnglish(list, { ...rules, reserve: amount(40) })).toMatchObject({
      winner: 'bob',
      price: amount(40),
    });
    expect(settleEnglish(list, { ...rules, reserve: amount(20) })).toMatchObject({ why: 'reserve_not_met' });
  });
});

describe('every English auction', () => {
  const anyRules: fc.Arbitrary<EnglishRules> = fc.record({
    direction: anyDirection,
    startPrice: fc.option(smallAmount, { nil: undefined }),
    increment: fc.option(fc.bigInt({ min: 0n, max: 3n }), { nil: undefined }),
    proxy: fc.boolean(),
  });
  const notBehind = (direction: Direction, a: Amount, b: Amount) =>
    direction === 'forward' ? a >= b : a <= b;

  it('the standing price never moves back and never exceeds the maximum of the leader', () => {
    fc.assert(
      fc.property(anyRules, anyBids, (rules, list) => {
        let before: Amount | undefined;
        for (const { standing } of run(rules, list).states) {
          if (standing === undefined) throw new Error('a bid was accepted and nobody leads');
          expect(notBehind(rules.direction, standing.maximum, standing.price)).toBe(true);
          if (before !== undefined) expect(notBehind(rules.direction, standing.price, before)).toBe(true);
          before = standing.price;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('the winner is the earliest of the best amounts that were accepted', () => {
    fc.assert(
      fc.property(anyRules, anyBids, (rules, list) => {
        const { accepted, leader } = run(rules, list);
        const best = accepted.reduce<Bid | undefined>(
          (top, bid) => (top !== undefined && notBehind(rules.direction, top.amount, bid.amount) ? top : bid),
          undefined,
        );
        expect(leader).toBe(best?.bidder);
      }),
    );
  });

  it('a bid of what is required is accepted, and one micro-unit short of it is not', () => {
    fc.assert(
      fc.property(anyRules, anyBids, (rules, list) => {
        const { state } = run(rules, list);
        const required = nextEnglishBid(state);
        if (required === undefined) return;
        const short = rules.direction === 'forward' ? required - 1n : required + 1n;
        const newcomer = (value: Amount) => placeEnglishBid(state, { bidder: 'new', amount: value });
        // With a proxy a newcomer may be accepted and still be outbid; either way the bid counts.
        expect(newcomer(required).accepted).toBe(true);
        // Where the first bid may be any amount there is nothing short of it.
        if (short >= 0n && short <= MAX_AMOUNT)
          expect(newcomer(short)).toMatchObject({ accepted: false, required });
      }),
    );
  });

  it('settling the accepted bids comes to the same as following them one by one', () => {
    fc.assert(
      fc.property(anyRules, anyBids, (rules, list) => {
        const { accepted, state } = run(rules, list);
        const settlement = settleEnglish(accepted, rules);
        expect(settlement.sold ? [settlement.winner, settlement.price] : undefined).toEqual(
          state.standing && [state.standing.leader, state.standing.price],
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('raising nothing but the own maximum costs at most what completes the increment', () => {
    fc.assert(
      fc.property(anyRules, anyBids, smallAmount, (rules, list, more) => {
        const { state } = run({ ...rules, proxy: true }, list);
        const { standing } = state;
        if (standing === undefined) return;
        const raised = rules.direction === 'forward' ? standing.maximum + more : standing.maximum - more;
        const answer = placeEnglishBid(state, { bidder: standing.leader, amount: raised });
        if (!answer.accepted) return;
        const after = answer.state.standing;
        expect(after?.leader).toBe(standing.leader);
        // A price below the old maximum was not cut short by it, so it must stay exactly where it is.
        if (standing.price !== standing.maximum) expect(after?.price).toBe(standing.price);
        else if (after !== undefined)
          expect(notBehind(rules.direction, after.price, standing.price)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('reverse mirrors forward where there is a start price', () => {
    const around = 100n;
    fc.assert(
      fc.property(anyRules, smallAmount, anyBids, (rules, startPrice, list) => {
        const plain = run({ ...rules, startPrice }, list);
        const mirror = run(
          { ...rules, direction: opposite(rules.direction), startPrice: around - startPrice },
          mirrored(list, around),
        );
        expect(mirror.leader).toBe(plain.leader);
        expect(mirror.price).toBe(plain.price === undefined ? undefined : around - plain.price);
        expect(mirror.accepted).toEqual(mirrored(plain.accepted, around));
      }),
    );
  });
});
