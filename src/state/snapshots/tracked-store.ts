/**
 * A shard's store, observed while it is copied and written. The owner is its only writer, so what a commit
 * touches is known here: it is noted when the commit begins and again when it ends, because a copy that is read
 * meanwhile may hold it from before. And here commits can be made to wait for the moment in which the last of it is read.
 */
import { SnapshotFailedError } from '../../lib/errors.ts';
import { withResolvers } from '../../lib/with-resolvers.ts';
import type { WriteSize } from '../script-writer.ts';
import type {
  Found,
  LoadGuard,
  Lookup,
  ShardCommit,
  ShardStore,
  StoredPosition,
  StoredShard,
} from '../shard-store.ts';
import { type RecordId, touchedBy } from './records.ts';

/** The keys that are written during a copy. */
export interface Tracking {
  /** The keys written since the last call. Throws {@link SnapshotFailedError} when a commit failed meanwhile. */
  take(): RecordId[];
  /** Runs `read` between two commits; the next one waits for it. */
  betweenCommits<T>(read: () => Promise<T>): Promise<T>;
  /** Where the last commit led; undefined when there was none since the tracking began. */
  readonly position: StoredPosition | undefined;
  /** Throws {@link SnapshotFailedError} when the copy is worth nothing any more. */
  check(): void;
  end(): void;
}

export class TrackedShardStore implements ShardStore {
  readonly #store: ShardStore;
  #decisions = 0;
  #touched: Set<RecordId> | undefined;
  #position: StoredPosition | undefined;
  #failure: string | undefined;
  /** Settles, never fails, when the commit under way is over. */
  #underWay: Promise<unknown> = Promise.resolve();
  /** Settles when commits may go on. */
  #copying: Promise<void> | undefined;

  constructor(store: ShardStore) {
    this.#store = store;
  }

  /** Decisions committed here so far. */
  get decisions(): number {
    return this.#decisions;
  }

  async commit(commit: ShardCommit): Promise<WriteSize> {
    while (this.#copying !== undefined) await this.#copying;
    const touched = this.#touched === undefined ? [] : touchedBy(commit);
    this.#note(touched);
    const committing = this.#store.commit(commit);
    this.#underWay = committing.catch(() => undefined);
    const size = await committing.catch((error) => {
      this.#failure = 'a commit failed meanwhile';
      throw error;
    });
    this.#note(touched);
    this.#decisions += commit.outcomes.length;
    const { seq, hash, logIdentity } = commit.next;
    this.#position = { seq, hash, logIdentity };
    return size;
  }

  /** Begins to note what is touched; one copy at a time. */
  async track(): Promise<Tracking> {
    if (this.#touched !== undefined)
      throw new SnapshotFailedError('a snapshot of this shard is already in progress');
    this.#touched = new Set();
    // The commit that is under way began before: nobody noted what it touches.
    await this.#underWay;
    this.#failure = undefined;
    this.#position = undefined;
    const store = this;
    return {
      take: () => store.#take(),
      check: () => store.#check(),
      betweenCommits: (read) => store.#betweenCommits(read),
      get position() {
        return store.#position;
      },
      end: () => {
        store.#touched = undefined;
      },
    };
  }

  #note(touched: readonly RecordId[]): void {
    for (const id of touched) this.#touched?.add(id);
  }

  /** A copy that is being made is given up at its next step. */
  abandonCopy(why: string): void {
    this.#failure = why;
  }

  #check(): void {
    if (this.#failure !== undefined) throw new SnapshotFailedError(this.#failure);
  }

  #take(): RecordId[] {
    this.#check();
    const taken = [...(this.#touched ?? [])];
    this.#touched?.clear();
    return taken;
  }

  async #betweenCommits<T>(read: () => Promise<T>): Promise<T> {
    const copied = withResolvers<void>();
    this.#copying = copied.promise;
    try {
      await this.#underWay;
      return await read();
    } finally {
      this.#copying = undefined;
      copied.resolve();
    }
  }

  /** The shard is loaded again because its state was in doubt: a copy under way is worthless. */
  load(guard?: LoadGuard): Promise<StoredShard> {
    this.#failure = 'the shard was reloaded meanwhile';
    return this.#store.load(guard);
  }

  lookup(wanted: Lookup): Promise<Found> {
    return this.#store.lookup(wanted);
  }

  oldest(...asked: Parameters<ShardStore['oldest']>): ReturnType<ShardStore['oldest']> {
    // biome-ignore lint/plugin/no-spread: three arguments
    return this.#store.oldest(...asked);
  }

  position(): Promise<StoredPosition> {
    return this.#store.position();
  }

  unpublished(): ReturnType<ShardStore['unpublished']> {
    return this.#store.unpublished();
  }

  clearPublished(positions: readonly number[]): Promise<void> {
    return this.#store.clearPublished(positions);
  }

  outcomes(keys: readonly string[]): ReturnType<ShardStore['outcomes']> {
    return this.#store.outcomes(keys);
  }

  setHalted(reason: string | undefined): Promise<void> {
    return this.#store.setHalted(reason);
  }
}
