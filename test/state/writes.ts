/** What commit.lua does with the operations of a commit, on maps: so that what they come to can be looked at without Redis. */
import { shardKeys } from '../../src/state/keys.ts';
import type { Operations } from '../../src/state/operations.ts';
import type { Dump } from '../support/dump-state.ts';

export const KEYS = shardKeys('converge', 0);
const FIRST = [KEYS.meta];

export class WrittenKeys {
  readonly #hashes = new Map<string, Map<string, string>>();
  readonly #sets = new Map<string, Map<string, number>>();
  /** Receipts that lost one of what their decision created, in order. */
  readonly released: string[] = [];

  /** Throws where an operation cannot be what a commit means. */
  apply(writes: Operations): void {
    const { keys, args } = writes.encode(FIRST);
    if (keys[0] !== KEYS.meta) throw new Error('the first keys come first');
    for (let at = 0; at < args.length; ) {
      const [command = '', place = '', count = ''] = args.slice(at, at + 3);
      const key = keys[Number(place) - 1];
      if (key === undefined) throw new Error(`${command} of key ${place}, which there is not`);
      this.#run(command, key, args.slice(at + 3, at + 3 + Number(count)));
      at += 3 + Number(count);
    }
  }

  /** In the form of a dump of Redis. */
  asDump(): Dump {
    const hashes = [...this.#hashes].map(([key, hash]): [string, unknown] => [
      key,
      Object.fromEntries([...hash].sort(([a], [b]) => (a < b ? -1 : 1))),
    ]);
    const sets = [...this.#sets].map(([key, set]): [string, unknown] => [
      key,
      [...set]
        .sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
        .flatMap(([member, score]) => [member, String(score)]),
    ]);
    return Object.fromEntries([...hashes, ...sets].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #run(command: string, key: string, args: readonly string[]): void {
    if (args.length === 0) throw new Error(`${command} of nothing`);
    switch (command) {
      case 'HSET':
        for (const [field, value] of two(args)) entry(this.#hashes, key).set(field, value);
        return;
      case 'ZADD':
        for (const [score, member] of two(args)) entry(this.#sets, key).set(member, scoreOf(score));
        return;
      case 'HDEL':
        remove(this.#hashes, key, args);
        return;
      case 'ZREM':
        remove(this.#sets, key, args);
        return;
      case 'UNREF':
        this.released.push(...args);
        return;
      default:
        throw new Error(`${command} is not of the documents`);
    }
  }
}

function two(args: readonly string[]): [string, string][] {
  if (args.length % 2 !== 0) throw new Error('something without its other half');
  return Array.from({ length: args.length / 2 }, (_, i) => [args[2 * i] ?? '', args[2 * i + 1] ?? '']);
}

function scoreOf(text: string): number {
  const score = Number(text);
  if (text === '' || Number.isNaN(score)) throw new Error(`${text} is no score`);
  return score + 0;
}

function entry<V>(all: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const known = all.get(key) ?? new Map<string, V>();
  all.set(key, known);
  return known;
}

/** As Redis does: with the last member goes the key. What is not there cannot be removed: nobody would have to. */
function remove<V>(all: Map<string, Map<string, V>>, key: string, members: readonly string[]): void {
  for (const member of members) {
    if (all.get(key)?.delete(member) !== true)
      throw new Error(`${member} is removed from ${key}, where it is not`);
  }
  if (all.get(key)?.size === 0) all.delete(key);
}
