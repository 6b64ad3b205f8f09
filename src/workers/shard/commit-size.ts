/**
 * How large a commit becomes, message by message: never less than what will be written (src/state/encode-commit.ts), so
 * that a batch can be cut in time. It is cut after the message that passes half of a bound; as no message reaches half,
 * no commit is larger than the bound.
 *
 * Writing a document out costs more than deciding on it. So documents are reckoned too large, and only when their sum
 * passes the cut are those written out of which the size is not known. Their texts are what is committed.
 */
import type { Touched } from '../../handlers/world/changes.ts';
import { type DocumentChange, isEntityChange } from '../../protocol/document-change.ts';
import { type Group, KINDS } from '../../protocol/entities.ts';
import { WRITE_BOUNDS, type WriteBounds } from '../../state/script-writer.ts';

/** Where a batch is cut. */
export const COMMIT_CUT: WriteBounds = {
  bytes: WRITE_BOUNDS.bytes / 2,
  arguments: WRITE_BOUNDS.arguments / 2,
};

/** What one message writes besides documents. */
export interface MessageSize {
  /** As it stands in the log: what it can have added to a document that is too large to be measured again. */
  readonly bytes: number;
  readonly pool: string;
  /** Stored, or only in the outbox. A Settle has none. */
  readonly outcome?: { readonly key: string; readonly json: string; readonly isReceipt: boolean };
  readonly events?: readonly { readonly subject: string; readonly id: string; readonly json: string }[];
  readonly forgottenOutcomes?: number;
}

/** Arguments by kind of document: its fields, the entries of its indexes that go and come, and keys of its own. */
const ARGUMENTS: Readonly<Record<'pool' | 'member' | 'offer' | Group, number>> = {
  pool: 8,
  member: 16,
  offer: 12,
  tasks: 22,
  collective: 14,
};
/** Keys of one pool, each with the head of its operations: of its tasks and members, and of each other kind of entity. */
const ARGUMENTS_OF_POOL = 90;
const ARGUMENTS_OF_KIND = 60;
/** Outcome, receipt, the number of the pool's last event, and a line of the outbox that is cleared. */
const ARGUMENTS_OF_MESSAGE = 24;
/** Of a ban, a turn, a bucket of rates; a fence has twice as many, with its key in an index. */
const ARGUMENTS_OF_ENTRY = 4;
const ARGUMENTS_OF_COMMIT = 80;
/** Of a pack beside subject and ids, and no pack has less than one event: two numbers, a count, separators. */
const BYTES_OF_PACK = 64;
/** Names in fields, members of indexes and keys: of a document, of a pool, of a message. */
const BYTES_OF_NAMES = 2_000;
const BYTES_OF_POOL = 8_000;
const BYTES_OF_COMMIT = 4_000;
const BYTES_OF_FORGOTTEN = 300;
/** Names of an entry, twice, with a place in the log or in time. */
const BYTES_OF_ENTRY = 400;
/** The longest reason of a dead letter, of characters of three bytes. */
const BYTES_OF_LINE = 1_600;
/** What a document may take that was not written out yet: more than any does. */
const UNKNOWN_BYTES = 1024 * 1024;
/** Size that a decision can add to a document besides its own and its events' content. */
const GROWTH_BYTES = 2_000;
/**
 * A batch of which what is known takes more than this part of the cut ends there: with less room than that left, documents
 * would be written out after every message.
 */
const FULL = 3 / 4;

export class CommitSize {
  readonly #cut: WriteBounds;
  /** At most, but exactly where there is a text. */
  readonly #documents = new Map<DocumentChange, number>();
  readonly #texts = new Map<DocumentChange, string>();
  readonly #unwritten = new Set<DocumentChange>();
  readonly #places = new Set<string>();
  #bytes = BYTES_OF_COMMIT;
  #arguments = ARGUMENTS_OF_COMMIT;

  constructor(cut: WriteBounds = COMMIT_CUT) {
    this.#cut = cut;
  }

  /** Takes in a message, whatever became of it, and what it touched. */
  add({ bytes, pool, outcome, events = [], forgottenOutcomes = 0 }: MessageSize, touched: Touched): void {
    let published = 0;
    for (const event of events) {
      published += Buffer.byteLength(event.json) + event.subject.length + 2 * event.id.length + BYTES_OF_PACK;
    }
    this.#bytes += BYTES_OF_NAMES + published + forgottenOutcomes * BYTES_OF_FORGOTTEN + touched.entryBytes;
    this.#bytes += touched.entries * BYTES_OF_ENTRY;
    this.#arguments += ARGUMENTS_OF_MESSAGE + forgottenOutcomes + touched.entries * ARGUMENTS_OF_ENTRY;
    if (outcome !== undefined) {
      const times = outcome.isReceipt ? 2 : 1;
      this.#bytes += times * (Buffer.byteLength(outcome.json) + 4 * outcome.key.length);
    }
    this.#enter(pool, ARGUMENTS_OF_POOL);
    const growth = 2 * bytes + published + GROWTH_BYTES;
    for (const change of touched.documents) this.#touch(change, growth);
  }

  /** A message that writes nothing but a line of the outbox: a dead letter, an answer that is sent again. */
  addLine(): void {
    this.#bytes += BYTES_OF_LINE;
    this.#arguments += ARGUMENTS_OF_MESSAGE;
  }

  /** Whether the batch ends here. */
  get isPassed(): boolean {
    if (this.#arguments > this.#cut.arguments) return true;
    if (this.#bytes <= this.#cut.bytes) return false;
    this.#writeOut();
    return this.#bytes > FULL * this.#cut.bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get arguments(): number {
    return this.#arguments;
  }

  /** Documents that were written out to be measured, as they are now: they need not be written out again. */
  get texts(): ReadonlyMap<DocumentChange, string> {
    return this.#texts;
  }

  #touch(change: DocumentChange, growth: number): void {
    const known = this.#documents.get(change);
    if (known === undefined) {
      this.#enter(change.pool, ARGUMENTS_OF_POOL);
      const place = isEntityChange(change) ? KINDS[change.kind].group : change.kind;
      if (place === 'collective') this.#enter(`${change.pool} ${change.kind}`, ARGUMENTS_OF_KIND);
      this.#arguments += ARGUMENTS[place];
      this.#bytes += BYTES_OF_NAMES;
    }
    this.#texts.delete(change);
    this.#unwritten.add(change);
    this.#set(change, known, known === undefined ? UNKNOWN_BYTES : known + growth);
  }

  #writeOut(): void {
    for (const change of this.#unwritten) {
      const text = change.after === undefined ? undefined : JSON.stringify(change.after);
      if (text !== undefined) this.#texts.set(change, text);
      const bytes = text === undefined ? 0 : Buffer.byteLength(text);
      this.#set(change, this.#documents.get(change), bytes);
    }
    this.#unwritten.clear();
  }

  #set(change: DocumentChange, before: number | undefined, now: number): void {
    this.#documents.set(change, now);
    // Once for itself, and once for its claim class, which is a part of it.
    this.#bytes += (change.kind === 'task' ? 2 : 1) * (now - (before ?? 0));
  }

  /** The part that is counted once, no matter how many documents there are. */
  #enter(place: string, count: number): void {
    if (this.#places.has(place)) return;
    this.#places.add(place);
    this.#arguments += count;
    this.#bytes += BYTES_OF_POOL;
  }
}
