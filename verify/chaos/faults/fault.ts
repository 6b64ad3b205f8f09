/** What can be broken, and what is needed to break it. */
import type { Random } from '../../kit/chance/random.ts';
import type { Load } from '../load/load.ts';
import type { Sender } from '../load/sender.ts';
import type { ChaosSystem } from '../system/system.ts';
import type { WorkerProcess } from '../system/worker-process.ts';

/** Whose failure it is: the promise about how soon it is over depends on it. */
export type Concern = 'worker' | 'nats' | 'redis';

export interface Stricken {
  readonly system: ChaosSystem;
  readonly load: Load;
  /** Sends what is recorded and judged like all else, past every link and at no rate. */
  readonly sender: Sender;
  readonly random: Random;
  /** While it is paused nobody sends anything new, not even probes. */
  pauseAll(paused: boolean): void;
  /** What stands between these two in time is about a log that is not the one that was applied. */
  wrongLog(phase: 'begin' | 'end'): void;
  /** Something that must not happen did. */
  violate(rule: string, what: string): void;
  /** Since then pools of all shards had to be answered; but for one, where there was cause to wait. */
  othersWent(since: number, exceptShard?: number): void;
  /** Every shard halted, because it had to, after at most so many milliseconds. */
  halted(shards: number, withinMs: number): void;
}

export interface Fault {
  readonly kind: string;
  /** Recovery from it counts in `maxRecoveryMs`; without it there is no promise but that it is over in time. */
  readonly concern?: Concern;
  /** After which every shard has to be at work again, milliseconds. */
  readonly recoversWithinMs: number;
  /** The log itself is not what it was: this is done where nothing else is. */
  readonly breaksLog?: true;
  /** More at once than others send: done where workers have little memory and nothing else is broken. */
  readonly floods?: true;
  /** How long {@link inject} may take: a minute, where nothing is said. */
  readonly takesAtMostMs?: number;
  /** Sweeps have to run again soon after it. */
  readonly stopsSweeps?: true;
  /**
   * Breaks something, holds it, and lets go of it. Resolves with the moment from which recovery counts, by this process'
   * clock: the death of a worker, or a server being back. Throws a {@link SkippedFault} when this machine cannot do it.
   */
  inject(stricken: Stricken): Promise<number>;
}

/** Why a fault could not be injected here. */
export class SkippedFault extends Error {
  override readonly name = 'SkippedFault';
}

/** One that works. Those who should be at work and are not are replaced between faults. */
export async function someWorker({ system, random }: Stricken): Promise<WorkerProcess> {
  const [first, ...others] = system.workers;
  if (first === undefined) throw new Error('no worker is running');
  return random.pick([first, ...others]);
}
