/**
 * Strict CSV: a header, then as many fields on every line as it has. Fields may be quoted; none goes over the end of a
 * line. Whatever is wrong is an {@link InputError} with file and line.
 */
import { InputError } from './input-error.ts';

export class CsvRow {
  readonly #file: string;
  readonly line: number;
  readonly #fields: ReadonlyMap<string, string>;

  constructor(file: string, line: number, fields: ReadonlyMap<string, string>) {
    this.#file = file;
    this.line = line;
    this.#fields = fields;
  }

  text(column: string): string {
    return this.#fields.get(column) ?? '';
  }

  wholeNumber(column: string, most: number = Number.MAX_SAFE_INTEGER): number {
    const text = this.text(column);
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number <= most) return number;
    throw this.fault(`${column} is ${JSON.stringify(text)}, not a whole number up to ${most}`);
  }

  /** Undefined for an empty field. */
  optionalNumber(column: string): number | undefined {
    return this.text(column) === '' ? undefined : this.wholeNumber(column);
  }

  fault(what: string): InputError {
    return new InputError(`${this.#file}:${this.line}: ${what}`);
  }
}

/** Columns may stand in any order, and others may stand between them. */
export function parseCsv(file: string, text: string, columns: readonly string[]): CsvRow[] {
  const [first = '', ...lines] = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = fieldsOf(file, 1, first);
  const missing = columns.filter((column) => !header.includes(column));
  if (missing.length > 0) {
    throw new InputError(
      `${file}:1: the header lacks ${missing.join(', ')}; it reads ${JSON.stringify(first)}`,
    );
  }
  if (new Set(header).size < header.length)
    throw new InputError(`${file}:1: the header names a column twice`);
  const rows = lines.flatMap((line, i) => (line === '' ? [] : [rowOf(file, i + 2, line, header)]));
  if (rows.length === 0) throw new InputError(`${file}: there are no rows below the header`);
  return rows;
}

function rowOf(file: string, line: number, text: string, header: readonly string[]): CsvRow {
  const fields = fieldsOf(file, line, text);
  if (fields.length !== header.length) {
    throw new InputError(`${file}:${line}: ${fields.length} fields where the header has ${header.length}`);
  }
  return new CsvRow(file, line, new Map(header.map((column, i) => [column, fields[i] ?? ''])));
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
