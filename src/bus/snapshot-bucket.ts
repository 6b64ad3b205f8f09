/**
 * Where snapshots are: a JetStream object store. Each shard has a few places in it which it fills in turn, so that the
 * newest ones stay and nothing has to be cleared away. A snapshot counts when it is sealed, which is done after it was
 * read back; the seal names the very content that it is for.
 */
import { JetStreamApiError, type JetStreamManager, jetstream } from '@nats-io/jetstream';
import { type ObjectInfo, type ObjectStore, Objm } from '@nats-io/obj';
import type { NatsConnection } from 'nats';
import { messageOf, SnapshotDamagedError, SnapshotFailedError, UnavailableError } from '../lib/errors.ts';
import { within } from '../lib/within.ts';
import { type SnapshotSeal, snapshotSealSchema } from '../protocol/snapshots.ts';
import type { Subjects } from '../protocol/subjects.ts';
import { messageOfStream, subjectsOfStream, wholeStream } from './whole-stream.ts';

/** Snapshots of one shard that are kept. */
export const SNAPSHOTS_KEPT = 3;

export interface StoredSnapshot {
  /** `<shard>.<place>`. */
  readonly name: string;
  /** The id of its content. */
  readonly content: string;
  readonly chunks: number;
  readonly bytes: number;
  /** When it was written, milliseconds since the epoch. */
  readonly writtenAt: number;
  /** Undefined when it was not (yet) found to be good. */
  readonly seal: SnapshotSeal | undefined;
}

const CHUNK_BYTES = 128 * 1024;
const STALLED_MS = 10_000;
const SEAL = 'converge-seal';

export class SnapshotBucket {
  readonly #jsm: JetStreamManager;
  readonly #subjects: Subjects;
  readonly #store: ObjectStore;

  static async open(
    connection: NatsConnection,
    jsm: JetStreamManager,
    subjects: Subjects,
  ): Promise<SnapshotBucket> {
    const store = await new Objm(jetstream(connection)).open(subjects.snapshotBucket, false);
    return new SnapshotBucket(jsm, subjects, store);
  }

  private constructor(jsm: JetStreamManager, subjects: Subjects, store: ObjectStore) {
    this.#jsm = jsm;
    this.#subjects = subjects;
    this.#store = store;
  }

  /** The snapshots of a shard, the newest position first and unsealed ones last. */
  async list(shard: number): Promise<StoredSnapshot[]> {
    const infos = await Promise.all(placesOf(shard).map((name) => this.#info(name)));
    const stored = infos.flatMap((info) => (info === undefined || info.deleted ? [] : [storedAs(info)]));
    return stored.sort((a, b) => reachOf(b) - reachOf(a) || b.writtenAt - a.writtenAt);
  }

  /** Writes a new one into the place that is missed least. */
  async put(shard: number, logIdentity: string, content: AsyncIterable<Uint8Array>): Promise<StoredSnapshot> {
    const stored = await this.list(shard);
    const name = placeFor(shard, stored, logIdentity);
    const chunks = content[Symbol.asyncIterator]();
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
    });
    try {
      return storedAs(await this.#store.put({ name, options: { max_chunk_size: CHUNK_BYTES } }, stream));
    } catch (error) {
      await chunks.return?.(undefined);
      if (error instanceof SnapshotFailedError) throw error;
      throw new SnapshotFailedError(`could not write it: ${messageOf(error)}`, { cause: error });
    }
  }

  /** From now on it counts; unless another worker has written into its place meanwhile, then nothing does. */
  async seal({ name }: StoredSnapshot, seal: SnapshotSeal): Promise<void> {
    await this.#store.update(name, { name, metadata: { [SEAL]: JSON.stringify(seal) } });
  }

  /** The content. Throws {@link SnapshotDamagedError} when it is not all there or not what was written. */
  async *read({ name, content, chunks }: StoredSnapshot): AsyncGenerator<Uint8Array> {
    // The library waits forever for content of which nothing is left.
    const there = await this.#countChunks(content);
    if (there !== chunks) throw new SnapshotDamagedError(`it has ${there} of ${chunks} chunks`);
    const found = await this.#store.get(name);
    if (found === null || found.info.nuid !== content) throw new SnapshotDamagedError('it was replaced');
    found.error.catch(() => undefined);
    const reader = found.data.getReader();
    try {
      for (;;) {
        const { done, value } = await inTime(reader.read());
        if (done) return;
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }

  /** Removes what writers that died have left: content that belongs to no snapshot, older than `olderThanMs`. */
  async removeOrphans(shards: number, now: number, olderThanMs: number): Promise<number> {
    const contents = await this.#contents();
    if (contents.size === 0) return 0;
    for (let shard = 0; shard < shards; shard++) {
      for (const { content } of await this.list(shard)) contents.delete(content);
    }
    let removed = 0;
    for (const content of contents) {
      const subject = this.#chunksOf(content);
      const last = await messageOfStream(this.#jsm, this.#stream, { last_by_subj: subject });
      if (last === null || last.time.getTime() + olderThanMs > now) continue;
      await this.#jsm.streams.purge(this.#stream, { filter: subject });
      removed++;
    }
    return removed;
  }

  get #stream(): string {
    return this.#subjects.streams.snapshots;
  }

  #chunksOf(content: string): string {
    return this.#subjects.snapshotChunks.replace('>', content);
  }

  async #info(name: string): Promise<ObjectInfo | undefined> {
    try {
      // The library reads the message by the same API.
      await wholeStream(this.#jsm, this.#stream);
      return (await this.#store.info(name)) ?? undefined;
    } catch (error) {
      // Without the stream there are no snapshots; the caller decides whether one is needed.
      if (error instanceof JetStreamApiError && error.code === NO_STREAM) return undefined;
      throw error;
    }
  }

  async #countChunks(content: string): Promise<number> {
    const subject = this.#chunksOf(content);
    return (await subjectsOfStream(this.#jsm, this.#stream, subject)).get(subject) ?? 0;
  }

  async #contents(): Promise<Set<string>> {
    const subjects = await subjectsOfStream(this.#jsm, this.#stream, this.#subjects.snapshotChunks);
    const prefix = this.#chunksOf('');
    return new Set([...subjects.keys()].map((subject) => subject.slice(prefix.length)));
  }
}

const NO_STREAM = 10059;

function placesOf(shard: number): string[] {
  return Array.from({ length: SNAPSHOTS_KEPT }, (_, place) => `${shard}.${place}`);
}

/** An empty place, or one that holds nothing good, or nothing of this log, or else the oldest. */
function placeFor(shard: number, stored: readonly StoredSnapshot[], logIdentity: string): string {
  const taken = new Map(stored.map((snapshot) => [snapshot.name, snapshot]));
  const worth = (name: string): number => {
    const snapshot = taken.get(name);
    if (snapshot === undefined) return -3;
    if (snapshot.seal === undefined) return -2;
    const { position } = snapshot.seal.summary;
    return position.logIdentity === logIdentity ? position.seq : -1;
  };
  const places = placesOf(shard).sort(
    (a, b) => worth(a) - worth(b) || (taken.get(a)?.writtenAt ?? 0) - (taken.get(b)?.writtenAt ?? 0),
  );
  return places[0] ?? `${shard}.0`;
}

function reachOf({ seal }: StoredSnapshot): number {
  return seal?.summary.position.seq ?? 0;
}

function storedAs({ name, nuid: content, chunks, size, mtime, metadata }: ObjectInfo): StoredSnapshot {
  const seal = sealOf(metadata?.[SEAL]);
  return {
    name,
    content,
    chunks,
    bytes: size,
    writtenAt: Date.parse(mtime),
    seal: seal?.of === content ? seal : undefined,
  };
}

function sealOf(json: string | undefined): SnapshotSeal | undefined {
  if (json === undefined) return undefined;
  try {
    const parsed = snapshotSealSchema.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** A server that does not answer any more says nothing about the snapshot. */
async function inTime<T>(reading: Promise<T>): Promise<T> {
  try {
    return await within(STALLED_MS, reading, () => {
      throw new UnavailableError('reading a snapshot stalled');
    });
  } catch (error) {
    if (error instanceof UnavailableError) throw error;
    throw new SnapshotDamagedError(messageOf(error), { cause: error });
  }
}
