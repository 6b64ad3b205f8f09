/**
 * Conditions that an operator must know at once. An alarm has a fixed name, concerns one shard or the whole worker, and is
 * on from `raise` to `clear`: a log line at both ends, a metric meanwhile, and a failing `/readyz` while work stands still
 * because of it. docs/operations.md says what to do about each.
 */

import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { defined } from '../../protocol/defined.ts';
import type { Clock } from '../shard/ports.ts';

/**
 * Every alarm there is, and what to do about it: `stops` what is on while work stands still (not ready), `warns` what does
 * not keep it from going on.
 */
const ALARMS = {
  /** The log does not continue from the applied position. */
  shard_halted: stops('restore the right log; the shard then continues by itself'),
  /** A message of the log cannot be committed, even alone. */
  cannot_commit: stops('report it as a bug, with the log line; the worker retries every 30 s'),
  /** Messages wait, and the shard has made no progress for seconds. */
  shard_stalled: stops(
    'look at the phase: commit and load wait for Redis, open and read for NATS, publish for room for events',
  ),
  /** Leases cannot be renewed: the shards are about to have no owner. */
  leases_failing: stops('check whether Redis is full or unreachable; workers continue by themselves'),
  /** No worker owns the shard. */
  shard_ownerless: stops('start a worker; if some are running, their logs say why they do not take it'),
  /** Something has been due for long, and no sweep arrived. */
  sweep_overdue: warns('check whether the Redis of BullMQ is reachable'),
  /** The log refuses decisions. */
  log_full: stops(
    'raise CONVERGE_LOG_MAX_BYTES and the limit of the stream, or see why the log is not trimmed',
  ),
  /** The events stream has no room: publishing pauses. */
  events_full: stops('raise the limit of the events stream'),
  /** The clock of this worker is wrong: it is ignored. */
  clock_worker: warns('correct the clock of this machine'),
  clock_redis: warns("correct the clock of Redis' machine"),
  /** A message of the log is stamped in the future: the shard waits before it. */
  clock_log: stops('correct the clock of NATS, then run converge clock distrust'),
  /** The log's clock is behind: sweeps carry the time. */
  clock_behind: warns('correct the clock of NATS'),
  /** The clocks do not agree on the time. */
  clock_unknown: stops('correct the clocks that the reason shows'),
  /** An operator distrusts messages that are already applied. */
  clock_late: stops('stop all workers, run converge rebuild --force, start them'),
  /** A shard's time is ahead: something once moved it there. */
  clock_ahead: warns('run converge clock distrust --whole --dry-run, and follow docs/operations.md'),
  /** The shard does not fit into the heap of this worker: it was given back. */
  shard_too_large: stops('start a worker with a larger heap (node --max-old-space-size)'),
  /** The shard crashed two of its owners: it is loaded alone, with pauses. */
  shard_poison: stops(
    'repair the cause of the crashes, most often too small a heap; then run converge shard retry',
  ),
  /** Redis may evict state. */
  redis_evicts: warns('set maxmemory-policy noeviction'),
  /** A restart of the NATS server loses the log. */
  log_in_memory: warns('create the log on disk'),
  /** Nothing records how far a shard's log was trimmed. */
  mark_missing: warns('if it is certainly the right log, run converge marks renew'),
  /** Workers have different settings. */
  settings_differ: warns('give all workers the same values for the settings that the log line names'),
} as const;

interface Meaning {
  readonly stopsWork: boolean;
  readonly toDo: string;
}

function stops(toDo: string): Meaning {
  return { stopsWork: true, toDo };
}

function warns(toDo: string): Meaning {
  return { stopsWork: false, toDo };
}

export type AlarmName = keyof typeof ALARMS;

export const ALARM_NAMES = Object.keys(ALARMS).filter((name): name is AlarmName => name in ALARMS);

/** Something is wrong with a clock. */
export function isClockAlarm(alarm: AlarmName): boolean {
  return alarm.startsWith('clock_');
}

export type AlarmDetail = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Alarm {
  readonly alarm: AlarmName;
  /** Undefined when it concerns the whole worker. */
  readonly shard: number | undefined;
  readonly message: string;
  readonly detail: AlarmDetail;
  /** Wall clock: for people. */
  readonly since: number;
}

/** As it is reported in statistics. */
export interface ToldAlarm {
  readonly alarm: AlarmName;
  readonly shard?: number;
  readonly since: number;
  readonly text: string;
  readonly toDo: string;
}

export interface AlarmsOptions {
  readonly logger: Logger;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly registry?: Registry;
}

/** How often an alarm that is raised repeatedly is logged again. */
const SAY_AGAIN_MS = 60_000;

interface Raised extends Alarm {
  readonly saidAt: number;
}

export class Alarms {
  readonly #options: AlarmsOptions;
  readonly #raised = new Map<string, Raised>();
  readonly #gauge: Gauge<'alarm' | 'shard'>;

  constructor(options: AlarmsOptions) {
    this.#options = options;
    this.#gauge = new Gauge({
      name: 'converge_alarm',
      help: 'Alarms that are on: 1 for each; what to do about them is in docs/operations.md',
      labelNames: ['alarm', 'shard'],
      registers: options.registry === undefined ? [] : [options.registry],
    });
  }

  /** Idempotent: while it is on, the newest message and detail count. */
  raise(alarm: AlarmName, shard: number | undefined, message: string, detail: AlarmDetail = {}): void {
    const { clock, logger } = this.#options;
    const key = keyOf(alarm, shard);
    const before = this.#raised.get(key);
    const now = clock.monotonic();
    const isSaid = before !== undefined && now - before.saidAt < SAY_AGAIN_MS;
    this.#raised.set(key, {
      alarm,
      shard,
      message,
      detail,
      since: before?.since ?? clock.now(),
      saidAt: isSaid ? before.saidAt : now,
    });
    this.#gauge.set(labelsOf(alarm, shard), 1);
    if (!isSaid) logger.error({ ...detail, alarm, shard }, `ALARM: ${message}`);
  }

  /** Idempotent. */
  clear(alarm: AlarmName, shard: number | undefined): void {
    const over = this.#raised.get(keyOf(alarm, shard));
    if (over === undefined) return;
    this.#raised.delete(keyOf(alarm, shard));
    this.#gauge.remove(labelsOf(alarm, shard));
    this.#options.logger.info({ alarm, shard }, `alarm over: ${over.message}`);
  }

  /** The shard is handed over: its alarms are now the next owner's to raise. */
  clearAllOf(shard: number): void {
    for (const { alarm, shard: concerned } of this.active) if (concerned === shard) this.clear(alarm, shard);
  }

  /** The active alarms, in the order in which they were raised. */
  get active(): readonly Alarm[] {
    return [...this.#raised.values()];
  }

  /** For the statistics of the worker. */
  told(): ToldAlarm[] {
    return this.active.map(({ alarm, shard, since, ...more }) => ({
      alarm,
      ...defined({ shard }),
      since,
      text: textOf({ alarm, shard, since, ...more }),
      toDo: ALARMS[alarm].toDo,
    }));
  }

  /** Why work stands still; empty while it does not. */
  notReady(): string[] {
    return this.active.filter(({ alarm }) => ALARMS[alarm].stopsWork).map(textOf);
  }
}

function textOf({ alarm, shard, message, detail }: Alarm): string {
  const { reason } = detail;
  const where = shard === undefined ? '' : `shard ${shard}: `;
  return `${alarm}: ${where}${message}${reason === undefined ? '' : `: ${reason}`}`;
}

function keyOf(alarm: AlarmName, shard: number | undefined): string {
  return `${alarm} ${shard ?? ''}`;
}

function labelsOf(alarm: AlarmName, shard: number | undefined): { alarm: AlarmName; shard: string } {
  return { alarm, shard: shard === undefined ? '' : String(shard) };
}
