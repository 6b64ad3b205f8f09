/** How long a program has been at it, for its report and for the lines that it says meanwhile. */
export class Stopwatch {
  readonly #startedAt = performance.now();

  /** In tenths. */
  seconds(): number {
    return Math.round((performance.now() - this.#startedAt) / 100) / 10;
  }

  /** One line on stderr, after the seconds so far. */
  say(line: string): void {
    process.stderr.write(`${this.seconds().toFixed(0).padStart(4)} s  ${line}\n`);
  }
}
