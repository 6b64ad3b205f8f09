/** What happened, step by step: shown when one seed is replayed, hashed to prove that a replay is the same run. */
import { createHash, type Hash } from 'node:crypto';

export class Trace {
  readonly #hash: Hash | undefined;
  readonly #show: ((line: string) => void) | undefined;
  readonly #now: () => number;

  constructor(
    now: () => number,
    options: { readonly hashed: boolean; readonly show?: (line: string) => void },
  ) {
    this.#now = now;
    this.#hash = options.hashed ? createHash('sha256') : undefined;
    this.#show = options.show;
  }

  get isOn(): boolean {
    return this.#hash !== undefined || this.#show !== undefined;
  }

  note(who: string, what: string): void {
    if (!this.isOn) return;
    const line = `${this.#now().toFixed(3).padStart(10)} ${who.padEnd(6)} ${what}`;
    this.#hash?.update(line).update('\n');
    this.#show?.(line);
  }

  digest(): string | undefined {
    return this.#hash?.digest('hex');
  }
}
