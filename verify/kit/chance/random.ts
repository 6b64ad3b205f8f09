/** Random numbers that a seed repeats (mulberry32): a run that went wrong can be played again. */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** The generator of the n-th thing that has this name: what was drawn for others does not matter. */
  static of(seed: number, name: string, n: number): Random {
    let mixed = scrambled(seed ^ 0x9e3779b9);
    for (const letter of name) mixed = scrambled(mixed ^ (letter.codePointAt(0) ?? 0));
    return new Random(scrambled(mixed ^ scrambled(n + 0x51ed270b)));
  }

  /** At least 0, less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** At least 0, less than `below`. */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** At least `from`, at most `to`. */
  between(from: number, to: number): number {
    return from + this.integer(to - from + 1);
  }

  /** At least `from`, less than `to`, with a fraction. */
  span(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** Long waits are rarer than short ones: every order of magnitude is as likely as the next. */
  magnitude(from: number, to: number): number {
    return Math.round(from * (to / from) ** this.next());
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<const T extends readonly [unknown, ...unknown[]]>(items: T): T[number] {
    return items[this.integer(items.length)] ?? items[0];
  }

  /** One of them; undefined when there are none. */
  oneOf<T>(items: readonly T[]): T | undefined {
    return items[this.integer(items.length)];
  }

  some<T>(items: readonly T[], share = 0.5): T[] {
    return items.filter(() => this.chance(share));
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, at: this.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }
}

function scrambled(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}
