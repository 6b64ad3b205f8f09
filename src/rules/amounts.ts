/**
 * Exact amounts of money or of anything else that is bid. An amount is a whole number of micro-units (1 is
 * 1,000,000n), so comparing, adding and subtracting never round.
 */

/** Micro-units: 2.5 is 2_500_000n. Never negative where this library made it. */
export type Amount = bigint;

const DECIMAL_PLACES = 6;
const MICRO_UNITS = 10n ** BigInt(DECIMAL_PLACES);

/** The largest amount, 10^15 units: far below what a number holds exactly, so whole amounts survive JSON. */
export const MAX_AMOUNT: Amount = 10n ** 15n * MICRO_UNITS;

/** JSON's grammar for numbers without sign and exponent; sixteen digits reach the largest amount. */
const DECIMAL = /^(0|[1-9]\d{0,15})(?:\.(\d{1,6}))?$/;

/**
 * Reads an amount out of a decision: a JSON number or a decimal string, from 0 to 10^15, with at most six places.
 *
 * A number means its shortest decimal text, so 0.1 is exactly one tenth, and 0.1 + 0.2 (whose text has seventeen
 * places) is no amount. JSON numbers carry about fifteen digits: send anything longer as a string. Signs, exponents,
 * leading zeros, spaces, NaN and infinity are refused. Returns undefined for whatever is not an amount.
 */
export function parseAmount(value: unknown): Amount | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  // Numbers below 10^-6 and from 10^21 on print with an exponent; both lie outside of what an amount can be.
  const match = DECIMAL.exec(String(value));
  if (match === null) return undefined;
  const [, whole = '0', places = ''] = match;
  const amount = BigInt(whole) * MICRO_UNITS + BigInt(places.padEnd(DECIMAL_PLACES, '0'));
  return amount <= MAX_AMOUNT ? amount : undefined;
}

/**
 * The one decimal text of an amount: no trailing zeros, no point without places ("2.5", "0.000001", "10").
 * `parseAmount(formatAmount(a))` is `a` for every amount. A difference may be negative; it gets a minus sign.
 */
export function formatAmount(amount: Amount): string {
  const magnitude = amount < 0n ? -amount : amount;
  const whole = magnitude / MICRO_UNITS;
  const places = String(magnitude % MICRO_UNITS)
    .padStart(DECIMAL_PLACES, '0')
    .replace(/0+$/, '');
  return `${amount < 0n ? '-' : ''}${whole}${places === '' ? '' : `.${places}`}`;
}

/** For `sort`: smaller amounts first. */
export function compareAmounts(a: Amount, b: Amount): -1 | 0 | 1 {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
