/** What happens to the whole system while it runs: deaths, pauses, outages, clocks that step, stores that go back. */

import type { Random } from '../kit/chance/random.ts';
import type { AppliedCopy, Monitor } from './monitor.ts';
import { distrust, renewMarks } from './operator.ts';
import type { Mishap, Plan } from './plan.ts';
import type { SimProcess } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import type { Servers, StoreCopy } from './servers.ts';
import type { Trace } from './trace.ts';
import type { SimWorker } from './worker.ts';

export interface ChaosOptions {
  readonly plan: Plan;
  readonly dice: Random;
  readonly scheduler: Scheduler;
  readonly servers: Servers;
  readonly monitor: Monitor;
  readonly trace: Trace;
  /** Those that are alive. */
  readonly workers: () => readonly SimWorker[];
  /** Counts a fault; false when faults are over. */
  readonly happens: (fault: string) => boolean;
}

const COPY_EVERY_MS = 700;
const COPIES = 4;
const MOST_OUTAGE_MS = 3_000;
const CLOCK_STEPS_MS = [1_000, 3_600_000, 365 * 24 * 3_600_000] as const;
/** A person needs longer, and by then nobody is in the middle of trimming by a mark that is gone. */
const MARKS_RENEWED_AFTER_MS = 5_000;
/** A clock that is no further off is right. */
const RIGHT_WITHIN_MS = 1_000;

/** What has a clock of its own. */
type Clocked = SimProcess | 'redis' | 'log';

export class Chaos {
  readonly #options: ChaosOptions;
  #copies: { readonly store: StoreCopy; readonly applied: AppliedCopy }[] = [];
  #hasLostLog = false;
  #isOver = false;
  isSweeperAbsent = false;

  constructor(options: ChaosOptions) {
    this.#options = options;
  }

  start(): void {
    const { plan, dice, scheduler } = this.#options;
    if (plan.mishaps.length > 0) this.#next();
    if (plan.mishaps.includes('store_rolled_back')) this.#keepCopies();
    if (plan.logLoss !== undefined) {
      scheduler.after(plan.activeMs * dice.span(0.3, 1), () => this.#loseLog());
    }
  }

  /** Everything that can be healed is: from here on the system has to find back to order by itself. */
  heal(): void {
    const { servers, workers, plan, scheduler } = this.#options;
    servers.isRedisDown = false;
    servers.isNatsDown = false;
    servers.isRedisFull = false;
    servers.eventsAreFull = false;
    servers.decisions.isFull = false;
    this.isSweeperAbsent = false;
    this.#isOver = true;
    // Each to the true time, and none to another's: what they have done meanwhile has to come right from there.
    servers.redisSkewMs = 0;
    servers.logSkewMs = 0;
    distrust(servers, servers.trueNow());
    if (plan.trimming?.renewsMarks === true) {
      scheduler.after(MARKS_RENEWED_AFTER_MS, () => renewMarks(servers));
    }
    for (const worker of workers()) {
      worker.process.skewMs = 0;
      worker.process.goOn();
      worker.interrupt('the connection to NATS is there again');
    }
  }

  #next(): void {
    const { plan, dice, scheduler } = this.#options;
    scheduler.after(dice.next() * 2 * plan.mishapEveryMs, () => {
      const mishap = dice.oneOf(plan.mishaps);
      if (this.#isOver) return;
      if (mishap !== undefined) this.#cause(mishap);
      this.#next();
    });
  }

  #cause(mishap: Mishap): void {
    const { happens, trace, workers, dice } = this.#options;
    const ofStore = mishap === 'store_rolled_back' || mishap === 'store_emptied';
    if (ofStore && (this.#hasLostLog || (mishap === 'store_rolled_back' && this.#copies.length === 0)))
      return;
    if (!happens(mishap)) return;
    trace.note('chaos', mishap);
    const worker = dice.oneOf(workers());
    switch (mishap) {
      case 'crash':
        worker?.process.kill('killed');
        return;
      case 'pause':
        worker?.process.stopFor(dice.magnitude(20, 10_000));
        return;
      case 'restart':
        worker?.stop();
        return;
      case 'worker_clock_step':
        if (worker !== undefined) this.#step([worker.process]);
        return;
      case 'clock_pair_step':
        this.#step(
          dice.shuffled<Clocked>([...workers().map((one) => one.process), 'redis', 'log']).slice(0, 2),
        );
        return;
      default:
        this.#causeAtServers(mishap);
        return;
    }
  }

  #causeAtServers(
    mishap: Exclude<Mishap, 'crash' | 'pause' | 'restart' | 'worker_clock_step' | 'clock_pair_step'>,
  ): void {
    const { servers, dice, plan, workers } = this.#options;
    switch (mishap) {
      case 'connections_reset':
        for (const worker of workers()) worker.interrupt('the connection to NATS was reset');
        return;
      case 'redis_down':
        this.#during((isOn) => {
          servers.isRedisDown = isOn;
        });
        return;
      case 'redis_full':
        this.#during((isOn) => {
          servers.isRedisFull = isOn;
        });
        return;
      case 'nats_down':
        this.#during((isDown) => this.#natsIs(isDown));
        return;
      case 'lease_stolen':
        servers.leases.drop(dice.integer(plan.shards));
        return;
      case 'store_rolled_back':
        this.#storeGoesBack(dice.oneOf(this.#copies));
        return;
      case 'store_emptied':
        this.#storeGoesBack(undefined);
        return;
      case 'marks_lost':
        servers.marks.lose();
        return;
      case 'snapshots_lost':
        servers.snapshots.lose();
        return;
      case 'consumers_deleted':
        servers.decisions.deleteConsumers();
        // The library misses the consumer's heartbeats.
        this.#interruptSoon('the consumer is gone');
        return;
      case 'redis_clock_step':
        this.#step(['redis']);
        return;
      case 'log_clock_step':
        this.#step(['log']);
        return;
      case 'events_full':
        this.#during((isOn) => {
          servers.eventsAreFull = isOn;
        });
        return;
      case 'log_full':
        this.#during((isOn) => {
          servers.decisions.isFull = isOn;
        });
        return;
      case 'sweeper_absent':
        this.#during((isOn) => {
          this.isSweeperAbsent = isOn;
        });
        return;
    }
  }

  /**
   * Sets clocks to a wrong time, or to the right one. Most of all clocks are always right, because nothing can tell what
   * time it is when they are not.
   */
  #step(clocks: readonly Clocked[]): void {
    const { servers, workers, dice, scheduler, trace } = this.#options;
    const skewMs = dice.chance(0.25) ? 0 : dice.pick(CLOCK_STEPS_MS) * (dice.chance(0.5) ? 1 : -1);
    const skews = new Map<Clocked, number>([
      ['redis', servers.redisSkewMs],
      ['log', servers.logSkewMs],
      ...workers().map(({ process }) => [process, process.skewMs] as const),
    ]);
    for (const clock of clocks) skews.set(clock, skewMs);
    const wrong = [...skews.values()].filter((ms) => Math.abs(ms) > RIGHT_WITHIN_MS).length;
    if (2 * wrong >= skews.size) return;
    for (const clock of clocks) {
      trace.note('chaos', `the clock of ${typeof clock === 'string' ? clock : clock.id} is ${skewMs} ms off`);
      if (clock === 'redis') servers.redisSkewMs = skewMs;
      else if (clock === 'log') servers.logSkewMs = skewMs;
      else clock.skewMs = skewMs;
    }
    if (!clocks.includes('log') || skewMs <= RIGHT_WITHIN_MS) return;
    // Shards stand still by now: somebody sets the clock right, and then says what does not count.
    scheduler.after(dice.magnitude(100, 6_000), () => {
      if (this.#isOver) return;
      servers.logSkewMs = 0;
      scheduler.after(dice.magnitude(100, 3_000), () => {
        // A log that is full takes no word either: then it is said in the end.
        const isRight = servers.logSkewMs <= RIGHT_WITHIN_MS && !servers.decisions.isFull;
        if (!this.#isOver && isRight) distrust(servers, servers.trueNow());
      });
    });
  }

  #during(set: (isOn: boolean) => void): void {
    const { scheduler, dice } = this.#options;
    set(true);
    scheduler.after(dice.magnitude(20, MOST_OUTAGE_MS), () => set(false));
  }

  #natsIs(isDown: boolean): void {
    const { servers, workers } = this.#options;
    servers.isNatsDown = isDown;
    // Consumers are kept in memory: a server that was gone has none.
    servers.decisions.deleteConsumers();
    for (const worker of workers()) worker.interrupt(isDown ? 'NATS disconnect' : 'NATS reconnect');
  }

  #interruptSoon(why: string): void {
    const { scheduler, dice, workers } = this.#options;
    for (const worker of workers()) {
      scheduler.after(dice.span(0, 2_000), () => worker.interrupt(why));
    }
  }

  #keepCopies(): void {
    const { servers, monitor, scheduler, dice } = this.#options;
    scheduler.after(dice.next() * 2 * COPY_EVERY_MS, () => {
      if (this.#isOver) return;
      this.#copies = [...this.#copies, { store: servers.copy(), applied: monitor.copy() }].slice(-COPIES);
      this.#keepCopies();
    });
  }

  #storeGoesBack(copy: { readonly store: StoreCopy; readonly applied: AppliedCopy } | undefined): void {
    const { servers, monitor } = this.#options;
    if (copy === undefined) servers.empty();
    else servers.restore(copy.store);
    monitor.storeWentBack(copy?.applied);
  }

  /** The server was started again from what it had on disk, or the stream was deleted: nobody's consumer survives that. */
  #loseLog(): void {
    const { servers, dice, plan, monitor, happens, trace } = this.#options;
    const { logLoss } = plan;
    if (logLoss === undefined || !happens(logLoss)) return;
    const end =
      logLoss === 'log_recreated' ? 0 : Math.max(0, servers.decisions.lastSeq - dice.magnitude(1, 30));
    trace.note('chaos', `${logLoss}: the log ends at ${end} instead of ${servers.decisions.lastSeq}`);
    this.#hasLostLog = true;
    monitor.logEndsAt(end);
    if (logLoss === 'log_recreated') servers.decisions.recreate();
    else servers.decisions.rollBack(end);
    this.#interruptSoon('NATS reconnect');
  }
}
