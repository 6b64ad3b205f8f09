import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Entry, entrySchema } from './entries.ts';

/** Throws when a line is not an entry: a history that cannot be read proves nothing. */
export async function readHistory(path: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const line of createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    if (line !== '') entries.push(entrySchema.parse(JSON.parse(line)));
  }
  return entries;
}
