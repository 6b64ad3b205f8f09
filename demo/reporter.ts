/** Tells on stderr how it goes: what happened line by line, and below it one line that is rewritten on a terminal. */
export class Reporter {
  readonly #stream: NodeJS.WriteStream;
  readonly #started = performance.now();
  #status = '';
  #isClosed = false;
  #lastPlainAt = Number.NEGATIVE_INFINITY;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    // Whoever reads it may have gone away: no reason to stop.
    stream.on('error', () => undefined);
  }

  say(line: string): void {
    this.#write(`${this.#erase()}${this.#time()} ${line}\n${this.#isTerminal ? this.#status : ''}`);
  }

  /** How far it has come. Off a terminal it is said now and then. */
  status(line: string): void {
    if (this.#isClosed) return;
    if (this.#isTerminal) {
      const width = Math.max(20, (this.#stream.columns || 80) - 1);
      this.#status = `${Math.floor(this.#seconds)}s ${line}`.slice(0, width);
      this.#write(`${this.#erase()}${this.#status}`);
      return;
    }
    const now = performance.now();
    if (now - this.#lastPlainAt < PLAIN_EVERY_MS) return;
    this.#lastPlainAt = now;
    this.say(line);
  }

  /** Takes the status line away, for good. */
  close(): void {
    this.#isClosed = true;
    this.#write(this.#erase());
    this.#status = '';
  }

  get #isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  #erase(): string {
    return this.#isTerminal && this.#status !== '' ? '\r\x1b[K' : '';
  }

  #time(): string {
    return `${this.#seconds.toFixed(1).padStart(5)} s `;
  }

  get #seconds(): number {
    return (performance.now() - this.#started) / 1_000;
  }

  #write(text: string): void {
    if (text !== '' && this.#stream.writable) this.#stream.write(text);
  }
}

const PLAIN_EVERY_MS = 2_000;
