/**
 * How large a commit becomes, message by message: never less than what will be written (src/state/encode-commit.ts), so
 * that a batch can be cut in time. It is cut after the message that passes half of a bound; as no message reaches half,
 * no commit is larger than the bound.
 */
import type { DocumentChange } from '../../protocol/document-change.ts';
import { WRITE_BOUNDS, type WriteBounds } from '../../state/script-writer.ts';

/** Where a batch is cut. */
export const COMMIT_CUT: WriteBounds = {
  bytes: WRITE_BOUNDS.bytes / 2,
  arguments: WRITE_BOUNDS.arguments / 2,
};

/** Size that one message adds besides documents. */
export interface MessageSize {
  /** As it stands in the log: what it can have added to a document that is too large to be measured again. */
  readonly bytes: number;
  readonly pool: string;
  readonly outcome: { readonly key: string; readonly json: string; readonly isReceipt: boolean };
  readonly events: readonly { readonly subject: string; readonly id: string; readonly json: string }[];
  readonly forgottenOutcomes: number;
}

/** Arguments by kind of document: its fields, the entries of its indexes that go and come, and keys of its own. */
const ARGUMENTS: Readonly<Record<DocumentChange['kind'], number>> = {
  pool: 8,
  member: 16,
  task: 22,
  entity: 14,
};
/** Keys of one pool, each with the head of its operations: of its tasks and members, and of each kind of entity. */
const ARGUMENTS_OF_POOL = 90;
const ARGUMENTS_OF_KIND = 60;
/** Outcome, receipt, buckets of rates, the number of the pool's last event. */
const ARGUMENTS_OF_MESSAGE = 24;
const ARGUMENTS_OF_COMMIT = 60;
/** Names in fields, members of indexes and keys: of a document, of a pool, of a message. */
const BYTES_OF_NAMES = 2_000;
const BYTES_OF_POOL = 8_000;
const BYTES_OF_COMMIT = 4_000;
const BYTES_OF_FORGOTTEN = 300;
const BYTES_OF_LINE = 700;
/** Documents up to here are measured again whenever they change; what larger ones grow by is estimated. */
const SMALL_BYTES = 16 * 1024;
/** Size that a decision can add to a document besides its own and its events' content. */
const GROWTH_BYTES = 2_000;

export class CommitSize {
  readonly #cut: WriteBounds;
  readonly #documents = new Map<DocumentChange, number>();
  readonly #texts = new Map<DocumentChange, string>();
  readonly #places = new Set<string>();
  #bytes = BYTES_OF_COMMIT;
  #arguments = ARGUMENTS_OF_COMMIT;

  constructor(cut: WriteBounds = COMMIT_CUT) {
    this.#cut = cut;
  }

  /** Takes in a message and the documents that it touched. */
  add(
    { bytes, pool, outcome, events, forgottenOutcomes }: MessageSize,
    touched: Iterable<DocumentChange>,
  ): void {
    let published = 0;
    for (const event of events) {
      published += Buffer.byteLength(event.json) + event.subject.length + event.id.length + 8;
    }
    this.#bytes += BYTES_OF_NAMES + published + forgottenOutcomes * BYTES_OF_FORGOTTEN;
    this.#arguments += ARGUMENTS_OF_MESSAGE + forgottenOutcomes;
    const times = outcome.isReceipt ? 2 : 1;
    this.#bytes += times * (Buffer.byteLength(outcome.json) + 4 * outcome.key.length);
    this.#enter(pool, ARGUMENTS_OF_POOL);
    const growth = 2 * bytes + published + GROWTH_BYTES;
    for (const change of touched) this.#touch(change, growth);
  }

  /** A line of the outbox without an outcome of its own: a dead letter, an answer that is sent again. */
  addLine(): void {
    this.#bytes += BYTES_OF_LINE;
  }

  /** The batch ends here. */
  get isPassed(): boolean {
    return this.#bytes > this.#cut.bytes || this.#arguments > this.#cut.arguments;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get arguments(): number {
    return this.#arguments;
  }

  /** Documents that were written out to be measured, as they are now: they need not be written again. */
  get texts(): ReadonlyMap<DocumentChange, string> {
    return this.#texts;
  }

  #touch(change: DocumentChange, growth: number): void {
    const known = this.#documents.get(change);
    if (known === undefined) {
      this.#enter(change.pool, ARGUMENTS_OF_POOL);
      if (change.kind === 'entity') {
        const { kind } = change.after ?? change.before ?? { kind: '' };
        this.#enter(`${change.pool} ${kind}`, ARGUMENTS_OF_KIND);
      }
      this.#arguments += ARGUMENTS[change.kind];
      this.#bytes += BYTES_OF_NAMES;
    }
    const now = known === undefined || known <= SMALL_BYTES ? this.#measure(change) : known + growth;
    if (known !== undefined && known > SMALL_BYTES) this.#texts.delete(change);
    this.#documents.set(change, now);
    // Once for itself, and once for its claim class, which is a part of it.
    this.#bytes += (change.kind === 'task' ? 2 : 1) * (now - (known ?? 0));
  }

  #measure(change: DocumentChange): number {
    if (change.after === undefined) {
      this.#texts.delete(change);
      return 0;
    }
    const text = JSON.stringify(change.after);
    this.#texts.set(change, text);
    return Buffer.byteLength(text);
  }

  /** The part that is counted once, no matter how many documents there are. */
  #enter(place: string, count: number): void {
    if (this.#places.has(place)) return;
    this.#places.add(place);
    this.#arguments += count;
    this.#bytes += BYTES_OF_POOL;
  }
}
