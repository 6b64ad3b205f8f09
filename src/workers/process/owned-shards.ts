/** The shards whose leases this worker holds, and the work on each: begun when one is acquired, ended before it is given back. */
import type { Logger } from 'pino';
import type { StreamPublisher } from '../../bus/stream-publisher.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { shardKeys } from '../../state/keys.ts';
import type { ShardStore } from '../../state/shard-store.ts';
import { TrackedShardStore } from '../../state/snapshots/tracked-store.ts';
import type { Config } from '../config.ts';
import type { Alarms } from '../health/alarms.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import { loadGuard } from '../memory/load-limits.ts';
import { heapLimitBytes } from '../memory/memory-watch.ts';
import { batchBytesOf, type ShardHolding } from '../memory/pressure.ts';
import { natsShardLog, natsShardPublisher } from '../shard/nats-ports.ts';
import { SYSTEM_CLOCK } from '../shard/ports.ts';
import { ShardWorker } from '../shard/shard-worker.ts';
import { recoverShard } from '../snapshots/recover-shard.ts';
import type { SnapshotKeeper } from '../snapshots/snapshot-keeper.ts';
import type { TimeSource } from '../time/log-time.ts';
import type { Connections } from './connections.ts';

export interface OwnedShardsOptions {
  readonly config: Pick<Config, 'namespace' | 'shards' | 'maxBatch' | 'maxBatchBytes' | 'sweepOverdueMs'>;
  /** Who holds the leases, unlike any other process: commits are named after it. */
  readonly holder: string;
  readonly connections: Connections;
  readonly subjects: Subjects;
  readonly streams: StreamPublisher;
  readonly storeOf: (shard: number, onPiece: () => void) => ShardStore;
  readonly snapshots: SnapshotKeeper;
  readonly holdsLease: (shard: number) => boolean;
  readonly time: TimeSource;
  /** The events stream has no room: nothing is published to it. */
  readonly eventsAreFull: (shard: number) => boolean;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  readonly alarms: Alarms;
  /** Something was done with the shard. */
  readonly worked: (shard: number) => void;
  /** The shard does not fit this worker: its lease is given back, and not taken again for a while. */
  readonly refuse: (shard: number, why: string) => void;
}

export class OwnedShards {
  readonly #options: OwnedShardsOptions;
  readonly #workers = new Map<number, ShardWorker>();
  /** Sizes of the shards that are being loaded. */
  readonly #expected = new Map<number, number>();
  #commits = 0;

  constructor(options: OwnedShardsOptions) {
    this.#options = options;
  }

  [Symbol.iterator](): Iterator<ShardWorker> {
    return this.#workers.values();
  }

  /** By shard. */
  entries(): Iterable<readonly [number, ShardWorker]> {
    return this.#workers.entries();
  }

  get liveTasks(): number {
    let live = 0;
    for (const { liveTasks } of this) live += liveTasks;
    return live;
  }

  /** Of those that are loaded. */
  get memory(): ShardHolding[] {
    return [...this].flatMap(({ memory }) => (memory === undefined ? [] : [memory]));
  }

  /** Besides what alarms say. */
  notReady(): string[] {
    const reasons: string[] = [];
    for (const [shard, worker] of this.#workers) {
      if (worker.status === 'starting') reasons.push(`shard ${shard} is starting`);
    }
    return reasons;
  }

  begin(shard: number): void {
    const { config, connections, subjects, streams, storeOf, snapshots, metrics, alarms } = this.#options;
    const { nats, jsm, bucket, commits, reads } = connections;
    const { namespace, shards, maxBatch, sweepOverdueMs } = config;
    const maxBatchBytes = Math.min(config.maxBatchBytes, batchBytesOf(heapLimitBytes()));
    const pieces = { count: 0 };
    const onPiece = (): void => void pieces.count++;
    const store = new TrackedShardStore(storeOf(shard, onPiece));
    const keys = shardKeys(namespace, shard);
    const logger = this.#options.logger.child({ shard });
    const worker = new ShardWorker({
      namespace,
      shard,
      shards,
      subjects,
      store,
      log: natsShardLog(nats, jsm, subjects, shard),
      publisher: natsShardPublisher(nats, streams, subjects, () => this.#options.eventsAreFull(shard)),
      clock: SYSTEM_CLOCK,
      time: this.#options.time,
      logger,
      metrics,
      alarms,
      maxBatch,
      maxBatchBytes,
      sweepOverdueMs,
      holdsLease: () => this.#options.holdsLease(shard),
      recover: () =>
        recoverShard({
          jsm,
          subjects,
          bucket,
          store,
          keys,
          commits,
          reads,
          shard,
          shards,
          logger,
          metrics,
          alarms,
          onPiece,
        }),
      loadedPieces: () => pieces.count,
      guard: loadGuard({
        shard,
        heapBytes: heapLimitBytes(),
        othersBytes: () => this.#bytesBeside(shard),
        expected: (bytes) => this.#expected.set(shard, bytes),
      }),
      onStep: () => this.#options.worked(shard),
      onTooLarge: (why) => {
        this.#expected.delete(shard);
        this.#options.refuse(shard, why);
      },
      newCommitId: () => `${this.#options.holder}-${this.#commits++}`,
    });
    this.#workers.set(shard, worker);
    snapshots.own(shard, { store, isRunning: () => worker.status === 'running' });
  }

  /** Size of the other shards, now or once they are loaded. */
  #bytesBeside(shard: number): number {
    let bytes = 0;
    for (const [other, worker] of this.#workers) {
      if (other !== shard) bytes += worker.memory?.bytes ?? this.#expected.get(other) ?? 0;
    }
    return bytes;
  }

  async end(shard: number): Promise<void> {
    this.#options.snapshots.disown(shard);
    const worker = this.#workers.get(shard);
    this.#workers.delete(shard);
    this.#expected.delete(shard);
    await worker?.stop();
    this.#options.alarms.clearAllOf(shard);
  }
}
