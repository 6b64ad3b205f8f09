/** What has changed in a shard since its last commit: all that the next one writes, and how much each message added. */
import { type DocumentChange, keyOf } from '../../protocol/document-change.ts';
import type { Ban } from '../../protocol/documents.ts';
import type { Fence } from '../../protocol/marks.ts';

/** Which half of a change is put in: the other one is taken out. */
export type Side = 'before' | 'after';

/** What messages have changed: documents, and entries of maps besides (bans, fences, turns, buckets). */
export interface Touched {
  readonly documents: ReadonlySet<DocumentChange>;
  readonly entries: number;
  /** What the texts of these entries take as JSON, at most. */
  readonly entryBytes: number;
}

export interface TakenChanges {
  readonly changes: readonly DocumentChange[];
  readonly sequences: ReadonlyMap<string, number>;
  /** Bans from the whole system; undefined for those that were lifted. */
  readonly bans: ReadonlyMap<string, Ban | undefined>;
  /** Whose turn it is when, of the pools that owe something; undefined of those that owe nothing. */
  readonly turns: ReadonlyMap<string, number | undefined>;
  /** Fences by their keys: all that there are of an agent in a pool, or everywhere. */
  readonly fences: ReadonlyMap<string, readonly Fence[]>;
}

/** A ban or a fence as JSON, and each character of its reason, at most. */
const ENDING_BYTES = 400;
const CHARACTER_BYTES = 6;

export class Changes {
  #documents = new Map<string, DocumentChange>();
  #sequences = new Map<string, number>();
  #bans = new Map<string, Ban | undefined>();
  #turns = new Map<string, number | undefined>();
  #fences = new Map<string, readonly Fence[]>();
  #touched = new Set<DocumentChange>();
  #entries = 0;
  #entryBytes = 0;

  /** Several changes of one document between two commits are one: from what is stored to what it is now. */
  ofDocument(change: DocumentChange, side: Side): void {
    const key = keyOf(change);
    const earlier = this.#documents.get(key);
    const recorded = earlier ?? { ...change };
    if (earlier === undefined) this.#documents.set(key, recorded);
    else earlier.after = change[side];
    this.#touched.add(recorded);
  }

  ofSequence(pool: string, sequence: number): void {
    this.#sequences.set(pool, sequence);
  }

  /** The pool has come to nothing: taken back before it was stored. */
  forgetSequence(pool: string): void {
    this.#sequences.delete(pool);
  }

  ofBan(agent: string, ban: Ban | undefined): void {
    this.#bans.set(agent, ban);
    this.#touchEntry(ban === undefined ? 0 : endingBytes(ban));
  }

  ofTurn(key: string, turn: number | undefined): void {
    this.#turns.set(key, turn);
    this.#touchEntry(0);
  }

  ofFences(key: string, fences: readonly Fence[]): void {
    this.#fences.set(key, fences);
    let bytes = 0;
    for (const fence of fences) bytes += endingBytes(fence);
    this.#touchEntry(bytes);
  }

  /** Since the last call: the size of a commit is measured message by message. */
  takeTouched(): Touched {
    const touched = { documents: this.#touched, entries: this.#entries, entryBytes: this.#entryBytes };
    this.#touched = new Set();
    this.#entries = 0;
    this.#entryBytes = 0;
    return touched;
  }

  /** Everything since it was last taken. */
  take(): TakenChanges {
    const taken = {
      changes: [...this.#documents.values()].filter(isToBeWritten),
      sequences: this.#sequences,
      bans: this.#bans,
      turns: this.#turns,
      fences: this.#fences,
    };
    this.#documents = new Map();
    this.#sequences = new Map();
    this.#bans = new Map();
    this.#turns = new Map();
    this.#fences = new Map();
    this.takeTouched();
    return taken;
  }

  #touchEntry(bytes: number): void {
    this.#entries++;
    this.#entryBytes += bytes;
  }
}

/** Not what came and went between two commits; of a pool that did, the number of its last event must not be written. */
function isToBeWritten({ kind, before, after }: DocumentChange): boolean {
  return kind === 'pool' || before !== undefined || after !== undefined;
}

function endingBytes({ reason }: { readonly reason?: string | undefined }): number {
  return ENDING_BYTES + CHARACTER_BYTES * (reason?.length ?? 0);
}
