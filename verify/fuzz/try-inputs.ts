/** Tries the inputs of a plan, one after the other, and keeps the failures. */
import { messageOf } from '../../src/lib/errors.ts';
import { Random } from '../kit/chance/random.ts';
import { mustLeavePrototypesAlone } from './oracle.ts';
import type { Part } from './plan.ts';
import { TARGETS } from './targets/index.ts';
import type { Target, Trial } from './targets/target.ts';

export interface Failure {
  readonly target: string;
  /** Which input of the target it is. */
  readonly n: number;
  readonly what: string;
  /** The input, or its beginning. */
  readonly hex: string;
  readonly bytes: number;
}

/** Enough to see what is wrong; the rest would be more of the same. */
const MAX_FAILURES = 10;
const MAX_HEX_BYTES = 4_096;

interface Trying {
  /** Hears of each input before it is tried. */
  readonly progress?: (part: number, n: number) => void;
  readonly targets?: readonly Target[];
}

export async function tryInputs(
  parts: readonly Part[],
  seed: number,
  { progress = () => undefined, targets = TARGETS }: Trying = {},
): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const [index, { target: name, from, count }] of parts.entries()) {
    const target = targetOf(name, targets);
    for (let n = from; n < from + count; n++) {
      progress(index, n);
      const failure = await tryOne(target, seed, n);
      if (failure !== undefined) failures.push(failure);
      if (failures.length >= MAX_FAILURES) return failures;
    }
  }
  return failures;
}

async function tryOne(target: Target, seed: number, n: number): Promise<Failure | undefined> {
  let trial: Trial | undefined;
  try {
    trial = target.trial(Random.of(seed, target.name, n));
    const running = trial.run();
    // Most are done by now; waiting for each would take as long as trying it.
    if (running !== undefined) await running;
    mustLeavePrototypesAlone();
    return undefined;
  } catch (error) {
    const what = error instanceof Error ? `${error.name}: ${messageOf(error)}` : String(error);
    return failureOf(target.name, n, what, trial?.input);
  }
}

/** The input that has the thread now, for when it never comes back. */
export function inputOf(name: string, seed: number, n: number): Uint8Array {
  return targetOf(name, TARGETS).trial(Random.of(seed, name, n)).input;
}

export function failureOf(
  target: string,
  n: number,
  what: string,
  input: Uint8Array = new Uint8Array(),
): Failure {
  const hex = Buffer.from(input.subarray(0, MAX_HEX_BYTES)).toString('hex');
  return { target, n, what: what.slice(0, 1_000).toWellFormed(), hex, bytes: input.byteLength };
}

function targetOf(name: string, targets: readonly Target[]): Target {
  const target = targets.find((each) => each.name === name);
  if (target === undefined) throw new Error(`there is no target ${name}`);
  return target;
}
