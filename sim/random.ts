import { Random } from '../demo/random.ts';

/** What a run draws its dice from: everything that is left to chance comes from one seed. */
export class Dice extends Random {
  readonly seed: number;

  constructor(seed: number) {
    super(seed);
    this.seed = seed;
  }

  /** At least `from`, at most `to`. */
  between(from: number, to: number): number {
    return from + this.integer(to - from + 1);
  }

  /** At least `from`, less than `to`, with a fraction. */
  span(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** One of them; undefined when there are none. */
  oneOf<T>(items: readonly T[]): T | undefined {
    return items[this.integer(items.length)];
  }

  some<T>(items: readonly T[]): T[] {
    return items.filter(() => this.chance(0.5));
  }

  /** Long waits are rarer than short ones: every order of magnitude is as likely as the next. */
  magnitude(from: number, to: number): number {
    return Math.round(from * (to / from) ** this.next());
  }
}
