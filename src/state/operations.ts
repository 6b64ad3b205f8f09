/** Collects the writes of a commit, merged per key and command, in the form that commit.lua reads. */

/** Lua's unpack fails near 8,000 elements. */
const MAX_ARGUMENTS = 4_000;

export type Command = 'HSET' | 'HDEL' | 'ZADD' | 'ZREM' | 'RPUSH' | 'LTRIM' | 'UNREF';

interface Writes {
  readonly command: Command;
  readonly key: string;
  /** Arguments that belong together (field and value, score and member) and must not be torn apart. */
  readonly stride: number;
  readonly args: string[];
}

const STRIDE: Readonly<Record<Command, number>> = {
  HSET: 2,
  HDEL: 1,
  ZADD: 2,
  ZREM: 1,
  RPUSH: 1,
  LTRIM: 2,
  UNREF: 1,
};

export class Operations {
  readonly #writes = new Map<string, Writes>();

  add(command: Command, key: string, ...args: string[]): void {
    const id = `${command} ${key}`;
    let writes = this.#writes.get(id);
    if (writes === undefined) {
      writes = { command, key, stride: STRIDE[command], args: [] };
      this.#writes.set(id, writes);
    }
    for (const arg of args) writes.args.push(arg);
  }

  /** Keys and arguments for the script. `first` are the keys that stand before the operations'. */
  encode(first: readonly string[]): { keys: string[]; args: string[] } {
    const keys = [...first];
    const places = new Map<string, number>();
    const args: string[] = [];
    for (const { command, key, stride, args: all } of this.#writes.values()) {
      let place = places.get(key);
      if (place === undefined) {
        place = keys.push(key);
        places.set(key, place);
      }
      const chunk = MAX_ARGUMENTS - (MAX_ARGUMENTS % stride);
      let start = 0;
      do {
        const count = Math.min(chunk, all.length - start);
        args.push(command, String(place), String(count));
        for (let i = start; i < start + count; i++) args.push(all[i] ?? '');
        start += count;
      } while (start < all.length);
    }
    return { keys, args };
  }
}
