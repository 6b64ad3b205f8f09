/**
 * Numbers as they stand in a JSON text. `JSON.parse` takes any digits and keeps some sixteen of them, without a word, so
 * what was written has to be compared with what was understood while the text is still there.
 *
 * The rule: the shortest decimal of the double that a number is read as (what `JSON.stringify` writes) has the value
 * that was written. `2.50`, `1e3` and whatever a JavaScript program writes pass; `99999999999.123462` does not.
 */

/** Fifteen significant digits survive in every double that has an ordinary exponent; no shorter text has more. */
const CERTAIN_CHARS = 15;

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

export function keepsItsDigits(written: string): boolean {
  const value = Number(written);
  // Out of range, or no number at all: others say so.
  if (!Number.isFinite(value)) return true;
  const understood = String(value);
  // A number written by a program is already the shortest text.
  return understood === written || isSameDecimal(decimalOf(written), decimalOf(understood));
}

/** Whether a number of this length and form can lose anything: most cannot, and need not be looked at. */
export function mayLoseDigits(chars: number, hasExponent: boolean): boolean {
  return chars > CERTAIN_CHARS || hasExponent;
}

interface Decimal {
  readonly isNegative: boolean;
  /** Without zeros at either end; none for zero. */
  readonly digits: string;
  /** The power of ten that the last digit counts. */
  readonly exponent: number;
}

function decimalOf(text: string): Decimal {
  const [, sign = '', whole = '', places = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  const all = whole + places;
  let end = all.length;
  while (end > 0 && all[end - 1] === '0') end--;
  let start = 0;
  while (start < end && all[start] === '0') start++;
  const digits = all.slice(start, end);
  return {
    isNegative: sign === '-',
    digits,
    exponent: Number(exponent) - places.length + (all.length - end),
  };
}

function isSameDecimal(a: Decimal, b: Decimal): boolean {
  if (a.digits === '' || b.digits === '') return a.digits === b.digits;
  return a.isNegative === b.isNegative && a.digits === b.digits && a.exponent === b.exponent;
}
