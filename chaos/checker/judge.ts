/** Judges a history by what the protocol promises, knowing nothing of who kept or broke it. */
import type { Entry } from '../history/entries.ts';
import { checkClaims } from './claims.ts';
import { checkDecisions } from './decisions.ts';
import { checkEvents } from './events.ts';
import { testimonyOf } from './testimony.ts';
import type { Violation, ViolationClass } from './violation.ts';

export interface Verdict {
  /** How often each was broken. */
  readonly counts: Readonly<Record<ViolationClass, number>>;
  /** The first few of each rule. */
  readonly violations: readonly Violation[];
  /** Different decisions in the log, and events of different ids: what the verdict stands on. */
  readonly decisions: number;
  readonly events: number;
  /** Events that the stream holds more than once. */
  readonly repeatedEvents: number;
  /** Decisions that the log confirmed. */
  readonly acknowledged: number;
  /** Decisions of which an outcome was heard more than once. */
  readonly askedAgain: number;
}

const MOST_OF_A_RULE = 5;

export function judge(entries: readonly Entry[]): Verdict {
  const testimony = testimonyOf(entries);
  const counts = { lost: 0, appliedTwice: 0, staleWrites: 0, staleEvents: 0 };
  const violations: Violation[] = [];
  const ofRule = new Map<string, number>();
  const report = (violation: Violation): void => {
    counts[violation.class]++;
    const before = ofRule.get(violation.rule) ?? 0;
    ofRule.set(violation.rule, before + 1);
    if (before < MOST_OF_A_RULE) violations.push(violation);
  };
  checkDecisions(testimony, report);
  const firsts = checkEvents(testimony, report);
  checkClaims(
    firsts.map(({ event }) => event),
    report,
  );
  return {
    counts,
    violations,
    decisions: testimony.decisions.size,
    events: firsts.length,
    repeatedEvents: testimony.events.length - firsts.length,
    acknowledged: testimony.acknowledged.size,
    askedAgain: [...testimony.outcomes.values()].filter((heard) => heard.length > 1).length,
  };
}
