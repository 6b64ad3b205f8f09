import type { ThroughputResult } from '../sections/throughput.ts';

/** What the sections found; those that were left out are missing. */
export interface Results {
  readonly throughput?: ThroughputResult;
}
