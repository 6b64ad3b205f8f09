import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Bid,
  dutchPriceAt,
  type EnglishRules,
  firstPrice,
  formatAmount,
  openEnglish,
  parseAmount,
  placeEnglishBid,
  placeSealedBid,
  type Settlement,
  secondPrice,
  settleEnglish,
} from '../../../src/rules/index.ts';
import { at, joins, pool, START, submits, sweep } from '../scenario.ts';
import { bids, CLOSE_MS, closes, given, opens, releases, type Told } from './told.ts';

const BIDDERS = ['bob', 'cyd', 'dot', 'eve', 'fay'];
const KINDS = ['first_price_sealed', 'second_price_sealed', 'english', 'english with proxies'] as const;

/** Amounts that nothing else can be mistaken for, so that one look tells whether they got out. */
const unmistakable = (units: number, order = 0) => `${units}.${271_003 + 7 * order}`;

/** Equal units are equal amounts: ties are common. */
const sameForEqual = (units: number) => `${units}`;

interface History {
  readonly kind: (typeof KINDS)[number];
  readonly direction: 'forward' | 'reverse';
  readonly reserve: number | undefined;
  readonly startPrice: number | undefined;
  readonly increment: number;
  readonly bids: readonly { readonly bidder: string; readonly amount: number; readonly afterMs: number }[];
  readonly closing: 'opener' | 'sweep';
}

const perhaps = fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined });
const history: fc.Arbitrary<History> = fc.record({
  kind: fc.constantFrom(...KINDS),
  direction: fc.constantFrom('forward', 'reverse'),
  reserve: perhaps,
  startPrice: perhaps,
  increment: fc.integer({ min: 0, max: 3 }),
  bids: fc.array(
    fc.record({
      bidder: fc.constantFrom(...BIDDERS),
      amount: fc.integer({ min: 0, max: 15 }),
      afterMs: fc.integer({ min: 0, max: 30 }),
    }),
    { maxLength: 14 },
  ),
  closing: fc.constantFrom('opener', 'sweep'),
});

const RUNS = { numRuns: 100 };

describe('random auctions', () => {
  it('settle to what the rules say of the bids that were accepted, one winner after the other', () => {
    fc.assert(
      fc.property(history, (each) => {
        const { scenario, accepted } = played(each, sameForEqual);
        const exclude = new Set<string>();
        for (;;) {
          const expected = settlement(each, accepted, exclude);
          if (!expected.sold) {
            const why = exclude.size > 0 ? 'nobody_left' : expected.why;
            scenario.thenAuction('a', { state: 'unsold', why }).thenTask('t', { state: 'pending' });
            return;
          }
          const { winner } = expected;
          scenario.thenAuction('a', { state: 'awarded', winner, price: formatAmount(expected.price) });
          scenario.thenTask('t', { state: 'assigned', epoch: exclude.size + 1, claim: { agent: winner } });
          scenario.given(releases(winner, 't'));
          exclude.add(winner);
        }
      }),
      RUNS,
    );
  });

  it('tell nobody a sealed bid, a maximum or the reserve before the close', () => {
    fc.assert(
      fc.property(history, (each) => {
        if (each.kind === 'english') return;
        const made: string[] = each.reserve === undefined ? [] : [unmistakable(each.reserve, 99)];
        played(each, unmistakable, (scenario, bid) => {
          made.push(bid);
          const seen = scenario.seen('a');
          const told = `${scenario.told.text}\n${JSON.stringify(seen)}`;
          // With proxies the price may be somebody's maximum, by its rule; more than the price is never told.
          for (const text of made) if (text !== seen.price) expect(told).not.toContain(text);
        });
      }),
      RUNS,
    );
  });

  it('Dutch: the price falls with the time of the log, and the first that reaches it has it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('forward' as const, 'reverse' as const),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 0, max: 3 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 25 })), {
          maxLength: 8,
        }),
        (direction, start, step, offers) => {
          const rules = { direction, startPrice: amount(start), step: amount(step), stepMs: 30 };
          const scenario = given(
            pool(),
            opens('ann', 'a', { kind: 'dutch', direction, startPrice: start, step, stepMs: 30 }),
          );
          let now = 0;
          for (const [afterMs, offer] of offers) {
            now += afterMs;
            const price = dutchPriceAt(rules, START, START + now);
            const isEnough = direction === 'forward' ? amount(offer) >= price : amount(offer) <= price;
            scenario.when(at(now), bids('bob', 'a', offer));
            if (!isEnough) scenario.thenRejected('bid_too_low');
            else {
              scenario.thenAuction('a', { state: 'awarded', winner: 'bob', price: formatAmount(price) });
              return;
            }
          }
          scenario.when(at(CLOSE_MS), sweep()).thenEvents('auction.unsold a');
        },
      ),
      RUNS,
    );
  });
});

/** Plays it with a task, and closes it; answers the bids that were accepted. */
function played(
  each: History,
  written: (units: number, order: number) => string,
  look: (scenario: Told, bid: string) => void = () => undefined,
) {
  const { kind, direction, reserve, startPrice, increment } = each;
  const isEnglish = kind === 'english' || kind === 'english with proxies';
  const scenario = given(pool(), ...BIDDERS.map((bidder) => joins(bidder)), submits('ann', 't'));
  scenario.given(
    opens('ann', 'a', {
      taskId: 't',
      direction,
      ...(isEnglish ? { kind: 'english', increment, softCloseMs: 20 } : { kind }),
      ...(kind === 'english with proxies' ? { proxy: true } : {}),
      ...(reserve === undefined ? {} : { reserve: written(reserve, 99) }),
      ...(startPrice === undefined ? {} : { startPrice }),
    }),
  );
  const accepted: Bid[] = [];
  let state = openEnglish(englishRules(each));
  let now = 0;
  for (const [order, { bidder, amount: units, afterMs }] of each.bids.entries()) {
    const text = written(units, order);
    const bid = { bidder, amount: amount(text), order };
    now += afterMs;
    scenario.when(at(now), bids(bidder, 'a', text));
    look(scenario, text);
    const answer = isEnglish ? placeEnglishBid(state, bid) : sealed(each, bid, state);
    expect(scenario.answer.status).toBe(answer.accepted ? 'accepted' : 'rejected');
    if (!answer.accepted) continue;
    state = answer.state;
    accepted.push(bid);
  }
  if (each.closing === 'opener') scenario.given(closes('ann', 'a'));
  else scenario.given(at(CLOSE_MS + 500), sweep());
  return { scenario, accepted };
}

function sealed({ direction, startPrice }: History, bid: Bid, state: ReturnType<typeof openEnglish>) {
  const start = startPrice === undefined ? undefined : amount(startPrice);
  const answer = placeSealedBid({ direction, startPrice: start }, bid.amount);
  return answer.accepted ? { accepted: true as const, state } : answer;
}

function englishRules({ kind, direction, startPrice, increment }: History): EnglishRules {
  return {
    direction,
    startPrice: startPrice === undefined ? undefined : amount(startPrice),
    increment: amount(increment),
    proxy: kind === 'english with proxies',
  };
}

function settlement(each: History, accepted: readonly Bid[], exclude: ReadonlySet<string>): Settlement {
  const { kind, direction, startPrice } = each;
  const reserve = each.reserve === undefined ? undefined : amount(sameForEqual(each.reserve));
  const start = startPrice === undefined ? undefined : amount(startPrice);
  if (kind === 'first_price_sealed')
    return firstPrice(accepted, { direction, reserve, exclude, startPrice: start });
  if (kind !== 'second_price_sealed')
    return settleEnglish(accepted, { ...englishRules(each), reserve, exclude });
  return secondPrice(accepted, { direction, reserve, exclude, startPrice: start });
}

function amount(value: number | string) {
  const parsed = parseAmount(value);
  if (parsed === undefined) throw new Error(`not an amount: ${value}`);
  return parsed;
}
