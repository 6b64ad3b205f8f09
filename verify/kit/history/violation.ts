/** What can be broken: one name per rule. */
export const RULES = {
  malformed_event: 'an event has the form of the protocol',
  event_changed: 'an event that is delivered again is the same',
  sequence_gap: "the numbers of a pool's events have no gap",
  sequence_repeated: 'no two events of a pool have the same number',
  log_order: 'the events of a pool follow the order of the log, and its time',
  unknown_pool: 'what happens in a pool happens after it was created',
  membership: 'who joins is no member, and only a member is changed or leaves',
  submitted_twice: 'a task is submitted once',
  unknown_task: 'what happens to a task happens after it was submitted',
  not_pending: 'only a pending task is claimed',
  claimed_while_paused: 'in a paused pool nothing is claimed',
  over_at_once: 'a claim lasts for a time that is still to come',
  second_holder: 'a task has at most one holder at a time',
  epoch_not_rising: 'every claim of a task has a higher epoch than those before',
  not_the_holder: 'only the current claim is renewed, given back, reported or expires',
  claim_over: 'a claim that is over changes nothing',
  expired_early: 'no claim expires before its time',
  dependency_unfinished: 'a task is claimed after all that it depends on has completed',
  changed_after_final: 'completed, failed and cancelled are final',
  opened_twice: 'an auction, vote, negotiation or delegation is opened once',
  unknown_entity: 'what happens to it happens after it was opened',
  changed_after_end: 'when it has ended, nothing happens to it but the next award of an auction',
  voted_twice: 'a ballot that may not be changed is cast once',
  removed_unfinished: 'only what is final is removed',
  outcome_changed: 'a decision has one outcome, however often it is told',
  two_places: 'the events of a decision come from one place in the log',
  place_taken: 'one place in the log is one decision',
  rejected_with_events: 'a rejected decision changes nothing',
  accepted_without_effect: 'an accepted decision has the effect that its type says',
  event_missing: 'every event that an outcome names was published',
  event_unowned: 'every event belongs to the decision that it names, and that decision names it',
} as const;

export type Rule = keyof typeof RULES;

export interface Violation {
  readonly rule: Rule;
  /** The pool, task or decision. */
  readonly where: string;
  readonly what: string;
}

export type Report = (rule: Rule, where: string, what: string) => void;
