/** What a history can be guilty of. The class says which figure of the report it counts in. */
export type ViolationClass = 'lost' | 'appliedTwice' | 'staleWrites' | 'staleEvents';

export interface Violation {
  readonly class: ViolationClass;
  /** The one rule that was broken. */
  readonly rule: string;
  /** Which decision, event or task. */
  readonly about: string;
  readonly what: string;
}

export type Report = (violation: Violation) => void;
