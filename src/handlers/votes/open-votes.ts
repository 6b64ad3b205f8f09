import type { Vote } from '../../protocol/votes.ts';

/** How many votes of a pool are open, and how many agents they ask together: a function of the documents. */
export class OpenVotes {
  readonly #seatsOf = new Map<string, number>();
  #seats = 0;

  get size(): number {
    return this.#seatsOf.size;
  }

  /** An agent that is asked by two votes counts twice. */
  get seats(): number {
    return this.#seats;
  }

  put(id: string, after: Vote | undefined): void {
    this.#seats -= this.#seatsOf.get(id) ?? 0;
    this.#seatsOf.delete(id);
    if (after?.state !== 'open') return;
    this.#seatsOf.set(id, after.voters.length);
    this.#seats += after.voters.length;
  }
}
