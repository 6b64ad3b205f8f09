/** Redis and NATS of one run: what they keep, their clocks, and whether they can be reached. */
import { genesisMark, type TrimMark } from '../../src/bus/trim-marks.ts';
import { eventsIn } from '../../src/protocol/packs.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { MemoryLeases } from './memory/leases.ts';
import type { Purpose } from './memory/link.ts';
import { MemoryMarks } from './memory/marks.ts';
import { MemoryShard, type ShardCopy } from './memory/shard.ts';
import { MemorySnapshots } from './memory/snapshots.ts';
import { MemoryStream } from './memory/stream.ts';
import type { Plan } from './plan.ts';
import type { Scheduler } from './scheduler.ts';

/** When simulated time begins, milliseconds since the epoch. */
export const START = 1_700_000_000_000;
export const SUBJECTS = subjects('sim');

/** A consistent copy of everything that Redis kept of the shards. */
export type StoreCopy = readonly ShardCopy[];

export interface ServerWatch {
  /** Called when a pack of events is stored. */
  readonly onPack: (id: string, events: number) => void;
  /** Called when a mark is written. */
  readonly onMark: (shard: number, before: TrimMark | undefined, after: TrimMark) => void;
}

export class Servers {
  readonly shards: readonly MemoryShard[];
  readonly leases: MemoryLeases;
  readonly decisions: MemoryStream;
  readonly events: MemoryStream;
  readonly deadLetters: MemoryStream;
  readonly marks: MemoryMarks;
  readonly snapshots = new MemorySnapshots();
  /** Otherwise there are neither marks nor snapshots, and nobody asks for them. */
  readonly isTrimmed: boolean;
  /** How far the clocks of the servers are from the simulated time, milliseconds. */
  redisSkewMs = 0;
  logSkewMs = 0;
  isRedisDown = false;
  isNatsDown = false;
  /** Redis has no memory: it refuses what makes it larger. */
  isRedisFull = false;
  /** Nearly: workers that look see it and pause. */
  eventsAreFull = false;

  readonly #scheduler: Scheduler;

  constructor(plan: Plan, scheduler: Scheduler, logWindowMs: number, { onPack, onMark }: ServerWatch) {
    this.#scheduler = scheduler;
    const logNow = (): number => START + Math.floor(scheduler.now) + this.logSkewMs;
    const options = { now: logNow, dedupeWindowMs: plan.dedupeWindowMs, clampsStart: plan.clampsStart };
    this.shards = Array.from({ length: plan.shards }, () => new MemoryShard());
    this.leases = new MemoryLeases(() => scheduler.now + this.redisSkewMs);
    this.decisions = new MemoryStream({ ...options, dedupeWindowMs: logWindowMs });
    this.events = new MemoryStream({
      ...options,
      onStored: ({ data }, id) => onPack(id ?? '', eventsIn(data).length),
    });
    this.deadLetters = new MemoryStream(options);
    this.marks = new MemoryMarks(onMark);
    this.isTrimmed = plan.trimming !== undefined;
    for (let shard = 0; this.isTrimmed && shard < plan.shards; shard++) {
      this.marks.write(shard, genesisMark(this.decisions.bounds().identity), 0);
    }
  }

  /** What Redis' clock shows, milliseconds since the epoch. */
  redisNow(): number {
    return START + Math.floor(this.#scheduler.now) + this.redisSkewMs;
  }

  /** What time it is. */
  trueNow(): number {
    return START + Math.floor(this.#scheduler.now);
  }

  isDown(purpose: Purpose): boolean {
    return purpose === 'log' || purpose === 'publish' ? this.isNatsDown : this.isRedisDown;
  }

  copy(): StoreCopy {
    return this.shards.map((shard) => shard.copy());
  }

  restore(copy: StoreCopy): void {
    for (const [i, shard] of this.shards.entries()) {
      const of = copy[i];
      if (of !== undefined) shard.restore(of);
    }
  }

  empty(): void {
    for (const shard of this.shards) shard.empty();
    this.leases.empty();
  }
}
