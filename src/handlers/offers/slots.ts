/** Sets of small numbers as bits, and as short lists as long as there are few. */
export const WORD = 32;

export function setBit(bits: Uint32Array, slot: number, value: boolean): void {
  const at = Math.floor(slot / WORD);
  const bit = 1 << (slot % WORD);
  bits[at] = value ? (bits[at] ?? 0) | bit : (bits[at] ?? 0) & ~bit;
}

/** Of both sets; the first keeps what is in the second, too. Returns whether anything is left. */
export function keepCommon(bits: Uint32Array, others: Uint32Array): boolean {
  let left = 0;
  for (let at = 0; at < bits.length; at++) {
    const word = (bits[at] ?? 0) & (others[at] ?? 0);
    bits[at] = word;
    left |= word;
  }
  return left !== 0;
}

export function haveCommon(a: Uint32Array, b: Uint32Array): boolean {
  for (let at = 0; at < a.length; at++) if (((a[at] ?? 0) & (b[at] ?? 0)) !== 0) return true;
  return false;
}

/** With more members than this a set is kept as bits. */
const FEW = 32;

export class Slots {
  readonly #few = new Set<number>();
  #bits: Uint32Array | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(slot: number): void {
    this.#size++;
    if (this.#bits === undefined && this.#few.size < FEW) {
      this.#few.add(slot);
      return;
    }
    this.#bits = wideEnough(this.#bits ?? new Uint32Array(1), slot);
    for (const each of this.#few) {
      this.#bits = wideEnough(this.#bits, each);
      setBit(this.#bits, each, true);
    }
    this.#few.clear();
    setBit(this.#bits, slot, true);
  }

  delete(slot: number): void {
    this.#size--;
    this.#few.delete(slot);
    if (this.#bits !== undefined) setBit(this.#bits, slot, false);
  }

  addTo(bits: Uint32Array): void {
    for (const slot of this.#few) setBit(bits, slot, true);
    const own = this.#bits;
    if (own === undefined) return;
    for (let at = 0; at < own.length; at++) bits[at] = (bits[at] ?? 0) | (own[at] ?? 0);
  }
}

/** At least as many words as the slot needs, doubling. */
export function wideEnough(bits: Uint32Array, slot: number): Uint32Array {
  let { length } = bits;
  while (slot >= length * WORD) length *= 2;
  if (length === bits.length) return bits;
  const wider = new Uint32Array(length);
  wider.set(bits);
  return wider;
}

/** Slots by name; a name without any is not kept. */
export class SlotsByName {
  readonly #of = new Map<string, Slots>();

  get(name: string): Slots | undefined {
    return this.#of.get(name);
  }

  add(name: string, slot: number): void {
    const known = this.#of.get(name) ?? new Slots();
    this.#of.set(name, known);
    known.add(slot);
  }

  delete(name: string, slot: number): void {
    const known = this.#of.get(name);
    known?.delete(slot);
    if (known?.size === 0) this.#of.delete(name);
  }

  /** How many have any of these, those that have several counted as often. */
  count(names: readonly string[]): number {
    let sum = 0;
    for (const name of names) sum += this.#of.get(name)?.size ?? 0;
    return sum;
  }
}
