/** What is asked of the figures: ratios of one run, and whether they reach their targets. */
import type { Results } from './results.ts';

/** Null where a section was left out or something could not be measured. */
export interface Ratios {
  /** Lifecycles/s of ours (bulk, 16 pools) to BullMQ's; then the same with a message for each decision. */
  readonly vsBullmq: number | null;
  readonly vsBullmqSingle: number | null;
  readonly vsRawPipe: number | null;
  readonly vsRawPipeSingle: number | null;
  /** The worse of both ways. */
  readonly pools1000vs16: number | null;
}

export interface Target {
  readonly what: string;
  readonly value: number | null;
  readonly comparison: 'atLeast' | 'atMost';
  readonly target: number;
  /** Null where there is nothing to judge. */
  readonly met: boolean | null;
}

export function ratiosOf(results: Results): Ratios {
  const perS = (side: string): number | null => lifecyclesPerS(results, side);
  return {
    vsBullmq: ratio(perS('ours-bulk-16'), perS('bullmq')),
    vsBullmqSingle: ratio(perS('ours-single-16'), perS('bullmq')),
    vsRawPipe: ratio(perS('ours-bulk-16'), perS('raw-bulk')),
    vsRawPipeSingle: ratio(perS('ours-single-16'), perS('raw-single')),
    pools1000vs16: least(
      ratio(perS('ours-single-1000'), perS('ours-single-16')),
      ratio(perS('ours-bulk-1000'), perS('ours-bulk-16')),
    ),
  };
}

function lifecyclesPerS({ throughput }: Results, side: string): number | null {
  const result = throughput?.sides[side];
  return result === undefined || 'notMeasured' in result ? null : result.lifecyclesPerS.median;
}

/** To three digits after the point; null when one of them is not known. */
export function ratio(value: number | null | undefined, base: number | null | undefined): number | null {
  if (value == null || base == null || !(base > 0) || !Number.isFinite(value)) return null;
  return Math.round((value / base) * 1_000) / 1_000;
}

/** The least of two, if both are known. */
export function least(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.min(a, b);
}

export function target(
  what: string,
  value: number | null,
  comparison: Target['comparison'],
  bound: number,
): Target {
  const isReached = (known: number): boolean => (comparison === 'atLeast' ? known >= bound : known <= bound);
  return { what, value, comparison, target: bound, met: value === null ? null : isReached(value) };
}

export function targetsOf(_results: Results, ratios: Ratios): Readonly<Record<string, Target>> {
  return {
    vsBullmq: target('lifecycles/s, ours in bulk to BullMQ', ratios.vsBullmq, 'atLeast', 2),
    vsRawPipe: target('lifecycles/s, ours in bulk to the raw pipe', ratios.vsRawPipe, 'atLeast', 0.6),
    pools1000vs16: target('lifecycles/s with 1,000 pools to 16', ratios.pools1000vs16, 'atLeast', 0.7),
  };
}
