import fc from 'fast-check';

/** One character of each kind that has ever been a surprise: one to four bytes, controls, bidi, what JSON escapes. */
export const character = fc.constantFrom(
  ...'aZ09-_.:*> "\\/{}[],',
  '\u0000',
  '\n',
  '\u007f',
  'é',
  '€',
  '\u202e',
  '\u2028',
  '\ufeff',
  '\uffff',
  '😀',
  '\u{10ffff}',
);
