/** The one object that `--json` prints. */
import type { Environment } from '../environment.ts';
import type { Plan } from '../plan.ts';
import type { FloodResult } from '../sections/flood.ts';
import type { GrowthResult } from '../sections/growth/growth.ts';
import type { LatencyResult } from '../sections/latency.ts';
import type { ScaleOutResult } from '../sections/scale-out.ts';
import type { NotMeasured } from '../sections/section.ts';
import type { ThroughputResult } from '../sections/throughput.ts';
import { type Ratios, ratiosOf } from './ratios.ts';
import type { Results } from './results.ts';
import { type Target, targetsOf } from './targets.ts';

export interface Report {
  readonly ratios: Ratios;
  readonly targets: Readonly<Record<string, Target>>;
  readonly environment: Environment;
  readonly throughput: ThroughputResult | null;
  readonly latency: LatencyResult | null;
  readonly growth: GrowthResult | null;
  readonly scaleOut: ScaleOutResult | NotMeasured | null;
  readonly flood: FloodResult | null;
  readonly cost: ThroughputResult['cost'] | null;
  /** What was counted on the servers, over all rounds; less than what a side claims ends the run instead. */
  readonly checks: Readonly<Record<string, number>>;
  readonly plan: Plan;
  readonly seconds: number;
}

export interface ReportParts {
  readonly results: Results;
  readonly environment: Environment;
  readonly checks: Readonly<Record<string, number>>;
  readonly plan: Plan;
  readonly seconds: number;
}

export function reportOf({ results, ...rest }: ReportParts): Report {
  const { throughput } = results;
  const ratios = ratiosOf(results);
  return {
    ratios,
    targets: targetsOf(results, ratios),
    throughput: throughput ?? null,
    latency: results.latency ?? null,
    growth: results.growth ?? null,
    scaleOut: results.scaleOut ?? null,
    flood: results.flood ?? null,
    cost: throughput?.cost ?? null,
    ...rest,
  };
}
