/** What a run found wrong, by the invariant of docs/architecture.md that it breaks. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9';

export interface Violation {
  readonly seed: number;
  readonly invariant: Invariant;
  readonly what: string;
  /** Simulated milliseconds since the run began. */
  readonly atMs: number;
  readonly replay: string;
}

/** After the first few, more only repeat them. */
const MOST = 10;

export class Findings {
  readonly #seed: number;
  readonly #now: () => number;
  readonly violations: Violation[] = [];

  constructor(seed: number, now: () => number) {
    this.#seed = seed;
    this.#now = now;
  }

  report(invariant: Invariant, what: string): void {
    if (this.violations.length >= MOST) return;
    const replay = `npm run sim -- --seed ${this.#seed}`;
    this.violations.push({ seed: this.#seed, invariant, what, atMs: Math.round(this.#now()), replay });
  }
}
