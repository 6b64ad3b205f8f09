/**
 * Which worker tries which shard. Every worker counts the live ones and takes free shards up to its fair share; one
 * that holds more gives shards back when it has finished with them. There is no coordinator: a lease that nobody
 * renews is free again, and two workers that both believe in theirs are told apart by the commit.
 */
import type { Logger } from 'pino';
import { messageOf } from '../errors.ts';
import type { LeaseStore } from '../state/lease-store.ts';
import type { Clock } from './ports.ts';

export interface LeaseHolderOptions {
  readonly store: LeaseStore;
  readonly shards: number;
  readonly leaseMs: number;
  readonly clock: Clock;
  /** At least 0, less than 1: where to begin to look for free shards. */
  readonly random: () => number;
  readonly logger: Logger;
  /** The shard is ours: begin to work on it. */
  readonly onAcquired: (shard: number) => void;
  /** Stop working on the shard; when it resolves the lease is given away (or lost anyway). */
  readonly onReleased: (shard: number) => Promise<void>;
}

/** Shares of the lease's time: renewed three times before it lapses, doubted a little before that. */
const RENEWALS_PER_LEASE = 3;
const SAFETY = 0.1;

export class LeaseHolder {
  readonly #options: LeaseHolderOptions;
  /** shard → until when the lease surely holds, by this process' monotonic clock. */
  readonly #held = new Map<number, number>();
  readonly #leaving = new Set<number>();
  readonly #end = new AbortController();
  #ticking: Promise<void> | undefined;
  /** No more shards are taken; what is held is kept until it is given back. Resolves when it has said goodbye. */
  #stopping: Promise<void> | undefined;

  constructor(options: LeaseHolderOptions) {
    this.#options = options;
  }

  get held(): number[] {
    return [...this.#held.keys()].sort((a, b) => a - b);
  }

  /** False as soon as the lease may be somebody else's. */
  holds(shard: number): boolean {
    return (this.#held.get(shard) ?? 0) > this.#options.clock.monotonic();
  }

  async start(): Promise<void> {
    await this.#tick();
    void this.#keepTicking();
  }

  /**
   * Keeps what it has, and nothing else is begun by a worker that is about to stop. Others no longer count it, or what
   * would be its share were nobody's until it has stopped.
   */
  takeNoMore(): void {
    this.#stopping ??= this.#options.store.goodbye().catch(() => undefined);
  }

  /** Gives every shard back, each when its work is finished. */
  async stop(): Promise<void> {
    this.takeNoMore();
    await this.#ticking;
    await Promise.all(this.held.map((shard) => this.#giveBack(shard)));
    this.#end.abort();
    await this.#ticking;
    await this.#stopping;
  }

  async #keepTicking(): Promise<void> {
    const { clock, leaseMs } = this.#options;
    const { signal } = this.#end;
    for (;;) {
      await clock.sleep(leaseMs / RENEWALS_PER_LEASE, signal);
      if (signal.aborted) return;
      this.#ticking = this.#tick();
      await this.#ticking;
    }
  }

  async #tick(): Promise<void> {
    const { store, logger } = this.#options;
    try {
      await this.#renew();
      if (this.#stopping === undefined) await this.#balance((await store.heartbeat()).length);
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, 'leases could not be renewed');
    }
    for (const shard of this.held) if (!this.holds(shard)) this.#lose(shard);
  }

  async #renew(): Promise<void> {
    const shards = this.held;
    if (shards.length === 0) return;
    const until = this.#leaseEnd();
    const kept = await this.#options.store.renew(shards);
    for (const shard of shards) {
      if (!kept.has(shard)) this.#lose(shard);
      // What was given back meanwhile stays given back.
      else if (this.#held.has(shard)) this.#held.set(shard, until);
    }
  }

  async #balance(workers: number): Promise<void> {
    const { shards, store, random, onAcquired } = this.#options;
    const share = Math.ceil(shards / Math.max(1, workers));
    const mine = this.held.filter((shard) => !this.#leaving.has(shard));
    for (const shard of mine.slice(share)) void this.#giveBack(shard);
    // Workers begin at different shards, so that two that start together do not ask for the same ones.
    const start = Math.floor(random() * shards);
    for (let i = 0; i < shards && this.#held.size < share && this.#stopping === undefined; i++) {
      const shard = (start + i) % shards;
      // A shard whose work is still being ended here must not be begun anew beside it.
      if (this.#held.has(shard) || this.#leaving.has(shard)) continue;
      const until = this.#leaseEnd();
      if (!(await store.acquire(shard))) continue;
      this.#held.set(shard, until);
      onAcquired(shard);
    }
  }

  #leaseEnd(): number {
    const { clock, leaseMs } = this.#options;
    return clock.monotonic() + leaseMs * (1 - SAFETY);
  }

  async #giveBack(shard: number): Promise<void> {
    if (this.#leaving.has(shard)) return;
    this.#leaving.add(shard);
    try {
      await this.#options.onReleased(shard);
      this.#held.delete(shard);
      await this.#options.store.release(shard);
    } catch (error) {
      this.#options.logger.warn({ shard, reason: messageOf(error) }, 'the lease lapses by itself');
    } finally {
      this.#held.delete(shard);
      this.#leaving.delete(shard);
    }
  }

  #lose(shard: number): void {
    this.#held.delete(shard);
    if (this.#leaving.has(shard)) return;
    this.#options.logger.warn({ shard }, 'the lease is lost');
    this.#leaving.add(shard);
    void this.#options.onReleased(shard).finally(() => this.#leaving.delete(shard));
  }
}
