/**
 * What a document or an event weighs: bytes of JSON, near enough. The parts of a document that stay (inputs, results,
 * allowlists) are the same objects from one version to the next, and are weighed once.
 */

const known = new WeakMap<object, number>();

/** Braces, quotes, colons and commas around a member, more or less. */
const AROUND = 4;

export function weightOf(what: object): number {
  let bytes = 2;
  for (const [name, value] of Object.entries(what)) {
    if (value !== undefined) bytes += name.length + AROUND + weightOfValue(value);
  }
  return bytes;
}

function weightOfValue(value: unknown): number {
  if (typeof value !== 'object' || value === null) return textBytes(value);
  const weighed = known.get(value);
  if (weighed !== undefined) return weighed;
  const bytes = textBytes(value);
  known.set(value, bytes);
  return bytes;
}

function textBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}
