import type { FloodResult } from '../sections/flood.ts';
import type { GrowthResult } from '../sections/growth/growth.ts';
import type { LatencyResult } from '../sections/latency.ts';
import type { ScaleOutResult } from '../sections/scale-out.ts';
import type { NotMeasured } from '../sections/section.ts';
import type { ThroughputResult } from '../sections/throughput.ts';

/** What the sections found; those that were left out are missing. */
export interface Results {
  readonly throughput?: ThroughputResult;
  readonly latency?: LatencyResult;
  readonly growth?: GrowthResult;
  readonly scaleOut?: ScaleOutResult | NotMeasured;
  readonly flood?: FloodResult;
}
