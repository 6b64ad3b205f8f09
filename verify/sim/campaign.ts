/** Many seeds, one after the other, and what they add up to. */
import { messageOf } from '../../src/lib/errors.ts';
import type { Violation } from './findings.ts';
import { type RunOptions, type RunResult, runSeed } from './run.ts';

export interface Campaign {
  readonly seeds: number;
  /** Steps of the simulated schedule. */
  readonly steps: number;
  /** Decisions that shards have applied in the end. */
  readonly decisions: number;
  readonly events: number;
  readonly simulatedSeconds: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Of the seeds that failed: the first few, with the first few violations of each. */
  readonly violations: readonly Violation[];
  readonly failedSeeds: number;
}

/** More violations than anybody reads. */
const MOST_KEPT = 100;

export class Tally {
  #seeds = 0;
  #steps = 0;
  #decisions = 0;
  #events = 0;
  #simulatedMs = 0;
  #failedSeeds = 0;
  readonly #faults = new Map<string, number>();
  readonly #violations: Violation[] = [];

  add({ steps, decisions, events, simulatedMs, faults, violations }: RunResult): void {
    this.#seeds++;
    this.#steps += steps;
    this.#decisions += decisions;
    this.#events += events;
    this.#simulatedMs += simulatedMs;
    for (const [fault, count] of faults) this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + count);
    if (violations.length === 0) return;
    this.#failedSeeds++;
    this.#violations.push(...violations.slice(0, MOST_KEPT - this.#violations.length));
  }

  sum(): Campaign {
    return {
      seeds: this.#seeds,
      steps: this.#steps,
      decisions: this.#decisions,
      events: this.#events,
      simulatedSeconds: Math.round(this.#simulatedMs / 1_000),
      faults: Object.fromEntries([...this.#faults].sort(([a], [b]) => (a < b ? -1 : 1))),
      violations: this.#violations,
      failedSeeds: this.#failedSeeds,
    };
  }
}

export async function playSeeds(
  start: number,
  count: number,
  options: RunOptions = {},
  onSeed: (result: RunResult) => void = () => undefined,
): Promise<Campaign> {
  const tally = new Tally();
  for (let seed = start; seed < start + count; seed++) {
    const result = await playSeed(seed, options);
    tally.add(result);
    onSeed(result);
  }
  return tally.sum();
}

/** What the code under test throws where nobody catches it, and promises that nobody waits for, stop a real process. */
export async function playSeed(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  try {
    const result = await runSeed(seed, options);
    return unhandled.length === 0
      ? result
      : { ...result, violations: [...result.violations, stopped(seed, unhandled[0])] };
  } catch (error) {
    const empty = { steps: 0, decisions: 0, events: 0, simulatedMs: 0, faults: new Map(), trace: undefined };
    return { seed, ...empty, violations: [stopped(seed, error)] };
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
}

function stopped(seed: number, error: unknown): Violation {
  const where = error instanceof Error ? (error.stack ?? '') : '';
  const what = `it threw where nobody catches: ${messageOf(error)} ${where}`;
  return { seed, invariant: 'I7', what, atMs: 0, replay: `npm run sim -- --seed ${seed}` };
}
