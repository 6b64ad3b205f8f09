/** What docs/operations.md says there is: its tables of alarms and of figures. */
import { readFile } from 'node:fs/promises';

export function readOperations(): Promise<string> {
  return readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
}

export interface AlarmRow {
  readonly alarm: string;
  readonly stopsWork: boolean;
  readonly meaning: string;
  readonly toDo: string;
}

/** A row may be about several. */
export function alarmsOf(text: string): AlarmRow[] {
  return rowsAfter(text, '| alarm | meaning | what to do |').flatMap(
    ([names = '', meaning = '', toDo = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, alarm = '']) => ({
        alarm,
        stopsWork: names.startsWith('**'),
        meaning,
        toDo,
      })),
  );
}

export function figuresOf(text: string): string[] {
  return rowsAfter(text, '| metric | meaning |').flatMap(([names = '']) =>
    [...names.matchAll(/`(converge_\w+)/g)].map(([, name = '']) => name),
  );
}

function rowsAfter(text: string, head: string): string[][] {
  const at = text.indexOf(`${head}\n`);
  if (at === -1) throw new Error(`docs/operations.md has no table that begins with ${head}`);
  const [, , ...lines] = text.slice(at).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(0, end).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}
