/**
 * Strict CSV: a header, then as many fields on every line as it has. Whatever is wrong is an {@link InputError} with
 * file and line. Columns may stand in any order, and others may stand between them.
 */
import { InputError } from '../input-error.ts';

export interface Row {
  readonly line: number;
  text(column: string): string;
  fault(what: string): InputError;
}

export function readRows(file: string, content: string, columns: readonly string[]): Row[] {
  const [first = '', ...lines] = content.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = fieldsOf(file, 1, first);
  const missing = columns.filter((column) => !header.includes(column));
  if (missing.length > 0) throw new InputError(`${file}:1: the header lacks ${missing.join(', ')}`);
  if (new Set(header).size < header.length)
    throw new InputError(`${file}:1: the header names a column twice`);
  const rows = lines.flatMap((line, i) => (line === '' ? [] : [rowOf(file, i + 2, line, header)]));
  if (rows.length === 0) throw new InputError(`${file}: there are no rows below the header`);
  return rows;
}

function rowOf(file: string, line: number, text: string, header: readonly string[]): Row {
  const fields = fieldsOf(file, line, text);
  if (fields.length !== header.length) {
    throw new InputError(`${file}:${line}: ${fields.length} fields where the header has ${header.length}`);
  }
  return {
    line,
    text: (column) => fields[header.indexOf(column)] ?? '',
    fault: (what) => new InputError(`${file}:${line}: ${what}`),
  };
}

/** One field, plain or quoted, and what ends it. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;

function fieldsOf(file: string, line: number, text: string): string[] {
  const fields: string[] = [];
  FIELD.lastIndex = 0;
  for (;;) {
    const found = FIELD.exec(text);
    if (found === null) throw new InputError(`${file}:${line}: a quote where none can stand`);
    const [, quoted, plain = '', end] = found;
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '') return fields;
  }
}
