/** Collects the writes of a commit, merged per key and command, in the form that commit.lua reads. */

/** Lua's unpack fails near 8,000 elements. */
const MAX_ARGUMENTS = 4_000;

export type Command = 'HSET' | 'HDEL' | 'ZADD' | 'ZREM' | 'RPUSH' | 'LTRIM' | 'UNREF' | 'UNLINK';

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
  UNLINK: 1,
};

export class Operations {
  /** By key, then command: a key is looked up many times, and joining it to the command would make a new text each time. */
  readonly #writes = new Map<string, Writes[]>();

  add(command: Command, key: string, ...args: string[]): void {
    const writes = this.#of(command, key);
    for (const arg of args) writes.args.push(arg);
  }

  /** The same for a list of any length. */
  addAll(command: Command, key: string, args: readonly string[]): void {
    const writes = this.#of(command, key);
    for (const arg of args) writes.args.push(arg);
  }

  /** The same for a command whose arguments go in pairs: field and value, or score and member. */
  addPair(command: 'HSET' | 'ZADD', key: string, first: string, second: string): void {
    this.#of(command, key).args.push(first, second);
  }

  #of(command: Command, key: string): Writes {
    let ofKey = this.#writes.get(key);
    if (ofKey === undefined) {
      ofKey = [];
      this.#writes.set(key, ofKey);
    }
    for (const writes of ofKey) if (writes.command === command) return writes;
    const writes = { command, key, stride: STRIDE[command], args: [] };
    ofKey.push(writes);
    return writes;
  }

  /** Keys and arguments for the script. `first` are the keys that stand before the operations'. */
  encode(first: readonly string[]): { keys: string[]; args: string[] } {
    const keys = [...first];
    const args: string[] = [];
    for (const [key, ofKey] of this.#writes) {
      const known = first.indexOf(key);
      const place = String(known === -1 ? keys.push(key) : known + 1);
      for (const writes of ofKey) encodeWrites(writes, place, args);
    }
    return { keys, args };
  }
}

function encodeWrites({ command, stride, args: all }: Writes, place: string, args: string[]): void {
  const chunk = MAX_ARGUMENTS - (MAX_ARGUMENTS % stride);
  let start = 0;
  do {
    const count = Math.min(chunk, all.length - start);
    args.push(command, place, String(count));
    for (let i = start; i < start + count; i++) args.push(all[i] ?? '');
    start += count;
  } while (start < all.length);
}
