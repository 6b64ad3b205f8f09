/** What every contender can do: so many lifecycles, proved by what its servers say afterwards. */
import type { CpuSeconds } from '../support/cpu.ts';

export interface Round {
  readonly lifecycles: number;
  readonly seconds: number;
  /** Decisions, where the contender has them: the members of a Batch each count, the Batch itself does not. */
  readonly decisions?: number;
  /** Of every process that took part. */
  readonly cpu: CpuSeconds;
}

export interface Side {
  /** Its key in the report. */
  readonly name: string;
  /** What it is, for people. */
  readonly title: string;
  /** What it guarantees for each lifecycle. */
  readonly guarantees: string;
  /** Throws a {@link ShortOfWorkError} when less was done than was asked for. */
  run(lifecycles: number): Promise<Round>;
}

/** A side did less than it was asked for: its figure would be a lie. */
export class ShortOfWorkError extends Error {
  override readonly name = 'ShortOfWorkError';
}

/** What was counted to be so, for the report; throws when it is not. */
export class Checks {
  readonly #counted = new Map<string, number>();

  expect(what: string, expected: number, found: number): void {
    if (expected !== found) throw new ShortOfWorkError(`${what}: ${found} instead of ${expected}`);
    this.#counted.set(what, (this.#counted.get(what) ?? 0) + found);
  }

  /** What was counted → how much of it, over all rounds. */
  get counted(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counted);
  }
}
