/**
 * Continues with owed consequences: appends a Settle to the shard's log when something is owed and no Settle of its own is
 * pending. Its effect is decided when it is applied, so that a superfluous one is harmless.
 */
import type { Logger } from 'pino';
import type { World } from '../../handlers/world/world.ts';
import { messageOf } from '../../lib/errors.ts';
import type { WorkerMetrics } from '../health/metrics.ts';
import type { Clock, ShardPublisher } from './ports.ts';

export interface SettlerOptions {
  readonly shard: number;
  readonly publisher: ShardPublisher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  /** Unique over all workers: a guessable id could be used up in the broker's deduplication window. */
  readonly newCommitId: () => string;
}

/** A Settle that was appended and not applied is given up after this time, which doubles each time. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 10_000;

/** The part of an applied decision that matters here. */
interface SettledBy {
  readonly applied: { readonly decisionId: string };
  readonly result: { readonly events: readonly unknown[] };
}

interface UnderWay {
  readonly id: string;
  readonly since: number;
}

export class Settler {
  readonly #options: SettlerOptions;
  #underWay: UnderWay | undefined;
  #waitMs = FIRST_WAIT_MS;
  #owed = 0;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /**
   * Has one of its own come back through the log? One that settled nothing although something is owed helps as little as
   * one that was lost: the next waits as long.
   */
  applied({ decisions }: { readonly decisions: readonly SettledBy[] }, { owingPools }: World): void {
    const id = this.#underWay?.id;
    const own = decisions.find(({ applied }) => applied.decisionId === id);
    if (own === undefined || (own.result.events.length === 0 && owingPools > 0)) return;
    this.#underWay = undefined;
    this.#waitMs = FIRST_WAIT_MS;
  }

  settleIfOwed(world: World): void {
    const { clock, publisher, shard, logger, metrics, newCommitId } = this.#options;
    const owed = world.owingPools;
    if (owed !== this.#owed) metrics.owed.set({ shard }, owed);
    this.#owed = owed;
    if (owed === 0) return;
    const now = clock.monotonic();
    if (this.#underWay !== undefined) {
      if (now - this.#underWay.since < this.#waitMs) return;
      this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
    }
    const id = settleId(newCommitId());
    this.#underWay = { id, since: now };
    publisher
      .settle(shard, id)
      .catch((error) => logger.warn({ reason: messageOf(error) }, 'could not append a Settle'));
  }

  /** Another worker may own the shard by now. */
  forget(): void {
    this.#underWay = undefined;
    this.#waitMs = FIRST_WAIT_MS;
  }
}

/** A commit id as a decision id: of the characters that names have, and no longer than a name. */
function settleId(unique: string): string {
  return `settle-${unique.replace(/[^A-Za-z0-9_-]/g, '-')}`.slice(-64);
}
