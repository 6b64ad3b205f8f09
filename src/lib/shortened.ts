/** At most so much of a text, in whole characters: what others wrote, and a message quotes, can be of any length. */
export function shortened(text: string, mostChars: number): string {
  return (text.length > mostChars ? `${wholeUpTo(text, mostChars - 1)}…` : text).toWellFormed();
}

/** The beginning of a text, not cut within a character. */
export function wholeUpTo(text: string, end: number): string {
  return text.slice(0, isHighSurrogate(text.charCodeAt(end - 1)) ? end - 1 : end);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
