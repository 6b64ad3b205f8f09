/**
 * A worker's estimate of the true time (docs/decisions/018-time.md). Each second it compares the clocks that it can read:
 * its own, Redis', those of other live workers, and the log's when the others do not settle it. In between, and for a
 * minute where they disagree, it goes by the monotonic clock. What it is for: whether what the log says is believed
 * (`log-time.ts`), and what is due. Applying the log again needs none of it.
 */
import type { Logger } from 'pino';
import { messageOf } from '../../lib/errors.ts';
import type { Alarms } from '../health/alarms.ts';
import type { Clock } from '../shard/ports.ts';
import { type Agreement, agree, type Reading, skewOf, WRONG_FROM_MS } from './agree.ts';

/** The clocks that a worker reads besides its own. */
export interface OtherClocks {
  /** Redis' clock, and until when an operator has allowed the log's to be; milliseconds since the epoch. */
  redis(): Promise<{ readonly now: number; readonly acceptedUntil: number }>;
  /** The log's clock: appends a message for it. */
  log(): Promise<number>;
  /** Asks for the heartbeats of other workers, before this one takes part. */
  listen(): Promise<void>;
  /** Other workers: what their clocks showed, and between which moments of our monotonic clock. */
  workers(): readonly WorkerClock[];
  /** Which machine each of the two servers is on. */
  machines(): { readonly own: string; readonly redis: string; readonly log: string };
}

export interface WorkerClock {
  readonly worker: string;
  readonly machine: string;
  readonly wall: number;
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface TrueTimeOptions {
  readonly clock: Clock;
  readonly others: OtherClocks;
  readonly alarms: Alarms;
  readonly logger: Logger;
}

/** Milliseconds that each clock shows more than the true time; undefined where it is not known. */
export type Skews = Readonly<Record<'worker' | 'redis' | 'log', number | undefined>>;

const LOOK_MS = 1_000;
/** Looks of one that begins, before the log is asked. */
const FIRST_LOOKS = 3;
/** How long the last agreement is carried on where there is no new one. */
const CARRIED_MS = 60_000;
/** A message of one's own says what the log's clock shows for so long. */
const LOG_FRESH_MS = 5_000;
/** An answer that took longer says too little. */
const MOST_DOUBT_MS = 2_000;
/** From here on sweeps carry the time with them, because the log's stamps do not. */
const BEHIND_FROM_MS = 2_000;
const BEHIND_ALARM_FROM_MS = 10_000;
/** Looks in a row: one that a busy machine spoilt is no alarm. */
const WRONG_LOOKS = 2;

export class TrueTime {
  readonly #options: TrueTimeOptions;
  #agreed: (Agreement & { readonly at: number }) | undefined;
  #log: (Reading & { readonly at: number }) | undefined;
  /** The furthest that a stamp was seen ahead lately: more is known of it than what a message of one's own says. */
  #ahead: { readonly skewMs: number; readonly at: number } | undefined;
  #acceptedUntil = 0;
  #isLogSuspected = false;
  #skews: Skews = { worker: undefined, redis: undefined, log: undefined };
  readonly #wrongLooks = new Map<'worker' | 'redis', number>();
  readonly #end = new AbortController();

  constructor(options: TrueTimeOptions) {
    this.#options = options;
  }

  /** Milliseconds since the epoch; undefined while it is not known. */
  now(): number | undefined {
    const now = this.#options.clock.monotonic();
    const agreed = this.#agreed;
    return agreed === undefined || now - agreed.at > CARRIED_MS ? undefined : now + agreed.offsetMs;
  }

  /** How far {@link now} may be off because the clocks that agree are apart. */
  get doubtMs(): number {
    return (this.#agreed?.spreadMs ?? 0) / 2;
  }

  /** An operator allows stamps up to here, whatever the clocks say. */
  get acceptedUntil(): number {
    return this.#acceptedUntil;
  }

  /** The log's clock is behind: what is appended now does not bring the log's time to where it is. */
  get isLogBehind(): boolean {
    return (this.#behindBy() ?? 0) > BEHIND_FROM_MS;
  }

  get skews(): Skews {
    return this.#skews;
  }

  /** Something does not fall due though it should have: ask the log what its clock shows. */
  suspectLog(): void {
    this.#isLogSuspected = true;
  }

  /** A message of the log was stamped so far ahead of the true time. */
  sawAhead(skewMs: number): void {
    this.#ahead = { skewMs, at: this.#options.clock.monotonic() };
  }

  /** The first look; then one every second until it is closed. */
  async start(): Promise<void> {
    await this.#firstLooks();
    void this.#keepLooking();
  }

  /**
   * One that begins knows no earlier time. Where its clock and Redis' contradict each other, the other workers are heard
   * before the log is asked: with Redis it may be on one machine whose clock is wrong.
   */
  async #firstLooks(): Promise<void> {
    const { clock, others } = this.#options;
    for (let looks = 0; looks < FIRST_LOOKS && this.#agreed === undefined; looks++) {
      if (looks > 0) {
        await others.listen().catch(() => undefined);
        await clock.sleep(LOOK_MS);
        await others.listen().catch(() => undefined);
      }
      await this.look({ mayAskLog: false });
    }
    if (this.#agreed === undefined) await this.look();
  }

  close(): void {
    this.#end.abort();
  }

  async #keepLooking(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#end;
    for (;;) {
      await clock.sleep(LOOK_MS, signal);
      if (signal.aborted) return;
      await this.look().catch((error) =>
        logger.warn({ reason: messageOf(error) }, 'could not compare the clocks'),
      );
    }
  }

  async look({ mayAskLog = true }: { readonly mayAskLog?: boolean } = {}): Promise<void> {
    const { clock, others, alarms } = this.#options;
    const machines = others.machines();
    const redis = await this.#readRedis(machines.redis);
    const readings = [this.#own(machines.own), ...(redis === undefined ? [] : [redis]), ...this.#workers()];
    const before = this.#carried();
    let agreed = agree(readings, before);
    const isStep =
      agreed !== undefined &&
      before !== undefined &&
      Math.abs(agreed.offsetMs - before.offsetMs) > WRONG_FROM_MS + agreed.spreadMs;
    const isUnsettled = agreed === undefined || isStep;
    if (mayAskLog && (isUnsettled || this.#isLogSuspected || this.isLogBehind))
      await this.#readLog(machines.log);
    const log = this.#freshLog();
    if (isUnsettled && mayAskLog) {
      const heard = log === undefined ? readings : [...readings, log];
      // To move the time takes more than half of all clocks that there are: one that does not answer just now, with one
      // that is wrong, must not make a majority of the wrong ones.
      const silent = before === undefined ? 0 : Number(redis === undefined) + Number(log === undefined);
      agreed = agree(heard, before, silent);
    }
    if (agreed !== undefined) this.#agreed = { ...agreed, at: clock.monotonic() };
    if (this.now() !== undefined) alarms.clear('clock_unknown', undefined);
    else if (mayAskLog && readings.length > 1) {
      const offsets = [...readings, ...(log === undefined ? [] : [log])].map(
        ({ clock: name, low, high }) => `${name} ${iso((low + high) / 2 + clock.monotonic())}`,
      );
      alarms.raise('clock_unknown', undefined, 'no two clocks agree, or not enough of them', {
        reason: offsets.join(', '),
      });
    }
    this.#judge(readings, this.#agreed);
  }

  #carried(): Agreement | undefined {
    if (this.now() === undefined || this.#agreed === undefined) return undefined;
    return { offsetMs: this.#agreed.offsetMs, spreadMs: this.#agreed.spreadMs };
  }

  #own(machine: string): Reading {
    const { clock } = this.#options;
    const from = clock.monotonic();
    const wall = clock.now();
    return { clock: 'worker', machine, low: wall - clock.monotonic(), high: wall + 1 - from };
  }

  async #readRedis(machine: string): Promise<Reading | undefined> {
    const { clock, others } = this.#options;
    const from = clock.monotonic();
    try {
      const { now, acceptedUntil } = await others.redis();
      const to = clock.monotonic();
      this.#acceptedUntil = acceptedUntil;
      return to - from > MOST_DOUBT_MS
        ? undefined
        : { clock: 'redis', machine, low: now - to, high: now + 1 - from };
    } catch {
      return undefined;
    }
  }

  #workers(): Reading[] {
    return this.#options.others.workers().flatMap(({ worker, machine, wall, notBefore, notAfter }) => {
      const reading = { clock: worker, machine, low: wall - notAfter, high: wall + 1 - notBefore };
      return notAfter - notBefore > MOST_DOUBT_MS ? [] : [reading];
    });
  }

  async #readLog(machine: string): Promise<void> {
    const { clock, others, logger } = this.#options;
    if (this.#freshLog() !== undefined) return;
    const from = clock.monotonic();
    try {
      const stamp = await others.log();
      const to = clock.monotonic();
      this.#isLogSuspected = false;
      if (to - from > MOST_DOUBT_MS) return;
      this.#log = { clock: 'log', machine, low: stamp - to, high: stamp + 1 - from, at: to };
    } catch (error) {
      logger.debug({ reason: messageOf(error) }, 'could not read the clock of the log');
    }
  }

  #freshLog(): Reading | undefined {
    const log = this.#log;
    return log === undefined || this.#options.clock.monotonic() - log.at > LOG_FRESH_MS ? undefined : log;
  }

  /** By how much; undefined where no message of one's own says so lately. */
  #behindBy(): number | undefined {
    const log = this.#log;
    if (log === undefined || this.#agreed === undefined) return undefined;
    // Twice as long as it is fresh: until the next one is read, it is what is known.
    if (this.#options.clock.monotonic() - log.at > 2 * LOG_FRESH_MS) return undefined;
    return -skewOf(log, this.#agreed);
  }

  #judge(readings: readonly Reading[], agreed: Agreement | undefined): void {
    if (agreed === undefined) return;
    const { clock, alarms } = this.#options;
    const skews = { worker: this.#skews.worker, redis: this.#skews.redis };
    for (const name of ['worker', 'redis'] as const) {
      const reading = readings.find(({ clock: of }) => of === name);
      if (reading === undefined) continue;
      skews[name] = (reading.low + reading.high) / 2 - agreed.offsetMs;
      const wrongBy = skewOf(reading, agreed);
      const looks = Math.abs(wrongBy) > WRONG_FROM_MS ? (this.#wrongLooks.get(name) ?? 0) + 1 : 0;
      this.#wrongLooks.set(name, looks);
      if (looks >= WRONG_LOOKS) {
        const whose = name === 'worker' ? 'the clock of this worker' : 'the clock of Redis';
        alarms.raise(`clock_${name}`, undefined, `${whose} is wrong: it is ignored`, {
          skewSeconds: Math.round(wrongBy / 1_000),
        });
      } else if (looks === 0) alarms.clear(`clock_${name}`, undefined);
    }
    const behindMs = this.#behindBy() ?? 0;
    if (behindMs > BEHIND_ALARM_FROM_MS) {
      const message =
        'the clock of the log is behind: sweeps carry the time, so that claims and deadlines still expire';
      alarms.raise('clock_behind', undefined, message, { behindSeconds: Math.round(behindMs / 1_000) });
    } else alarms.clear('clock_behind', undefined);
    const isAhead = this.#ahead !== undefined && clock.monotonic() - this.#ahead.at < 2 * LOG_FRESH_MS;
    const ownLog =
      this.#log === undefined ? undefined : (this.#log.low + this.#log.high) / 2 - agreed.offsetMs;
    this.#skews = { ...skews, log: isAhead ? this.#ahead?.skewMs : ownLog };
  }
}

function iso(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}
