/** What a history can be guilty of. The class says which figure of the report it counts in. */
import type { Rule as HistoryRule } from '../../kit/history/violation.ts';

export type ViolationClass = 'lost' | 'appliedTwice' | 'staleWrites' | 'staleEvents';

/** What outcomes and events show by themselves, and what only the log, or the clock of a listener, shows. */
export type Rule =
  | HistoryRule
  | 'no_dead_letter'
  | 'no_outcome'
  | 'not_in_log'
  | 'wrong_place'
  | 'time_ahead'
  | 'applied_from_wrong_log'
  | 'malformed_pack';

export const CLASS_OF: Readonly<Record<Rule, ViolationClass>> = {
  malformed_event: 'staleEvents',
  event_changed: 'staleEvents',
  sequence_gap: 'staleEvents',
  sequence_repeated: 'staleEvents',
  log_order: 'staleEvents',
  malformed_pack: 'staleEvents',
  event_unowned: 'staleEvents',
  unknown_pool: 'staleEvents',
  membership: 'staleWrites',
  submitted_twice: 'staleWrites',
  unknown_task: 'staleWrites',
  not_pending: 'staleWrites',
  claimed_while_paused: 'staleWrites',
  over_at_once: 'staleWrites',
  second_holder: 'staleWrites',
  epoch_not_rising: 'staleWrites',
  not_the_holder: 'staleWrites',
  claim_over: 'staleWrites',
  expired_early: 'staleWrites',
  dependency_unfinished: 'staleWrites',
  changed_after_final: 'staleWrites',
  opened_twice: 'staleWrites',
  unknown_entity: 'staleWrites',
  changed_after_end: 'staleWrites',
  voted_twice: 'staleWrites',
  removed_unfinished: 'staleWrites',
  rejected_with_events: 'staleWrites',
  time_ahead: 'staleWrites',
  applied_from_wrong_log: 'staleWrites',
  outcome_changed: 'appliedTwice',
  place_taken: 'appliedTwice',
  two_places: 'appliedTwice',
  wrong_place: 'appliedTwice',
  accepted_without_effect: 'lost',
  event_missing: 'lost',
  no_dead_letter: 'lost',
  no_outcome: 'lost',
  not_in_log: 'lost',
};

export interface Violation {
  readonly class: ViolationClass;
  /** The one rule that was broken. */
  readonly rule: Rule;
  /** Which decision, event or task. */
  readonly about: string;
  readonly what: string;
}

export type Report = (rule: Rule, about: string, what: string) => void;
