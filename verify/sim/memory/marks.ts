/** The trim marks as their stream keeps them: one message for each shard, written only over the one that was seen. */
import {
  decodeMark,
  encodeMark,
  type HeldMark,
  type TrimMark,
  type TrimMarks,
} from '../../../src/bus/trim-marks.ts';
import type { Link } from './link.ts';

interface Kept {
  readonly text: string;
  readonly revision: number;
}

export class MemoryMarks {
  readonly #onWritten: (shard: number, before: TrimMark | undefined, after: TrimMark) => void;
  #kept = new Map<number, Kept>();
  #before = new Map<number, Kept>();
  #revision = 0;

  constructor(onWritten: (shard: number, before: TrimMark | undefined, after: TrimMark) => void) {
    this.#onWritten = onWritten;
  }

  read(shard: number): HeldMark {
    return heldAs(this.#kept.get(shard));
  }

  /** What stood there before the newest one: a copy that is behind. */
  readStale(shard: number): HeldMark {
    return heldAs(this.#before.get(shard) ?? this.#kept.get(shard));
  }

  write(shard: number, mark: TrimMark, revision: number): boolean {
    const there = this.#kept.get(shard);
    if ((there?.revision ?? 0) !== revision) return false;
    this.#onWritten(shard, heldAs(there).mark, mark);
    if (there !== undefined) this.#before.set(shard, there);
    this.#kept.set(shard, { text: encodeMark(mark), revision: ++this.#revision });
    return true;
  }

  /** Somebody deleted the stream. */
  lose(): void {
    this.#kept = new Map();
    this.#before = new Map();
  }
}

/** The marks as a worker reaches them. Whoever recovers a shard reads them of the leader: that is never stale. */
export function memoryTrimMarks(link: Link, marks: MemoryMarks, isStale: () => boolean): TrimMarks {
  return {
    read: (shard) => link.request('log', () => (isStale() ? marks.readStale(shard) : marks.read(shard))),
    write: (shard, mark, revision) => link.request('publish', () => marks.write(shard, mark, revision)),
  };
}

function heldAs(kept: Kept | undefined): HeldMark {
  return { mark: kept && decodeMark(kept.text), revision: kept?.revision ?? 0 };
}
