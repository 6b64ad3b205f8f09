import type { EnvironmentNotes } from '../environment.ts';
import type { Plan } from '../plan.ts';
import type { Checks } from '../sides/side.ts';

/** What every section is given. */
export interface SectionContext {
  readonly plan: Plan;
  readonly checks: Checks;
  readonly notes: EnvironmentNotes;
  /** Progress, for people. */
  readonly say: (line: string) => void;
}

/** A figure that could not be had here, and why: never a made-up one in its place. */
export interface NotMeasured {
  readonly notMeasured: string;
}
