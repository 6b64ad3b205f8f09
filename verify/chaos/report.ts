/** What a run found, as one object and as a table. */
import type { Violation } from './checker/violation.ts';
import type { EpisodeResult, RunViolation } from './episode.ts';
import type { Concern } from './faults/index.ts';
import type { ChaosOptions } from './options.ts';
import type { RunResult } from './run.ts';
import { LEASE_MS } from './system/system.ts';

export interface ChaosReport {
  readonly faults: Readonly<Record<string, number>>;
  readonly decisions: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly appliedTwice: number;
  readonly staleWrites: number;
  readonly staleEvents: number;
  readonly rebuildEqual: boolean;
  /** Shards that halted although the log was the right one. */
  readonly halts: number;
  /** From the death of a worker, or from a server being back, to the first new outcome of the slowest shard. */
  readonly maxRecoveryMs: Readonly<Record<Concern, number | null>>;
  readonly violations: readonly (Violation | RunViolation)[];
  /** Kinds that were not injected, and why. */
  readonly skipped: Readonly<Record<string, string>>;
  /** Recoveries that were slower than what is aimed at. They are no violations: everything came back in time. */
  readonly overTarget: readonly string[];
  readonly maxRecoveryMsByKind: Readonly<Record<string, number>>;
  /** Shards that halted because the log was not the one applied, and how long that took at most. */
  readonly expectedHalts: number;
  readonly maxHaltMs: number | null;
  readonly sweepsResumedMs: number | null;
  readonly maxWorkerRssMb: number;
  /** What the verdict stands on. */
  readonly judged: {
    readonly decisions: number;
    readonly events: number;
    readonly repeatedEvents: number;
    readonly askedAgain: number;
  };
  readonly episodes: number;
  readonly workers: number;
  readonly seed: number;
  readonly seconds: number;
  /** Where the histories are kept, and the command that plays the run again; when something was violated. */
  readonly history?: string;
  readonly replay?: string;
}

const TARGET_MS: Readonly<Record<Concern, number>> = { worker: LEASE_MS + 1_000, nats: 3_000, redis: 5_000 };

export function reportOf(
  { episodes, notReached, folder }: RunResult,
  options: ChaosOptions,
  seconds: number,
): ChaosReport {
  const sum = (count: (episode: EpisodeResult) => number): number =>
    episodes.reduce((total, episode) => total + count(episode), 0);
  const recoveries = episodes.flatMap(({ recoveries: all }) => all);
  const slowest = (concern: Concern): number | null =>
    maxOf(recoveries.filter((each) => each.concern === concern).map(({ ms }) => ms));
  const faults = countsOf(episodes.flatMap(({ injected }) => injected));
  return {
    faults,
    decisions: sum(({ sent }) => sent),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    lost: sum(({ verdict }) => verdict.counts.lost),
    appliedTwice: sum(({ verdict }) => verdict.counts.appliedTwice),
    staleWrites: sum(({ verdict }) => verdict.counts.staleWrites),
    staleEvents: sum(({ verdict }) => verdict.counts.staleEvents),
    rebuildEqual: episodes.every(({ isRebuildEqual }) => isRebuildEqual),
    halts: sum(({ unexpectedHalts }) => unexpectedHalts),
    maxRecoveryMs: { worker: slowest('worker'), nats: slowest('nats'), redis: slowest('redis') },
    violations: episodes.flatMap(({ violations, verdict }) => [...violations, ...verdict.violations]),
    skipped: {
      ...Object.fromEntries(notReached.map((kind) => [kind, 'there was no time for it'])),
      ...Object.fromEntries(episodes.flatMap(({ skipped }) => [...skipped])),
    },
    overTarget: recoveries.flatMap(({ kind, concern, ms }) =>
      concern !== undefined && ms > TARGET_MS[concern]
        ? [`${kind}: ${ms} ms, aimed at ${TARGET_MS[concern]}`]
        : [],
    ),
    maxRecoveryMsByKind: Object.fromEntries(
      Object.keys(faults).map((kind) => [
        kind,
        maxOf(recoveries.filter((each) => each.kind === kind).map(({ ms }) => ms)) ?? -1,
      ]),
    ),
    expectedHalts: sum(({ expectedHalts }) => expectedHalts),
    maxHaltMs: maxOf(episodes.flatMap(({ haltMs }) => haltMs)),
    sweepsResumedMs: maxOf(episodes.flatMap(({ sweepsResumedMs }) => sweepsResumedMs)),
    maxWorkerRssMb: Math.max(0, ...episodes.map(({ maxWorkerRssMb }) => maxWorkerRssMb)),
    judged: {
      decisions: sum(({ verdict }) => verdict.decisions),
      events: sum(({ verdict }) => verdict.events),
      repeatedEvents: sum(({ verdict }) => verdict.repeatedEvents),
      askedAgain: sum(({ verdict }) => verdict.askedAgain),
    },
    episodes: episodes.length,
    workers: options.workers,
    seed: options.seed,
    seconds,
    ...(folder === undefined ? {} : { history: folder, replay: replayOf(options) }),
  };
}

export function tableOf(report: ChaosReport): string {
  const { faults, violations, maxRecoveryMs, ...figures } = report;
  const rows = [
    ...Object.entries(faults).map(([kind, count]) => [`fault ${kind}`, String(count)]),
    ...Object.entries(maxRecoveryMs).map(([concern, ms]) => [
      `slowest recovery, ${concern}`,
      ms === null ? '-' : `${ms} ms`,
    ]),
    ...Object.entries(figures).map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
    ...violations.map(({ rule, about, what }) => [`VIOLATION ${rule}`, `${about}: ${what}`]),
  ];
  const width = Math.max(...rows.map(([name = '']) => name.length));
  return rows.map(([name = '', value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

function replayOf({ minutes, seed, faults, workers, rate }: ChaosOptions): string {
  return `npm run chaos -- --minutes ${minutes} --seed ${seed} --workers ${workers} --rate ${rate} --faults ${faults.join(',')}`;
}

function countsOf(kinds: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function maxOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}
