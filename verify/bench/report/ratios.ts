/** What is asked of the figures: ratios of one run, and whether they reach their targets. */
import type { NotMeasured } from '../sections/section.ts';
import type { SideResult } from '../support/rounds.ts';
import { median } from '../support/stats.ts';
import type { Results } from './results.ts';

/** Null where a section was left out or something could not be measured. */
export interface Ratios {
  /** Lifecycles/s of ours (bulk, 16 pools) to BullMQ's; then the same with a message for each decision. */
  readonly vsBullmq: number | null;
  readonly vsBullmqSingle: number | null;
  /** The first, to BullMQ when its producer too is told what became of each job. */
  readonly vsBullmqTold: number | null;
  readonly vsRawPipe: number | null;
  readonly vsRawPipeSingle: number | null;
  /** The worse of bulk and single; so is the next. */
  readonly pools1000vs16: number | null;
  readonly stored1MvsK: number | null;
  /** Four workers to one. */
  readonly scaleOut4: number | null;
  /** At 2,000 a second. */
  readonly p99VsBullmq: number | null;
  /** Medians, many pending tasks to few. */
  readonly pendingTasksManyVsFew: number | null;
  readonly claimNextManyVsFew: number | null;
}

type Sides = Readonly<Record<string, SideResult | NotMeasured>>;

export function ratiosOf({ throughput, latency, growth, scaleOut }: Results): Ratios {
  const speeds = throughput?.sides;
  const stored = growth?.stored.sides;
  const workers = scaleOut !== undefined && 'sides' in scaleOut ? scaleOut.sides : undefined;
  const { ours, bullmq } = latency?.rates['2000'] ?? {};
  const pending = growth?.pending;
  return {
    vsBullmq: paired(speeds, 'ours-bulk-16', 'bullmq'),
    vsBullmqSingle: paired(speeds, 'ours-single-16', 'bullmq'),
    vsBullmqTold: paired(speeds, 'ours-bulk-16', 'bullmq-told'),
    vsRawPipe: paired(speeds, 'ours-bulk-16', 'raw-bulk'),
    vsRawPipeSingle: paired(speeds, 'ours-single-16', 'raw-single'),
    pools1000vs16: least(
      paired(speeds, 'ours-single-1000', 'ours-single-16'),
      paired(speeds, 'ours-bulk-1000', 'ours-bulk-16'),
    ),
    stored1MvsK: least(paired(stored, 'many-single', 'few-single'), paired(stored, 'many-bulk', 'few-bulk')),
    scaleOut4: paired(workers, 'workers-4', 'workers-1'),
    p99VsBullmq: ratio(ours?.p99Ms, bullmq?.p99Ms),
    pendingTasksManyVsFew: ratio(pending?.pendingTasksQuery.many.p50Ms, pending?.pendingTasksQuery.few.p50Ms),
    claimNextManyVsFew: ratio(pending?.claimNext.many.p50Ms, pending?.claimNext.few.p50Ms),
  };
}

/** The median of the ratios of each round: what slowed the machine down for a while slowed both. */
export function paired(sides: Sides | undefined, side: string, base: string): number | null {
  const rounds = roundsOf(sides, side);
  const baseRounds = roundsOf(sides, base);
  if (rounds.length === 0 || rounds.length !== baseRounds.length) return null;
  return ratio(median(rounds.map((perS, i) => perS / (baseRounds[i] ?? Number.NaN))), 1);
}

function roundsOf(sides: Sides | undefined, name: string): readonly number[] {
  const result = sides?.[name];
  return result === undefined || 'notMeasured' in result ? [] : result.perRound;
}

/** To three digits after the point; null when one of them is not known. */
export function ratio(value: number | undefined, base: number | undefined): number | null {
  if (value === undefined || base === undefined || !(base > 0) || !Number.isFinite(value)) return null;
  return Math.round((value / base) * 1_000) / 1_000;
}

/** The least of two, if both are known. */
export function least(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.min(a, b);
}
