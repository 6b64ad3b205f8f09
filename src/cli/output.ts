/** Where a call speaks: data on stdout, everything else on stderr. */
import type { Writable } from 'node:stream';
import { every, type Timer } from '../lib/timers.ts';
import type { Failure } from './failure.ts';
import { isReaderGone } from './reader-gone.ts';
import { printable } from './text.ts';

const LOOK_MS = 250;

export interface OutputOptions {
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Data is one JSON text per line. */
  readonly isJson: boolean;
}

export class Output {
  readonly isJson: boolean;
  readonly #stdout: Writable;
  readonly #stderr: Writable;
  readonly #unread = new AbortController();

  constructor({ stdout, stderr, isJson }: OutputOptions) {
    this.isJson = isJson;
    this.#stdout = stdout;
    this.#stderr = stderr;
    // `converge tail events | head -1`: the reader has what it wanted, which is no failure of ours.
    stdout.on('error', () => this.#unread.abort());
    stderr.on('error', () => undefined);
  }

  /** Aborted when nobody reads stdout any more. */
  get unread(): AbortSignal {
    return this.#unread.signal;
  }

  /**
   * Looks now and then whether anyone reads stdout: without writing, a process never learns that its reader is gone, and
   * what follows something quiet would go on forever behind a `head -1`.
   */
  watchReader(): Timer {
    const fd = Reflect.get(this.#stdout, 'fd');
    return every(LOOK_MS, () => {
      if (typeof fd === 'number' && isReaderGone(fd)) this.#unread.abort();
    }).unref();
  }

  /** Resolves when it is written, so that a slow reader slows down the writer. */
  data(value: unknown, readable: () => string): Promise<void> {
    return this.#write(`${this.isJson ? JSON.stringify(value) : printable(readable())}\n`);
  }

  /** Our own text as it is. */
  raw(text: string): void {
    void this.#write(text);
  }

  /** For people, whatever the form of the data. */
  say(line: string): void {
    this.#stderr.write(`${printable(line)}\n`);
  }

  failure(failure: Failure): void {
    const { name, message, code, exitCode, stack } = failure;
    if (this.isJson) this.#stderr.write(`${JSON.stringify({ error: { name, message, code, exitCode } })}\n`);
    else this.say(`converge: ${message}`);
    if (stack !== undefined) this.say(stack);
  }

  /** Resolves when what was written has left the process. */
  async flushed(): Promise<void> {
    await this.#write('');
  }

  #write(text: string): Promise<void> {
    if (this.#unread.signal.aborted) return Promise.resolve();
    // The callback comes after a failure, too.
    return new Promise((resolve) => {
      this.#stdout.write(text, () => resolve());
    });
  }
}
