/**
 * Which worker tries which shard. Every worker counts the live ones and takes free shards up to its fair share; one
 * that holds more gives shards back when it has finished with them. There is no coordinator: a lease that nobody
 * renews is free again, and if two workers both believe that they hold it, the commit decides.
 *
 * No clock has to be right for it. Who lives moves (a lease counts up when it is renewed, a heartbeat when it is said),
 * and how long something has not moved is judged by the monotonic clock of the one who looks. That keys of Redis lapse
 * only makes the usual case faster.
 */
import type { Logger } from 'pino';
import { messageOf } from '../../lib/errors.ts';
import { type Heartbeat, parseHeartbeat, parseLease } from '../../state/lease.ts';
import type { LeaseStore } from '../../state/lease-store.ts';
import type { Alarms } from '../health/alarms.ts';
import type { Admission, Quarantine } from '../memory/quarantine.ts';
import type { Clock } from '../shard/ports.ts';
import { Movement, type Seen } from '../time/movement.ts';

export interface LeaseHolderOptions {
  readonly store: LeaseStore;
  /** Under which name the store says that this worker lives. */
  readonly holder: string;
  readonly shards: number;
  readonly leaseMs: number;
  readonly clock: Clock;
  /** At least 0, less than 1: where to begin to look for free shards. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly alarms?: Alarms;
  /** Asked when a lease was taken: may the shard be begun, only alone, or not now? */
  readonly quarantine?: Pick<Quarantine, 'admit' | 'alone' | 'released' | 'lost'>;
  /** The shard is ours: begin to work on it. */
  readonly onAcquired: (shard: number) => void;
  /** Stop working on the shard; when it resolves the lease is given away (or lost anyway). */
  readonly onReleased: (shard: number) => Promise<void>;
}

/** Shares of the lease's time: looked at six times, renewed three times before it lapses, doubted a little before that. */
const LOOKS_PER_LEASE = 6;
const LOOKS_PER_RENEWAL = 2;
const SAFETY = 0.1;
/** In its own lease times: a lease that stands still for so long is nobody's, whatever Redis' clock says. */
const STALE_AFTER = 1.5;
/** A worker that says nothing for so long has no part in the share: what it holds stays its until it is stale. */
const ABSENT_AFTER = 0.75;
/** How long nothing of leases may work before it is an alarm, and a shard may be nobody's beyond two leases. */
const FAILING_MS = 5_000;
const OWNERLESS_MS = 5_000;
/** Nobody needs a heartbeat that is so old any more. */
const BURIED_AFTER = 20;

/** A shard that is left to others, or to another time, is looked at again after so long. */
const LEFT_FOR_MS = 5_000;

export class LeaseHolder {
  readonly #options: LeaseHolderOptions;
  /** shard → until when the lease surely holds, by this process' monotonic clock. */
  readonly #held = new Map<number, number>();
  readonly #leaving = new Set<number>();
  /** shard → until when it is not taken: monotonic. */
  readonly #refused = new Map<number, number>();
  readonly #leases = new Movement<number>();
  readonly #heartbeats = new Movement<string>();
  #live: readonly string[] = [];
  #looks = 0;
  /** When leases were last looked at and kept, all of them: monotonic. */
  #workedAt: number | undefined;
  /** Since when (monotonic) a shard was seen without a lease. */
  readonly #ownerless = new Map<number, number>();
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

  /** False as soon as the lease may belong to another worker. */
  holds(shard: number): boolean {
    return (this.#held.get(shard) ?? 0) > this.#options.clock.monotonic();
  }

  get holder(): string {
    return this.#options.holder;
  }

  /** The holders of all workers that live, as far as this one can see; itself among them while it takes part. */
  get live(): readonly string[] {
    return this.#live;
  }

  /** The newest heartbeat of everyone that is kept, and when it was seen to come. */
  get heartbeats(): Movement<string> {
    return this.#heartbeats;
  }

  /** Hears who lives, and is heard, before it takes part. */
  async listen(): Promise<void> {
    const { store, clock } = this.#options;
    const from = clock.monotonic();
    const heartbeats = await store.heartbeat();
    this.#heartbeats.look(heartbeats, from, clock.monotonic());
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

  /** Of all workers that live, does another one say that its shards move? */
  get othersWork(): boolean {
    return this.#others().some(({ works }) => works === true);
  }

  /** Shards that this worker gave back and does not take yet: the others share them meanwhile. */
  get left(): number[] {
    const now = this.#options.clock.monotonic();
    for (const [shard, until] of this.#refused) if (until <= now) this.#refused.delete(shard);
    return [...this.#refused.keys()].sort((a, b) => a - b);
  }

  /** Gives one shard back, and does not take it again for so long: another worker may be able to work on it. */
  async refuse(shard: number, forMs: number): Promise<void> {
    this.#refused.set(shard, this.#options.clock.monotonic() + forMs);
    await this.#giveBack(shard);
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
      await clock.sleep(leaseMs / LOOKS_PER_LEASE, signal);
      if (signal.aborted) return;
      this.#ticking = this.#tick();
      await this.#ticking;
    }
  }

  async #tick(): Promise<void> {
    const { logger, alarms, clock } = this.#options;
    try {
      if (this.#looks++ % LOOKS_PER_RENEWAL === 0) await this.#renew();
      if (this.#stopping === undefined) await this.#takePart();
      this.#workedAt = clock.monotonic();
      alarms?.clear('leases_failing', undefined);
    } catch (error) {
      const reason = messageOf(error);
      logger.warn({ reason }, 'could not renew the leases');
      this.#workedAt ??= clock.monotonic();
      if (clock.monotonic() - this.#workedAt >= FAILING_MS)
        alarms?.raise(
          'leases_failing',
          undefined,
          'could not renew the leases: the shards will have no owner',
          {
            reason,
          },
        );
    }
    for (const shard of this.held) if (!this.holds(shard)) this.#lose(shard);
  }

  async #takePart(): Promise<void> {
    const { store, clock, shards } = this.#options;
    const others = Array.from({ length: shards }, (_, shard) => shard).filter(
      (shard) => !this.#held.has(shard),
    );
    const from = clock.monotonic();
    const [leases, heartbeats] = await Promise.all([store.look(others), store.heartbeat()]);
    const now = clock.monotonic();
    this.#leases.look(leases, from, now);
    this.#heartbeats.look(heartbeats, from, now);
    this.#live = await this.#count(now);
    await this.#balance(this.#live.length, now);
    this.#watchOwners(now);
  }

  /** A shard whose lease nobody has, or whose lease stands still, for longer than a handover takes. */
  #watchOwners(now: number): void {
    const { shards, alarms, leaseMs } = this.#options;
    const bound = 2 * leaseMs + OWNERLESS_MS;
    for (let shard = 0; shard < shards; shard++) {
      const seen = this.#leases.of(shard);
      const isOwned = this.#held.has(shard) || (seen !== undefined && !this.#isStale(seen, now));
      const since = isOwned ? undefined : (this.#ownerless.get(shard) ?? now);
      if (since === undefined) this.#ownerless.delete(shard);
      else this.#ownerless.set(shard, since);
      if (since === undefined || now - since < bound) alarms?.clear('shard_ownerless', shard);
      else
        alarms?.raise('shard_ownerless', shard, 'no worker owns the shard', {
          forMs: Math.round(now - since),
        });
    }
  }

  /**
   * Who was seen to move lately lives. Of one that was not seen before nobody knows yet: it counts while it holds
   * something, which a worker that died long ago does not.
   */
  async #count(now: number): Promise<string[]> {
    const { store, leaseMs } = this.#options;
    const holders = new Set<string>();
    for (const [, { text }] of this.#leases.entries()) holders.add(parseLease(text, leaseMs).holder);
    const live: string[] = [];
    for (const [holder, seen] of this.#heartbeats.entries()) {
      const lasts = parseHeartbeat(seen.text)?.leaseMs ?? leaseMs;
      const isKnown = seen.notBefore !== undefined || holders.has(holder) || holder === this.#options.holder;
      if (isKnown && now - seen.since < lasts * ABSENT_AFTER) live.push(holder);
      else if (now - seen.since > lasts * BURIED_AFTER) await store.bury(holder, seen.text);
    }
    return live;
  }

  async #renew(): Promise<void> {
    const shards = this.held;
    if (shards.length === 0) return;
    const until = this.#leaseEnd();
    const kept = await this.#options.store.renew(shards);
    for (const shard of shards) {
      if (!kept.has(shard)) this.#lose(shard);
      // Leases that were released meanwhile stay released.
      else if (this.#held.has(shard)) this.#held.set(shard, until);
    }
  }

  async #balance(workers: number, now: number): Promise<void> {
    const { shards, store, random, onAcquired, logger } = this.#options;
    const share = Math.ceil(shards / Math.max(1, workers)) + this.#leftByOthers();
    const mine = this.held.filter((shard) => !this.#leaving.has(shard));
    for (const shard of mine.slice(share)) void this.#giveBack(shard);
    // Workers begin at different shards, so that two that start together do not ask for the same ones.
    const start = Math.floor(random() * shards);
    for (let i = 0; i < shards && this.#held.size < share && this.#mayTake(); i++) {
      const shard = (start + i) % shards;
      // A shard whose worker is still stopping here must not be started a second time.
      if (this.#held.has(shard) || this.#leaving.has(shard)) continue;
      if ((this.#refused.get(shard) ?? 0) > now) continue;
      const seen = this.#leases.of(shard);
      if (seen !== undefined && !this.#isStale(seen, now)) continue;
      const until = this.#leaseEnd();
      if (!(await store.acquire(shard, seen?.text))) continue;
      if (seen !== undefined)
        logger.warn({ shard, lease: seen.text }, 'took over a lease that nobody renewed');
      this.#held.set(shard, until);
      if (await this.#isAdmitted(shard)) onAcquired(shard);
    }
  }

  /** A shard that ended its owners is begun when this worker has nothing else to lose; until then it is left. */
  async #isAdmitted(shard: number): Promise<boolean> {
    const { quarantine, store, clock } = this.#options;
    let admission: Admission = 'begin';
    try {
      admission = (await quarantine?.admit(shard, this.#live)) ?? 'begin';
    } catch (error) {
      // Nothing has begun to work on it: the lease lapses by itself.
      this.#held.delete(shard);
      throw error;
    }
    if (admission === 'leave') {
      this.#held.delete(shard);
      this.#refused.set(shard, clock.monotonic() + LEFT_FOR_MS);
      await store.release(shard);
      return false;
    }
    if (admission === 'alone') {
      const others = this.held.filter((other) => other !== shard);
      await Promise.all(others.map((other) => this.#giveBack(other)));
    }
    return true;
  }

  /** How many shards others have given back and do not take: without them in the share they would be nobody's. */
  #leftByOthers(): number {
    const own = new Set(this.left);
    const left = new Set(this.#others().flatMap(({ leaves = [] }) => leaves));
    return [...left].filter((shard) => !own.has(shard)).length;
  }

  #others(): Heartbeat[] {
    return this.#live.flatMap((holder) => {
      if (holder === this.#options.holder) return [];
      return parseHeartbeat(this.#heartbeats.of(holder)?.text ?? '') ?? [];
    });
  }

  #mayTake(): boolean {
    return this.#stopping === undefined && this.#options.quarantine?.alone === undefined;
  }

  #isStale({ text, since }: Seen, now: number): boolean {
    return now - since >= parseLease(text, this.#options.leaseMs).leaseMs * STALE_AFTER;
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
      await this.#options.quarantine?.released(shard);
      await this.#options.store.release(shard);
    } catch (error) {
      this.#options.logger.warn(
        { shard, reason: messageOf(error) },
        'could not release the lease: it lapses by itself',
      );
    } finally {
      this.#held.delete(shard);
      this.#leaving.delete(shard);
    }
  }

  #lose(shard: number): void {
    this.#held.delete(shard);
    if (this.#leaving.has(shard)) return;
    this.#options.quarantine?.lost(shard);
    this.#options.logger.warn({ shard }, 'lost the lease of the shard');
    this.#leaving.add(shard);
    void this.#options.onReleased(shard).finally(() => this.#leaving.delete(shard));
  }
}
