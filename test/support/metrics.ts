/** What a worker says of itself, as an operator reads it. */
import { until } from './until.ts';

interface Measured {
  readonly healthUrl: string | undefined;
}

export async function metricsOf({ healthUrl }: Measured): Promise<string> {
  return await (await fetch(`${healthUrl}/metrics`)).text();
}

/**
 * Resolves when the metrics match. A worker counts a moment after the effect can be seen elsewhere, in Redis or in a
 * stream: a test that has seen the effect has to wait for the figure.
 */
export async function untilMetrics(worker: Measured, pattern: RegExp): Promise<void> {
  await until(`the metrics to match ${pattern}`, async () => pattern.test(await metricsOf(worker)));
}
