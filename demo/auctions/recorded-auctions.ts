/** Recorded auctions with proxy bids, from a file of the form of `ebay-palm-bids.csv` (`data/README.md`). */
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../src/lib/errors.ts';
import { isName, isReserved } from '../../src/protocol/names.ts';
import { type Amount, parseAmount } from '../../src/rules/index.ts';
import { type CsvRow, parseCsv } from '../csv.ts';
import { InputError } from '../input-error.ts';

interface RecordedBid {
  readonly bidder: string;
  /** The secret maximum. */
  readonly amount: Amount;
}

export interface RecordedAuction {
  readonly id: string;
  readonly openingBid: Amount;
  readonly finalPrice: Amount;
  /** In the order of their times; those of the same time in the order of the file. */
  readonly bids: readonly RecordedBid[];
}

const COLUMNS = ['auction_id', 'bid', 'bid_time_days', 'bidder', 'opening_bid', 'final_price'] as const;

type Note = (what: string) => void;

/**
 * Throws an {@link InputError} that names the file and the line of the fault. What the file says of an auction twice,
 * and not the same, is noted: what its first bid says counts.
 */
export async function readRecordedAuctions(file: string, note: Note): Promise<RecordedAuction[]> {
  return recordedAuctions(file, await contentOf(file), note);
}

export function recordedAuctions(file: string, content: string, note: Note): RecordedAuction[] {
  const nameOfBidder = names('bidder');
  const nameOfAuction = names('auction');
  const rowsOf = new Map<string, CsvRow[]>();
  for (const row of parseCsv(file, content, COLUMNS)) {
    const id = nameOfAuction(row, 'auction_id');
    const known = rowsOf.get(id);
    if (known === undefined) rowsOf.set(id, [row]);
    else known.push(row);
  }
  return [...rowsOf].map(([id, rows]) => auctionOf(id, rows, nameOfBidder, note));
}

type Naming = (row: CsvRow, column: string) => string;

function auctionOf(id: string, rows: readonly CsvRow[], nameOfBidder: Naming, note: Note): RecordedAuction {
  const inTime = rows
    .map((row) => ({ row, days: daysOf(row) }))
    .sort((a, b) => a.days - b.days)
    .map(({ row }) => row);
  return {
    id,
    openingBid: sameInAll(inTime, 'opening_bid', note),
    finalPrice: sameInAll(inTime, 'final_price', note),
    bids: inTime.map((row) => ({ bidder: nameOfBidder(row, 'bidder'), amount: amountOf(row, 'bid') })),
  };
}

function sameInAll([first, ...others]: readonly CsvRow[], column: string, note: Note): Amount {
  if (first === undefined) throw new Error('an auction has at least the row that names it');
  const amount = amountOf(first, column);
  for (const row of others) {
    if (amountOf(row, column) === amount) continue;
    note(
      row.fault(`${column} is ${row.text(column)}; line ${first.line} says ${first.text(column)}`).message,
    );
  }
  return amount;
}

function amountOf(row: CsvRow, column: string): Amount {
  const amount = parseAmount(row.text(column));
  if (amount !== undefined) return amount;
  throw row.fault(`${column} is ${JSON.stringify(row.text(column))}, not a decimal of at most six places`);
}

/** Spreadsheets write small numbers with an exponent. */
const DAYS = /^\d+(\.\d+)?([eE][+-]?\d{1,3})?$/;

function daysOf(row: CsvRow): number {
  const text = row.text('bid_time_days');
  const days = DAYS.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(days)) return days;
  throw row.fault(`bid_time_days is ${JSON.stringify(text)}, not a number of days`);
}

/** Recorded names as they are where they can stand in a subject; others get a number instead, each its own. */
function names(kind: string): Naming {
  const known = new Map<string, string>();
  return (row, column) => {
    const text = row.text(column);
    if (text === '') throw row.fault(`${column} is empty`);
    const isUsable = isName(text) && !isReserved(text) && !text.startsWith(`${kind}--`);
    const name = known.get(text) ?? (isUsable ? text : `${kind}--${known.size + 1}`);
    known.set(text, name);
    return name;
  };
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new InputError(`cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}
