/** Writes the history of a run to a file as it happens, so that what was seen is there whatever ends the run. */

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Entry } from './entries.ts';

export class Recorder {
  readonly #file: WriteStream;

  constructor(path: string) {
    this.#file = createWriteStream(path);
  }

  write(entry: Entry): void {
    this.#file.write(`${JSON.stringify(entry)}\n`);
  }

  async close(): Promise<void> {
    this.#file.end();
    await once(this.#file, 'finish');
  }
}
