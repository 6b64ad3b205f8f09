import { messageOf } from '../errors.ts';

/** As much of a text as a field takes, in whole characters: what is cut within one would be refused. */
export function boundedText(text: unknown, maxChars: number): string {
  const whole = messageOf(text);
  const end = isHighSurrogate(whole.charCodeAt(maxChars - 1)) ? maxChars - 1 : maxChars;
  return (whole.length > maxChars ? whole.slice(0, end) : whole).toWellFormed();
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
