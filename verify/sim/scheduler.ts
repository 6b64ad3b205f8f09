/**
 * Simulated time. What happens next is what is due next, and of two things due at once the one that was planned first:
 * nothing else decides, so that a run is a function of its seed. Whatever promises a step settles are followed to their
 * end before the next step; nothing of the code under test waits for anything real.
 */
export interface Timer {
  cancel(): void;
}

interface Planned {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export class Scheduler {
  readonly #heap: Planned[] = [];
  #now = 0;
  #order = 0;
  #steps = 0;
  #hasSettled = false;

  /** Milliseconds since the beginning of the run. */
  get now(): number {
    return this.#now;
  }

  get steps(): number {
    return this.#steps;
  }

  after(ms: number, run: () => void): Timer {
    const planned: Planned = { at: this.#now + Math.max(0, ms), order: this.#order++, run };
    this.#push(planned);
    return {
      cancel: () => {
        planned.run = undefined;
      },
    };
  }

  /** A promise of the code under test was settled: what follows from it has to be waited for. */
  settled(): void {
    this.#hasSettled = true;
  }

  /** Goes on until `isOver` says so, nothing is left to do, or the time is up. Answers whether it was over. */
  async run(isOver: () => boolean, forMs: number): Promise<boolean> {
    const end = this.#now + forMs;
    await turn();
    while (!isOver()) {
      const next = this.#pop();
      if (next === undefined || next.at > end) {
        if (next !== undefined) this.#push(next);
        this.#now = end;
        return false;
      }
      if (next.run === undefined) continue;
      this.#now = next.at;
      this.#steps++;
      next.run();
      if (!this.#hasSettled) continue;
      this.#hasSettled = false;
      await turn();
    }
    return true;
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let at = heap.push(planned) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, planned)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = planned;
  }

  #pop(): Planned | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, left)) child++;
      const least = heap[child];
      if (least === undefined || isBefore(last, least)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.at !== b.at ? a.at < b.at : a.order < b.order;
}

/** Node runs every promise's continuation before the next immediate. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
