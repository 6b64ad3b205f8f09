/** Judges a history by what the protocol promises, knowing nothing of who kept or broke it. */

import { HistoryChecker } from '../../kit/history/history-checker.ts';
import type { Entry } from '../history/entries.ts';
import { checkDecisions } from './decisions.ts';
import { faultOfPack } from './packs.ts';
import { testimonyOf } from './testimony.ts';
import { CLASS_OF, type Rule, type Violation, type ViolationClass } from './violation.ts';

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
  const report = (rule: Rule, about: string, what: string): void => {
    const ofClass = CLASS_OF[rule];
    counts[ofClass]++;
    const before = ofRule.get(rule) ?? 0;
    ofRule.set(rule, before + 1);
    if (before < MOST_OF_A_RULE) violations.push({ class: ofClass, rule, about, what });
  };
  checkDecisions(testimony, report);
  const checker = new HistoryChecker();
  for (const [seq, id] of testimony.settles) checker.onSettle(seq, id);
  for (const heard of testimony.outcomes.values()) {
    for (const { outcome } of heard) checker.onOutcome(outcome);
  }
  for (const pack of testimony.packs) {
    const fault = faultOfPack(pack);
    if (fault !== undefined) report('malformed_pack', pack.id, fault);
  }
  for (const event of testimony.events) checker.onEvent(event);
  const told = checker.report();
  for (const { rule, where, what } of told.violations) report(rule, where, what);
  return {
    counts,
    violations,
    decisions: testimony.decisions.size,
    events: told.events,
    repeatedEvents: testimony.events.length - told.events,
    acknowledged: testimony.acknowledged.size,
    askedAgain: [...testimony.outcomes.values()].filter((heard) => heard.length > 1).length,
  };
}
