/** The targets, and whether the figures of this run reach them. */
import type { Ratios } from './ratios.ts';
import type { Results } from './results.ts';

export interface Target {
  readonly what: string;
  readonly value: number | null;
  readonly comparison: 'atLeast' | 'atMost';
  readonly target: number;
  /** Null where there is nothing to judge. */
  readonly met: boolean | null;
}

export function targetsOf({ latency, growth }: Results, ratios: Ratios): Readonly<Record<string, Target>> {
  const at2000 = latency?.rates['2000']?.ours.p99Ms;
  const takeOver = growth?.takeOver;
  const idle = growth?.stored.idleCpuPercent.few;
  const stored = growth?.stored.finalTasks;
  return {
    vsBullmq: atLeast(2, 'lifecycles/s, ours in bulk to BullMQ', ratios.vsBullmq),
    vsRawPipe: atLeast(0.6, 'lifecycles/s, ours in bulk to the raw pipe', ratios.vsRawPipe),
    pools1000vs16: atLeast(0.7, 'lifecycles/s with 1,000 pools to 16', ratios.pools1000vs16),
    p99At2000Ms: atMost(10, 'p99 publish to outcome at 2,000/s, ms', at2000),
    p99VsBullmq: atMost(1, "the same to BullMQ's add to completed", ratios.p99VsBullmq),
    stored1MvsK: atLeast(
      0.9,
      `lifecycles/s with ${stored?.many ?? '1M'} stored to ${stored?.few ?? '1K'}`,
      ratios.stored1MvsK,
    ),
    pendingTasks: atMost(2, 'pending-tasks with many pending to few', ratios.pendingTasksManyVsFew),
    claimNext: atMost(2, 'claim-next with many pending to few', ratios.claimNextManyVsFew),
    takeOverMs: atMost(
      3_000,
      `take-over of ${takeOver?.liveTasks ?? '100,000'} live tasks once the lease is free, ms`,
      takeOver?.loadMs.median,
    ),
    scaleOut4: atLeast(3.4, 'lifecycles/s of four limited workers to one', ratios.scaleOut4),
    idleCpuPercent: atMost(2, 'idle worker, % of a core', idle),
  };
}

function atLeast(bound: number, what: string, value: number | null | undefined): Target {
  return judged('atLeast', bound, what, value);
}

function atMost(bound: number, what: string, value: number | null | undefined): Target {
  return judged('atMost', bound, what, value);
}

export function judged(
  comparison: Target['comparison'],
  target: number,
  what: string,
  value: number | null | undefined,
): Target {
  if (value == null || Number.isNaN(value)) return { what, value: null, comparison, target, met: null };
  const met = comparison === 'atLeast' ? value >= target : value <= target;
  return { what, value, comparison, target, met };
}
