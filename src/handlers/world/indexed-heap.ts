/**
 * A binary heap whose entries can be removed and moved by key. The order must be total, so that what comes out does
 * not depend on the history of the heap: a shard that was just loaded and one that ran for days must agree.
 */
export class IndexedHeap<T> {
  readonly #items: { readonly key: string; readonly item: T }[] = [];
  readonly #places = new Map<string, number>();
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0]?.item;
  }

  get(key: string): T | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#items[place]?.item;
  }

  set(key: string, item: T): void {
    this.delete(key);
    const place = this.#items.length;
    this.#items.push({ key, item });
    this.#places.set(key, place);
    this.#rise(place);
  }

  delete(key: string): boolean {
    const place = this.#places.get(key);
    if (place === undefined) return false;
    const last = this.#items.pop();
    this.#places.delete(key);
    if (last !== undefined && last.key !== key) {
      this.#items[place] = last;
      this.#places.set(last.key, place);
      this.#rise(place);
      this.#sink(this.#places.get(last.key) ?? place);
    }
    return true;
  }

  /** The first entries that pass the test, in order, without removing them. Entries that fail it are passed over. */
  first(count: number, wanted: (item: T) => boolean = () => true, until?: (item: T) => boolean): T[] {
    const found: T[] = [];
    const looked: { key: string; item: T }[] = [];
    while (found.length < count) {
      const top = this.#items[0];
      if (top === undefined || until?.(top.item)) break;
      looked.push(top);
      this.delete(top.key);
      if (wanted(top.item)) found.push(top.item);
    }
    for (const { key, item } of looked) this.set(key, item);
    return found;
  }

  #rise(from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isBefore(place, parent)) return;
      this.#swap(place, parent);
      place = parent;
    }
  }

  #sink(from: number): void {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      const right = left + 1;
      let least = place;
      if (left < this.#items.length && this.#isBefore(left, least)) least = left;
      if (right < this.#items.length && this.#isBefore(right, least)) least = right;
      if (least === place) return;
      this.#swap(place, least);
      place = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const first = this.#items[a];
    const second = this.#items[b];
    return first !== undefined && second !== undefined && this.#before(first.item, second.item);
  }

  #swap(a: number, b: number): void {
    const first = this.#items[a];
    const second = this.#items[b];
    if (first === undefined || second === undefined) return;
    this.#items[a] = second;
    this.#items[b] = first;
    this.#places.set(second.key, a);
    this.#places.set(first.key, b);
  }
}
