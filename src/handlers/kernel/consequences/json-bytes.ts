/**
 * What a document or an event weighs: bytes of JSON, near enough. The parts of a document that stay (inputs, results,
 * allowlists) are the same objects from one version to the next, and are weighed once.
 */

const known = new WeakMap<object, number>();

/** Braces, quotes, colons and commas around a member, more or less. */
const AROUND = 4;

export function weightOf(what: object): number {
  let bytes = 2;
  for (const name in what) {
    const value: unknown = Reflect.get(what, name);
    if (value !== undefined) bytes += name.length + AROUND + weightOfValue(value);
  }
  return bytes;
}

function weightOfValue(value: unknown): number {
  if (typeof value === 'string') return weightOfText(value);
  if (typeof value === 'number') return digitsOf(value);
  if (typeof value !== 'object' || value === null) return textBytes(value);
  const weighed = known.get(value);
  if (weighed !== undefined) return weighed;
  const bytes = textBytes(value);
  known.set(value, bytes);
  return bytes;
}

/** Characters that JSON writes as several: names, ids and most sentences have none of them. */
const ESCAPED = /[\p{Cc}\p{Cs}"\\]/u;

function weightOfText(text: string): number {
  return ESCAPED.test(text) ? textBytes(text) : 2 + Buffer.byteLength(text);
}

/** Of times and positions, which most numbers are, without writing them out. */
function digitsOf(value: number): number {
  if (value >= 1_000_000_000_000 && value < 10_000_000_000_000 && Number.isInteger(value)) return 13;
  return String(value).length;
}

function textBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}
