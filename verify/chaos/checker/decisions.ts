/** Every decision that the log has: answered, and for the place where it first stood. */
import type { LoggedDecision, Testimony } from './testimony.ts';
import type { Report } from './violation.ts';

/** What a log may claim, and a second for what clocks of one machine are read apart. */
const MOST_AHEAD_MS = 11_000;

export function checkDecisions(testimony: Testimony, report: Report): void {
  for (const decision of testimony.decisions.values()) checkDecision(decision, testimony, report);
  for (const [key, places] of testimony.acknowledged) checkStored(key, places, testimony, report);
  for (const seq of testimony.unreadable) {
    if (testimony.deadLetters.has(seq)) continue;
    report('no_dead_letter', String(seq), 'it is no decision, and nobody says so');
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
    if (!isDeadLetter) report('no_outcome', key, `it is in the log at ${seq}`);
    return;
  }
  const { outcome } = first;
  // Whatever ends, ends by this time: heard before it had come, something ended too early.
  const aheadMs = outcome.at - first.at;
  if (aheadMs > MOST_AHEAD_MS) {
    const what = `it was applied at a time that came ${aheadMs} ms after it was heard`;
    report('time_ahead', key, what);
  }
  if (outcome.seq !== seq) {
    const where = copies.includes(outcome.seq) ? 'where it was sent again' : 'where it never stood';
    report('wrong_place', key, `applied at ${outcome.seq}, ${where}, and not at ${seq}`);
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
      report('not_in_log', key, `confirmed at ${seq}, and the log does not have it there`);
  }
}

/** What was sent into a log that does not continue what was applied must not be applied while it is there. */
function checkWrongLog({ sentToWrongLog, outcomes }: Testimony, report: Report): void {
  for (const [key, { from, to }] of sentToWrongLog) {
    const early = outcomes.get(key)?.find(({ at }) => at >= from && at <= to);
    if (early !== undefined)
      report(
        'applied_from_wrong_log',
        key,
        `${early.outcome.status} at ${early.outcome.seq} of a log that is not the one applied`,
      );
  }
}
