/** Text for a terminal: columns that line up, and nothing that the terminal would obey. */

/** Objectives, notes and names were written by strangers: control characters and changes of direction are shown, not done. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (character) =>
    character === '\n' ? character : escaped(character),
  );
}

/** A value as one cell of a line: text as it is, everything else as JSON. */
export function cell(value: unknown, most = Number.POSITIVE_INFINITY): string {
  if (value === undefined || value === null) return '';
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('\n', '\\n');
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Rows of cells, as wide as each column needs; the last one is as long as it is. */
export function aligned(rows: readonly (readonly string[])[], gap = '  '): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, text] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, text.length);
  }
  return rows
    .map((row) =>
      row
        .map((text, i) => text.padEnd(widths[i] ?? 0))
        .join(gap)
        .trimEnd(),
    )
    .join('\n');
}

export function indented(text: string, by = '  '): string {
  return text.replace(/^(?=.)/gm, by);
}

function escaped(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}
