import type { Random } from '../../kit/chance/random.ts';

/** One input, and the trial of it. */
export interface Trial {
  /** The input as bytes, to be shown when the trial fails. */
  readonly input: Uint8Array;
  /** Throws when something does not hold; see oracle.ts. */
  run(): void | Promise<void>;
}

/** Something that decodes what others wrote. */
export interface Target {
  readonly name: string;
  /** Which part of all inputs it gets: the sum of all is 1. */
  readonly share: number;
  trial(random: Random): Trial;
}
