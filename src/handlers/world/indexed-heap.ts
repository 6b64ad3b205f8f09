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

  /** All entries in order, one by one; the heap must not change meanwhile. Looking at k of them takes k·log k steps. */
  *inOrder(): Generator<T, void, undefined> {
    // Places whose parents were given out, best first: the next one of all is always among them.
    const frontier: number[] = this.#items.length === 0 ? [] : [0];
    while (frontier.length > 0) {
      const place = this.#popBest(frontier);
      const entry = this.#items[place];
      if (entry === undefined) return;
      yield entry.item;
      for (const child of [2 * place + 1, 2 * place + 2]) {
        if (child < this.#items.length) this.#pushTo(frontier, child);
      }
    }
  }

  /** The first entries that pass the test, in order. Entries that fail it are passed over; looking ends at `until`. */
  first(count: number, wanted: (item: T) => boolean = () => true, until?: (item: T) => boolean): T[] {
    const found: T[] = [];
    if (count <= 0) return found;
    for (const item of this.inOrder()) {
      if (until?.(item)) break;
      if (wanted(item)) found.push(item);
      if (found.length >= count) break;
    }
    return found;
  }

  #pushTo(frontier: number[], place: number): void {
    let at = frontier.push(place) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(frontier[at] ?? 0, frontier[parent] ?? 0)) return;
      swap(frontier, at, parent);
      at = parent;
    }
  }

  #popBest(frontier: number[]): number {
    const best = frontier[0] ?? 0;
    const last = frontier.pop() ?? 0;
    if (frontier.length > 0) frontier[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const right = left + 1;
      let least = at;
      if (left < frontier.length && this.#isBefore(frontier[left] ?? 0, frontier[least] ?? 0)) least = left;
      if (right < frontier.length && this.#isBefore(frontier[right] ?? 0, frontier[least] ?? 0))
        least = right;
      if (least === at) return best;
      swap(frontier, at, least);
      at = least;
    }
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

function swap(list: number[], a: number, b: number): void {
  const first = list[a];
  const second = list[b];
  if (first === undefined || second === undefined) return;
  list[a] = second;
  list[b] = first;
}
