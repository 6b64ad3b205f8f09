/** How long something has not changed, by the monotonic clock of the one who looks: what tells the living from the dead. */
export interface Seen {
  readonly text: string;
  /** When it was first seen as it is. */
  readonly since: number;
  /** When the look before that was begun, which saw something else; undefined where it was never seen to move. */
  readonly notBefore: number | undefined;
}

export class Movement<Key> {
  #seen = new Map<Key, Seen>();
  #lookedAt: number | undefined;

  /** One look at everything that there is: begun at `from`, answered at `now`. */
  look(all: ReadonlyMap<Key, string>, from: number, now: number): void {
    const seen = new Map<Key, Seen>();
    for (const [key, text] of all) {
      const before = this.#seen.get(key);
      if (before?.text === text) seen.set(key, before);
      else seen.set(key, { text, since: now, notBefore: before && this.#lookedAt });
    }
    this.#seen = seen;
    this.#lookedAt = from;
  }

  of(key: Key): Seen | undefined {
    return this.#seen.get(key);
  }

  entries(): IterableIterator<[Key, Seen]> {
    return this.#seen.entries();
  }
}
