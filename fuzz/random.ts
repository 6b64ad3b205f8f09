/** Random numbers that a seed repeats (splitmix32): every input has a seed of its own, so that one can be made again alone. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** The generator of the n-th input of a target: what was made before it does not matter. */
  static of(seed: number, target: string, n: number): Random {
    let mixed = scrambled(seed ^ 0x9e3779b9);
    for (const letter of target) mixed = scrambled(mixed ^ (letter.codePointAt(0) ?? 0));
    return new Random(scrambled(mixed ^ scrambled(n + 0x51ed270b)));
  }

  /** At least 0, less than 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    return (scrambled(this.#state) >>> 0) / 0x1_0000_0000;
  }

  /** At least 0, less than `below`. */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<const T extends readonly [unknown, ...unknown[]]>(items: T): T[number] {
    return items[this.integer(items.length)] ?? items[0];
  }

  some<T>(items: readonly T[], share = 0.5): T[] {
    return items.filter(() => this.chance(share));
  }
}

function scrambled(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}
