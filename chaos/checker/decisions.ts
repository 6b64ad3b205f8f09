/** Every decision that the log has: answered once, always in the same words, and for the place where it first stood. */
import { canonical } from './canonical.ts';
import type { LoggedDecision, Testimony } from './testimony.ts';
import type { Report } from './violation.ts';

/** What a log may claim, and a second for what clocks of one machine are read apart. */
const MOST_AHEAD_MS = 11_000;

export function checkDecisions(testimony: Testimony, report: Report): void {
  for (const decision of testimony.decisions.values()) checkDecision(decision, testimony, report);
  for (const [key, places] of testimony.acknowledged) checkStored(key, places, testimony, report);
  for (const seq of testimony.unreadable) {
    if (testimony.deadLetters.has(seq)) continue;
    report({
      class: 'lost',
      rule: 'no_dead_letter',
      about: String(seq),
      what: 'it is no decision, and nobody says so',
    });
  }
  checkWrongLog(testimony, report);
}

function checkDecision(
  { key, agent, type, seq, copies }: LoggedDecision,
  testimony: Testimony,
  report: Report,
): void {
  // The system settles what is owed, and asks the log for its clock, without an outcome.
  if (agent === '_sweeper' && type === 'Settle') return;
  const heard = testimony.outcomes.get(key) ?? [];
  const [first] = heard;
  if (first === undefined) {
    // What has the form of a decision and cannot be read as one may be a dead letter instead.
    const isDeadLetter = testimony.deadLetters.has(seq) && testimony.poison.has(seq);
    if (!isDeadLetter)
      report({ class: 'lost', rule: 'no_outcome', about: key, what: `it is in the log at ${seq}` });
    return;
  }
  const told = new Set(heard.map(({ outcome }) => canonical(outcome)));
  if (told.size > 1) {
    const [one, other] = told;
    report({ class: 'appliedTwice', rule: 'outcome_changed', about: key, what: `${one} and ${other}` });
  }
  const { outcome } = first;
  // Whatever ends, ends by this time: heard before it had come, something ended too early.
  const aheadMs = outcome.at - first.at;
  if (aheadMs > MOST_AHEAD_MS) {
    const what = `it was applied at a time that came ${aheadMs} ms after it was heard`;
    report({ class: 'staleWrites', rule: 'time_ahead', about: key, what });
  }
  if (outcome.seq !== seq) {
    const where = copies.includes(outcome.seq) ? 'where it was sent again' : 'where it never stood';
    report({
      class: 'appliedTwice',
      rule: 'wrong_place',
      about: key,
      what: `applied at ${outcome.seq}, ${where}, and not at ${seq}`,
    });
  }
}

function checkStored(
  key: string,
  places: ReadonlySet<number>,
  { decisions }: Testimony,
  report: Report,
): void {
  const decision = decisions.get(key);
  const stored = new Set(decision === undefined ? [] : [decision.seq, ...decision.copies]);
  for (const seq of places) {
    if (!stored.has(seq))
      report({
        class: 'lost',
        rule: 'not_in_log',
        about: key,
        what: `confirmed at ${seq}, and the log does not have it there`,
      });
  }
}

/** What was sent into a log that does not continue what was applied must not be applied while it is there. */
function checkWrongLog({ sentToWrongLog, outcomes }: Testimony, report: Report): void {
  for (const [key, { from, to }] of sentToWrongLog) {
    const early = outcomes.get(key)?.find(({ at }) => at >= from && at <= to);
    if (early !== undefined)
      report({
        class: 'staleWrites',
        rule: 'applied_from_wrong_log',
        about: key,
        what: `${early.outcome.status} at ${early.outcome.seq} of a log that is not the one applied`,
      });
  }
}
