/**
 * The sweeper: finds shards in which something has fallen due, appends a Sweep decision to the log of each, waits for
 * the outcomes and publishes what was found. It changes nothing itself, so running it twice, or late, changes nothing
 * but the delay. `runOnce` is the whole of it; when it runs is the schedule's concern.
 */
import { randomUUID } from 'node:crypto';
import type { NatsConnection, Subscription } from 'nats';
import type { StreamPublisher } from '../../bus/stream-publisher.ts';
import { Names } from '../../handlers/sweep/sweep-report.ts';
import { messageOf } from '../../lib/errors.ts';
import { after } from '../../lib/timers.ts';
import { isObject, parseJson } from '../../protocol/json.ts';
import { SHARD_POOL, SWEEPER } from '../../protocol/names.ts';
import type { SweepData, SweptNames } from '../../protocol/outcome-data.ts';
import { areInForce, type Settings } from '../../protocol/settings.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { StateQueries } from '../../state/queries.ts';
import type { TimeSource } from '../time/log-time.ts';

/** How much one run settled, over all shards. */
export interface SweepCounts {
  readonly at: number;
  readonly durationMs: number;
  /** Sweep decisions that were applied. */
  readonly sweeps: number;
  /** Shards that were due but did not answer in time. */
  readonly late: readonly number[];
  readonly counts: SweepData['counts'];
  readonly removedTasks: number;
  readonly removedPools: number;
  readonly removedEntities: number;
  readonly forgottenOutcomes: number;
}

/** The same with names of settled entities, up to a limit. Published on `<ns>.sweeps` if anything was settled. */
export type SweepSummary = SweepCounts & SweptNames;

export interface SweeperOptions {
  readonly connection: NatsConnection;
  readonly streams: StreamPublisher;
  readonly subjects: Subjects;
  readonly queries: StateQueries;
  readonly settings: Settings;
  /** All live workers have the same; while they do not, Sweeps bring none along. */
  readonly areSettingsAgreed: () => boolean;
  /** Of this process: what bounds of memory are derived from, where a shard has heard of no other. */
  readonly heapBytes: number;
  readonly shards: number;
  readonly time: Pick<TimeSource, 'now' | 'isLogBehind'>;
  /** How long to wait for the outcomes of one round. */
  readonly outcomeWithinMs: number;
}

/** Rounds of one run: a shard that has more due than one Sweep settles is swept again, but not without end. */
const MAX_ROUNDS = 20;

type Waiting = (report: SweepData | undefined) => void;

export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #results: Subscription;
  readonly #waiting = new Map<string, Waiting>();

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#results = options.connection.subscribe(options.subjects.resultsOf(SWEEPER), {
      callback: (error, message) => {
        if (error === null) this.#onResult(message.data);
      },
    });
  }

  async runOnce(now: number): Promise<SweepSummary> {
    const started = performance.now();
    const reports: SweepData[] = [];
    let due = await this.#dueShards(now);
    let late: number[] = [];
    for (let round = 0; round < MAX_ROUNDS && due.length > 0; round++) {
      const swept = await Promise.all(
        due.map(async (shard) => ({ shard, report: await this.#sweep(shard) })),
      );
      for (const { report } of swept) if (report !== undefined) reports.push(report);
      late = swept.flatMap(({ shard, report }) => (report === undefined ? [shard] : []));
      due = swept.flatMap(({ shard, report }) => (report?.more === true ? [shard] : []));
    }
    const summary = summarize(reports, now, Math.round(performance.now() - started), late);
    if (foundSomething(summary)) {
      this.#options.connection.publish(this.#options.subjects.sweeps, JSON.stringify(summary));
    }
    return summary;
  }

  close(): void {
    this.#results.unsubscribe();
    for (const resolve of this.#waiting.values()) resolve(undefined);
  }

  /** Shards with something due, and those whose retention is not the one in force: the Sweep brings it along. */
  async #dueShards(now: number): Promise<number[]> {
    const { queries, settings, heapBytes, areSettingsAgreed } = this.#options;
    const isAgreed = areSettingsAgreed();
    const states = await queries.sweepStates();
    return states.flatMap(({ dueAt, settings: applied }, shard) => {
      const isDue = dueAt !== undefined && dueAt <= now;
      const isOutdated = isAgreed && applied !== undefined && !areInForce(applied, settings, heapBytes);
      return isDue || isOutdated ? [shard] : [];
    });
  }

  async #sweep(shard: number): Promise<SweepData | undefined> {
    const { streams, subjects, settings, heapBytes, time, outcomeWithinMs, areSettingsAgreed } =
      this.#options;
    const id = `sweep-${randomUUID()}`;
    const answered = new Promise<SweepData | undefined>((resolve) => {
      const timer = after(outcomeWithinMs, () => done(undefined));
      const done = (report: SweepData | undefined): void => {
        timer.cancel();
        this.#waiting.delete(id);
        resolve(report);
      };
      this.#waiting.set(id, done);
    });
    try {
      const subject = subjects.shardDecision(shard, SWEEPER, SHARD_POOL);
      // The log's own clock does not bring the time to where it is: the Sweep does.
      const now = time.isLogBehind ? time.now() : undefined;
      const at = now === undefined ? undefined : Math.floor(now);
      const brought = areSettingsAgreed() ? { settings, heapBytes } : {};
      const payload = JSON.stringify({ id, type: 'Sweep', ...brought, at });
      await streams.publish([{ subject, payload }]);
    } catch (error) {
      this.#waiting.get(id)?.(undefined);
      throw new Error(`could not sweep shard ${shard}: ${messageOf(error)}`, { cause: error });
    }
    return await answered;
  }

  /** Anyone may publish here, and what a callback throws ends the reading of the whole connection. */
  #onResult(bytes: Uint8Array): void {
    const { value: outcome } = parseJson(bytes);
    if (!isObject(outcome) || typeof outcome.decisionId !== 'string') return;
    const waiting = this.#waiting.get(outcome.decisionId);
    if (waiting === undefined) return;
    waiting(isReport(outcome.data) ? outcome.data : undefined);
  }
}

function isReport(data: unknown): data is SweepData {
  return isObject(data) && isObject(data.counts) && typeof data.more === 'boolean';
}

function summarize(
  reports: readonly SweepData[],
  at: number,
  durationMs: number,
  late: number[],
): SweepSummary {
  const sum = (count: (report: SweepData) => number): number =>
    reports.reduce((total, report) => total + count(report), 0);
  const names = new Names();
  for (const report of reports) names.addAll(report);
  return {
    at,
    durationMs,
    sweeps: reports.length,
    late,
    ...names.lists,
    counts: names.counts,
    removedTasks: sum(({ removedTasks }) => removedTasks),
    removedPools: sum(({ removedPools }) => removedPools),
    removedEntities: sum(({ removedEntities }) => removedEntities),
    forgottenOutcomes: sum(({ forgottenOutcomes }) => forgottenOutcomes),
  };
}

/** The part of a run that is stored: without the names. */
export function countsOf({
  released: _released,
  failed: _failed,
  cancelled: _cancelled,
  unblocked: _unblocked,
  expiredMembers: _expired,
  closed: _closed,
  ...counts
}: SweepSummary): SweepCounts {
  return counts;
}

function foundSomething(summary: SweepSummary): boolean {
  return (
    Object.values(summary.counts).some((count) => count > 0) ||
    summary.removedTasks + summary.removedPools + summary.removedEntities + summary.forgottenOutcomes > 0
  );
}
