/** Loads the state of a shard into the memory of its worker. */
import type { Logger } from 'pino';
import type { World } from '../../handlers/world/world.ts';
import { LogDivergedError, ShardLostError } from '../../lib/errors.ts';
import type { KnownClock } from '../../state/known-clock.ts';
import { LOST, type LoadGuard, type ShardStore, type StoredPosition } from '../../state/shard-store.ts';
import type { OutboxPublisher } from './outbox-publisher.ts';
import type { Clock, ShardLog } from './ports.ts';
import { worldOf } from './stored-world.ts';

/** The state of a shard in memory, exactly at `position`. */
export interface Loaded {
  readonly world: World;
  position: { readonly seq: number; readonly hash: string | undefined };
  readonly logIdentity: string;
  now: number;
  /** The newest Clock that was known when the last message was applied; undefined when none was. */
  clock: KnownClock | undefined;
}

export interface LoadOptions {
  readonly shard: number;
  readonly shards: number;
  readonly store: ShardStore;
  readonly log: ShardLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Restores a state that the store has lost, before it is loaded. Throws LogDivergedError when that is impossible. */
  readonly recover?: () => Promise<unknown>;
  /** Any error it throws ends the loading: the shard does not fit. */
  readonly guard?: LoadGuard;
}

export async function loadShard(options: LoadOptions, outbox: OutboxPublisher): Promise<Loaded> {
  const { store, log, logger, clock } = options;
  const started = clock.monotonic();
  await options.recover?.();
  // In this order: if the previous owner still commits after this reading, our first commit fails, and we load and drain
  // again. The other way round we would continue after a commit whose events no worker publishes.
  const stored = await store.load(options.guard);
  if (stored.position.seq === LOST)
    throw new LogDivergedError('the state is incomplete and cannot be restored');
  await outbox.drain(await store.unpublished());
  const world = worldOf(stored, options);
  const loaded = {
    world,
    position: { seq: stored.position.seq, hash: stored.position.hash },
    logIdentity: stored.position.logIdentity ?? (await log.identity()),
    now: stored.now,
    clock: stored.clock,
  };
  const loadMs = Math.round(clock.monotonic() - started);
  logger.info({ position: stored.position.seq, pools: stored.pools.length, loadMs }, 'shard loaded');
  return loaded;
}

/** Throws {@link ShardLostError} when store and memory are at different positions. */
export function expectAt(position: Loaded['position'], stored: StoredPosition): void {
  if (stored.seq === position.seq && stored.hash === position.hash) return;
  throw new ShardLostError(`the shard is at position ${stored.seq}, not ${position.seq}`);
}
