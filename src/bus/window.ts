import { Signal } from '../lib/signal.ts';

/** An item that passes through a {@link Window}. */
export interface Place {
  readonly size: number;
  readonly begin: () => void;
  state: 'outside' | 'waiting' | 'inside';
}

/**
 * A bound on pending items, in number and in size. Callers that find it full wait in line, first come, first served. What
 * is larger than the whole window has it to itself.
 */
export class Window {
  readonly #maxCount: number;
  readonly #maxSize: number;
  #count = 0;
  #size = 0;
  #line: Place[] = [];
  #head = 0;
  #isAdmitting = false;
  readonly #uncrowded = new Signal();

  constructor(maxCount: number, maxSize: number = Number.POSITIVE_INFINITY) {
    this.#maxCount = maxCount;
    this.#maxSize = maxSize;
  }

  /** Someone is waiting in line. */
  get isCrowded(): boolean {
    return this.#head < this.#line.length;
  }

  /** Resolves when nobody is waiting any more. */
  uncrowded(): Promise<void> {
    return this.isCrowded ? this.#uncrowded.next() : Promise.resolve();
  }

  /** Calls `begin` when there is room, which may be at once. Every item that enters must leave, begun or not. */
  enter(place: Place): void {
    place.state = 'waiting';
    this.#line.push(place);
    this.#admit();
  }

  /** Makes room, or gives up the place in the line. */
  leave(place: Place): void {
    if (place.state === 'inside') {
      this.#count--;
      this.#size -= place.size;
    }
    place.state = 'outside';
    this.#admit();
  }

  #admit(): void {
    // An item that begins may leave at once: the running loop admits the next one.
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    for (let next = this.#line[this.#head]; next !== undefined; next = this.#line[this.#head]) {
      if (next.state === 'waiting') {
        if (!this.#hasRoomFor(next)) break;
        this.#head++;
        next.state = 'inside';
        this.#count++;
        this.#size += next.size;
        next.begin();
      } else {
        this.#head++;
      }
    }
    this.#isAdmitting = false;
    this.#forgetAdmitted();
    if (!this.isCrowded) this.#uncrowded.notifyWaiters();
  }

  #hasRoomFor({ size }: Place): boolean {
    return this.#count === 0 || (this.#count < this.#maxCount && this.#size + size <= this.#maxSize);
  }

  #forgetAdmitted(): void {
    if (this.#head === this.#line.length) this.#line.length = 0;
    else if (this.#head >= 1_024 && this.#head * 2 >= this.#line.length) this.#line.splice(0, this.#head);
    else return;
    this.#head = 0;
  }
}
