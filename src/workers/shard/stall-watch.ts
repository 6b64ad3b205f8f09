/**
 * Notices that a shard stands still, whatever the cause: something waits (a message, a commit, a publication, its
 * loading) and for seconds nothing moves. An idle shard is asked for at the log itself, because a consumer that delivers
 * nothing looks like a log that holds nothing.
 */
import type { Logger } from 'pino';
import { messageOf } from '../../lib/errors.ts';
import { Periodic } from '../../lib/periodic.ts';
import type { Alarms } from '../health/alarms.ts';
import type { Clock } from './ports.ts';

/** The state of a shard worker at one moment. */
export interface ShardHealth {
  /** Its phase; `read` means that it waits for messages. */
  readonly phase: 'load' | 'open' | 'read' | 'fetch' | 'commit' | 'publish';
  /** Why that does not succeed, as far as it knows. */
  readonly cause: string | undefined;
  /** Whether anything waits for it, as far as it knows itself. */
  readonly isWaiting: boolean;
  /** The last message applied; undefined before it is loaded. */
  readonly position: number | undefined;
  /** Another text whenever something has moved: the position, what is published, what is loaded. */
  readonly progress: string;
}

export interface WatchedShard {
  /** Undefined when it is not meant to move: it is halted, which is an alarm of its own, or stopped. */
  readonly health: ShardHealth | undefined;
  interrupt(why: string): void;
}

export interface StallWatchOptions {
  /** Those that this worker owns at the moment. */
  readonly shards: () => Iterable<readonly [number, WatchedShard]>;
  /** The last message of a shard that the server's log holds; 0 where it holds none. */
  readonly lastSeqOf: (shard: number) => Promise<number>;
  readonly alarms: Alarms;
  /** Another worker's heartbeat says that its shards move. */
  readonly othersWork: () => boolean;
  /** Gives the shard back, so that another worker takes it. */
  readonly giveBack: (shard: number) => void;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
}

const LOOK_MS = 1_000;
const STALLED_MS = 5_000;
/** Another worker may be able to do what this one cannot: a shard that stands still for so long is left to it. */
const GIVEN_BACK_MS = 30_000;
const ASK_LOG_MS = 5_000;

interface Watched {
  progress: string;
  /** When it moved last, or when nothing waited: monotonic. */
  movedAt: number;
  askedAt: number;
  /** The last position of its log when that was last requested. */
  lastSeq: number;
}

export class StallWatch {
  readonly #options: StallWatchOptions;
  readonly #watched = new Map<number, Watched>();
  /** A shard was given back, and none of the others has moved since: nothing says that this worker is any better. */
  #isDoubtful = false;
  readonly #checks: Periodic;

  constructor(options: StallWatchOptions) {
    this.#options = options;
    this.#checks = new Periodic({
      everyMs: LOOK_MS,
      run: () => this.look(),
      onError: (error) =>
        options.logger.warn({ reason: messageOf(error) }, 'could not check whether the shards move'),
    });
  }

  start(): void {
    this.#checks.start();
  }

  close(): void {
    void this.#checks.stop();
  }

  /** What others are told: nothing stands still here. */
  get works(): boolean {
    const now = this.#options.clock.monotonic();
    const stands = [...this.#watched.values()].some(({ movedAt }) => now - movedAt >= STALLED_MS);
    return !stands && !this.#isDoubtful;
  }

  /** One look at every shard. */
  async look(): Promise<void> {
    const shards = [...this.#options.shards()];
    const owned = new Set(shards.map(([shard]) => shard));
    for (const shard of this.#watched.keys()) if (!owned.has(shard)) this.#watched.delete(shard);
    for (const [shard, worker] of shards) this.#lookAt(shard, worker);
    await Promise.all(shards.map(([shard, worker]) => this.#askLog(shard, worker)));
  }

  #lookAt(shard: number, worker: WatchedShard): void {
    const { alarms, clock, logger, giveBack } = this.#options;
    const { health } = worker;
    const now = clock.monotonic();
    const watched = this.#of(shard, now);
    const isBehind = health?.position !== undefined && health.position < watched.lastSeq;
    const isWaiting = health !== undefined && (health.isWaiting || isBehind);
    if (!isWaiting || health.progress !== watched.progress) {
      if (hasMoved(watched, health)) this.#isDoubtful = false;
      watched.progress = health?.progress ?? '';
      watched.movedAt = now;
      alarms.clear('shard_stalled', shard);
      return;
    }
    const stalledMs = Math.round(now - watched.movedAt);
    if (stalledMs < STALLED_MS) return;
    const mute = `the log holds message ${watched.lastSeq}, but the consumer delivers nothing`;
    const cause = health.cause ?? (isBehind && health.phase === 'read' ? mute : undefined);
    const { phase } = health;
    const reason = `${phase}${cause === undefined ? '' : `: ${cause}`}`;
    alarms.raise('shard_stalled', shard, 'the shard makes no progress although messages wait', {
      reason,
      phase,
      cause,
      stalledMs,
    });
    if (isBehind && phase === 'read') worker.interrupt(mute);
    if (stalledMs < GIVEN_BACK_MS || !this.#options.othersWork()) return;
    logger.warn({ shard, reason, stalledMs }, 'the shard is given back: another worker makes progress');
    this.#isDoubtful = true;
    this.#watched.delete(shard);
    giveBack(shard);
  }

  /** Only while the shard believes that nothing waits: else it is looked at anyway. */
  async #askLog(shard: number, { health }: WatchedShard): Promise<void> {
    const { lastSeqOf, clock, logger } = this.#options;
    const now = clock.monotonic();
    const watched = this.#of(shard, now);
    if (health === undefined || health.isWaiting || now - watched.askedAt < ASK_LOG_MS) return;
    watched.askedAt = now;
    try {
      watched.lastSeq = await lastSeqOf(shard);
    } catch (error) {
      logger.debug({ shard, reason: messageOf(error) }, 'could not ask the log for its last message');
    }
  }

  #of(shard: number, now: number): Watched {
    let watched = this.#watched.get(shard);
    if (watched === undefined) {
      watched = { progress: '', movedAt: now, askedAt: now, lastSeq: 0 };
      this.#watched.set(shard, watched);
    }
    return watched;
  }
}

/** Not only that it is seen for the first time, or that nothing is known of it any more. */
function hasMoved({ progress }: Watched, health: ShardHealth | undefined): boolean {
  return progress !== '' && health !== undefined && health.progress !== progress;
}
