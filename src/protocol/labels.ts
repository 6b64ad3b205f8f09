/**
 * Names in words: options of votes, topics, capabilities. They are compared character by character, so two that look the
 * same must be the same. They are kept in NFC, and what nobody can see is refused. Letters of two alphabets that
 * resemble each other stay different: no rule tells them apart without refusing words of some language.
 *
 * The characters are listed instead of named by their Unicode property: what is refused must not depend on the Unicode
 * version of the Node that replays the log.
 */

/** Controls, and every kind of space or line end but the ordinary space. */
const CONTROLS_AND_SPACES =
  '\\u0000-\\u001f\\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

/** Unicode's Default_Ignorable_Code_Point: joiners, direction marks, variation selectors, fillers, tags. */
const IGNORABLE =
  '\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f' +
  '\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}';

/** Marks of annotations, the empty Braille pattern, the shorthand and hieroglyph controls, and what is no character. */
const OTHERS = '\\ufff9-\\ufffb\\u2800\\u{13430}-\\u{1343f}\\ufdd0-\\ufdef\\ufffe\\uffff';

const INVISIBLE = new RegExp(`[${CONTROLS_AND_SPACES}${IGNORABLE}${OTHERS}]`, 'u');
const PLAIN = /^[\x21-\x7e]+$/;

/** The fault of a label in NFC; undefined when there is none. */
export function labelFault(label: string): string | undefined {
  if (PLAIN.test(label)) return undefined;
  const [invisible] = INVISIBLE.exec(label) ?? [];
  if (invisible !== undefined) {
    const point = (invisible.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return `U+${point} is invisible or looks like a space: remove it`;
  }
  if (label.startsWith(' ') || label.endsWith(' ')) return 'a space at its beginning or end: remove it';
  if (label.includes('  ')) return 'two consecutive spaces: remove one';
  return undefined;
}
