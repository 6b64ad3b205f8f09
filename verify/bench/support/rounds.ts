/** Alternating rounds: whatever else the machine does meanwhile hits every side alike. */
import type { Round, Side } from '../sides/side.ts';
import type { CpuSeconds } from './cpu.ts';
import { median, rounded, type Spread, spread } from './stats.ts';

export interface SideResult {
  readonly title: string;
  readonly guarantees: string;
  readonly lifecyclesPerS: Spread;
  readonly decisionsPerS?: Spread;
  /** Lifecycles/s of each round: what happened at the same time has the same place in the lists of all sides. */
  readonly perRound: readonly number[];
  readonly lifecyclesPerRound: number;
}

export interface Measured {
  readonly results: Readonly<Record<string, SideResult>>;
  readonly rounds: ReadonlyMap<string, readonly Round[]>;
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmUp: number;
  /** When (by performance.now) no further round is begun, if there are enough to compare: a busy machine is slow. */
  readonly until: number;
  readonly say: (line: string) => void;
}

/** Rounds are of whole batches on every pool that a batch of hundred can be of. */
const STEP = 100;
const LEAST_ROUNDS = 2;

export async function alternate(
  sides: readonly Side[],
  { rounds, roundMs, warmUp, until, say }: RoundsOptions,
): Promise<Measured> {
  const lifecycles = new Map<string, number>();
  for (const side of sides) {
    // Twice: the first is slow for reasons that do not last, and would make the rounds too short.
    await side.run(wholeSteps(warmUp / 2));
    const { lifecycles: count, seconds } = await side.run(wholeSteps(warmUp));
    lifecycles.set(side.name, wholeSteps((count / seconds) * (roundMs / 1_000)));
  }
  const measured = new Map<string, Round[]>(sides.map(({ name }) => [name, []]));
  for (let i = 0; i < rounds; i++) {
    if (i >= LEAST_ROUNDS && performance.now() > until) {
      say(`out of time after ${i} of ${rounds} rounds`);
      break;
    }
    // Each round begins with another side, so that none always follows the same one.
    const order = [...sides.slice(i % sides.length), ...sides.slice(0, i % sides.length)];
    for (const side of order) {
      const round = await side.run(lifecycles.get(side.name) ?? STEP);
      measured.get(side.name)?.push(round);
    }
    say(`round ${i + 1} of ${rounds}: ${summary(sides, measured)}`);
  }
  const results = sides.map((side) => [side.name, resultOf(side, measured.get(side.name) ?? [])] as const);
  return { results: Object.fromEntries(results), rounds: measured };
}

function wholeSteps(lifecycles: number): number {
  return Math.max(STEP, Math.round(lifecycles / STEP) * STEP);
}

function resultOf({ title, guarantees }: Side, rounds: readonly Round[]): SideResult {
  const decisions = rounds.flatMap((round) =>
    round.decisions === undefined ? [] : [round.decisions / round.seconds],
  );
  return {
    title,
    guarantees,
    lifecyclesPerS: roundedSpread(rounds.map((round) => round.lifecycles / round.seconds)),
    ...(decisions.length === 0 ? {} : { decisionsPerS: roundedSpread(decisions) }),
    perRound: rounds.map((round) => rounded(round.lifecycles / round.seconds)),
    lifecyclesPerRound: rounds[0]?.lifecycles ?? 0,
  };
}

export function roundedSpread(values: readonly number[]): Spread {
  const { median: middle, min, max } = spread(values);
  return { median: rounded(middle), min: rounded(min), max: rounded(max) };
}

/** CPU seconds of each process per million of what is counted: the median of the rounds. */
export function cpuPerMillion(rounds: readonly Round[], count: (round: Round) => number): CpuSeconds {
  const names = new Set(rounds.flatMap(({ cpu }) => Object.keys(cpu)));
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      rounded(median(rounds.map((round) => ((round.cpu[name] ?? Number.NaN) * 1e6) / count(round))), 3),
    ]),
  );
}

function summary(sides: readonly Side[], measured: ReadonlyMap<string, readonly Round[]>): string {
  return sides
    .map(({ name }) => {
      const last = measured.get(name)?.at(-1);
      return `${name} ${last === undefined ? '-' : Math.round(last.lifecycles / last.seconds)}`;
    })
    .join(', ');
}
