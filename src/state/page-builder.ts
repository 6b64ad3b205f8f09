import { MAX_ANSWER_BYTES } from '../protocol/limits.ts';

/** Most documents, and most bytes of them, that are read from Redis in one go. */
const READ_AT_ONCE = 500;
const READ_BYTES_AT_ONCE = 1024 * 1024;
/** Assumed size of a document before any was seen. */
const FIRST_GUESS_BYTES = 32 * 1024;

/** How many documents to read at once: as many bytes of them as a worker can bear, by what those before took. */
export class ReadPace {
  #read = 0;
  #bytes = 0;

  get next(): number {
    const average = this.#read === 0 ? FIRST_GUESS_BYTES : Math.max(1, this.#bytes / this.#read);
    return Math.max(1, Math.min(READ_AT_ONCE, Math.floor(READ_BYTES_AT_ONCE / average)));
  }

  wasRead(json: string): void {
    this.#read++;
    this.#bytes += json.length;
  }
}

/** The items of one answer: as many as were asked for, and as many as one answer holds in bytes; one at least. */
export class PageBuilder<T> {
  readonly #limit: number;
  readonly #items: T[] = [];
  #bytes = 0;
  readonly #pace = new ReadPace();
  #isFull = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get items(): readonly T[] {
    return this.#items;
  }

  /** Adds an item, unless the page is full: then there is another page. */
  add(item: T): boolean {
    const bytes = Buffer.byteLength(JSON.stringify(item)) + 1;
    const isOver = this.#items.length > 0 && this.#bytes + bytes > MAX_ANSWER_BYTES;
    if (this.#isFull || isOver || this.#items.length >= this.#limit) {
      this.#isFull = true;
      return false;
    }
    this.#items.push(item);
    this.#bytes += bytes;
    return true;
  }

  /** How many documents to read next: as many as are missing, but only as many bytes as a worker can bear. */
  get nextRead(): number {
    const missing = this.#limit - this.#items.length + 1;
    return Math.max(1, Math.min(missing, this.#pace.next));
  }

  /** A document as it was read, also one that is not wanted. */
  wasRead(json: string): void {
    this.#pace.wasRead(json);
  }
}
