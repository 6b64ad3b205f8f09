import { messageOf } from '../../lib/errors.ts';
import { wholeUpTo } from '../../lib/shortened.ts';

/** As much of a text as a field takes, in whole characters: what is cut within one would be refused. */
export function boundedText(text: unknown, maxChars: number): string {
  const whole = messageOf(text);
  return (whole.length > maxChars ? wholeUpTo(whole, maxChars) : whole).toWellFormed();
}
