/** From what an opener wrote to the terms of an auction, or to the rule that they break. */

import type { AuctionTerms, IncrementRow } from '../../protocol/auctions.ts';
import type { DecisionOf } from '../../protocol/decisions/index.ts';
import { defined } from '../../protocol/defined.ts';
import { MAX_LOT_BYTES, MAX_TIME_MS } from '../../protocol/limits.ts';
import {
  compareAmounts,
  formatAmount,
  parseAmount,
  parseIncrement,
  SOFT_CLOSES_AT_MOST,
} from '../../rules/index.ts';
import { isRejected, type Rejected, rejected } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';

type Opening = DecisionOf<'OpenAuction'>;

export function termsOf(decision: Opening, { self, now }: Context): AuctionTerms | Rejected {
  const { kind, direction, closesAt, proxy, softCloseMs, stepMs, taskId, lot } = decision;
  const fault = misplaced(decision) ?? missing(decision) ?? wrongEnd(decision);
  if (fault !== undefined) return fault;
  if (closesAt <= now) return rejected('deadline_passed', 'closesAt: lies in the past');
  if (lot !== undefined && Buffer.byteLength(JSON.stringify(lot)) > MAX_LOT_BYTES) {
    return rejected('too_large', `lot: at most ${MAX_LOT_BYTES} bytes of JSON`);
  }
  const amounts = amountsOf(decision);
  if (isRejected(amounts)) return amounts;
  const terms: AuctionTerms = {
    auctionKind: kind,
    direction,
    opener: self,
    closesAt,
    ...amounts,
    ...defined({ proxy }),
    ...(softCloseMs === undefined
      ? {}
      : { softCloseMs, latestCloseAt: latestCloseOf(decision, softCloseMs) }),
    ...defined({ stepMs, taskId, lot }),
  };
  return wrongWayRound(terms) ?? terms;
}

const OF_ENGLISH = ['increment', 'softCloseMs', 'latestCloseAt'] as const;
const OF_DUTCH = ['step', 'stepMs'] as const;
const NEEDED_BY_DUTCH = ['startPrice', 'step', 'stepMs'] as const;

/** A term that would silently do nothing is worse than one that is missing. */
function misplaced(decision: Opening): Rejected | undefined {
  const isEnglish = decision.kind === 'english';
  const isDutch = decision.kind === 'dutch';
  const field =
    (isEnglish ? undefined : OF_ENGLISH.find((name) => decision[name] !== undefined)) ??
    (isDutch ? undefined : OF_DUTCH.find((name) => decision[name] !== undefined));
  if (field !== undefined) return invalid(`${field}: an auction of kind ${decision.kind} has none`);
  if (decision.proxy === true && !isEnglish) return invalid('proxy: only an English auction has them');
  return undefined;
}

function missing(decision: Opening): Rejected | undefined {
  if (decision.kind !== 'dutch') return undefined;
  const field = NEEDED_BY_DUTCH.find((name) => decision[name] === undefined);
  return field === undefined ? undefined : invalid(`${field}: required in a Dutch auction`);
}

/** The end of all soft closes, where one is stated: without a soft close it would do nothing. */
function wrongEnd({ closesAt, softCloseMs, latestCloseAt }: Opening): Rejected | undefined {
  if (latestCloseAt === undefined) return undefined;
  if (softCloseMs === undefined)
    return invalid('latestCloseAt: bounds a soft close, and softCloseMs is missing');
  return latestCloseAt < closesAt ? invalid('latestCloseAt: lies before closesAt') : undefined;
}

/** Every auction ends, whatever is bid: who states no end gets one that many soft closes reach. */
function latestCloseOf({ closesAt, latestCloseAt }: Opening, softCloseMs: number): number {
  return latestCloseAt ?? Math.min(closesAt + SOFT_CLOSES_AT_MOST * softCloseMs, MAX_TIME_MS);
}

type Amounts = Pick<AuctionTerms, 'reserve' | 'startPrice' | 'step' | 'increment'>;

function amountsOf(decision: Opening): Amounts | Rejected {
  const amounts: { -readonly [N in keyof Amounts]: Amounts[N] } = {};
  for (const name of ['reserve', 'startPrice', 'step'] as const) {
    if (decision[name] === undefined) continue;
    const amount = parseAmount(decision[name]);
    if (amount === undefined) return invalidAmount(name);
    amounts[name] = formatAmount(amount);
  }
  const { increment } = decision;
  if (increment === undefined) return amounts;
  const read = incrementTerms(increment);
  return isRejected(read) ? read : { ...amounts, increment: read.increment };
}

function incrementTerms(
  increment: NonNullable<Opening['increment']>,
): { readonly increment: NonNullable<AuctionTerms['increment']> } | Rejected {
  if (!Array.isArray(increment)) {
    const amount = parseAmount(increment);
    return amount === undefined ? invalidAmount('increment') : { increment: formatAmount(amount) };
  }
  const rows: IncrementRow[] = [];
  for (const [i, { below, step }] of increment.entries()) {
    const [limit, amount] = [parseAmount(below), parseAmount(step)];
    if (below !== undefined && limit === undefined) return invalidAmount(`increment[${i}].below`);
    if (amount === undefined) return invalidAmount(`increment[${i}].step`);
    rows.push({ ...(limit === undefined ? {} : { below: formatAmount(limit) }), step: formatAmount(amount) });
    if (parseIncrement(rows) === undefined) {
      return invalid(`increment[${i}].below: must rise from row to row, and only the last row may omit it`);
    }
  }
  return { increment: rows };
}

/** The price of a Dutch auction moves from the start to the reserve. */
function wrongWayRound({ auctionKind, direction, startPrice, reserve }: AuctionTerms): Rejected | undefined {
  const [start, end] = [parseAmount(startPrice), parseAmount(reserve)];
  if (auctionKind !== 'dutch' || start === undefined || end === undefined) return undefined;
  const order = compareAmounts(end, start);
  if (order !== (direction === 'forward' ? 1 : -1)) return undefined;
  return invalid(`reserve: the price ${direction === 'forward' ? 'falls' : 'rises'} from startPrice to it`);
}

function invalid(message: string): Rejected {
  return rejected('invalid_decision', message);
}

export function invalidAmount(path: string): Rejected {
  return rejected('invalid_amount', `${path}: a decimal from 0 to 10^15 with at most six places`);
}
