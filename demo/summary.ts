/** What is said at the end: one object, or the same as a table. */
import type { CheckReport } from '../verify/kit/history/history-checker.ts';
import type { Violation } from '../verify/kit/history/violation.ts';
import { counted } from './words.ts';
import { type Counts, ENDINGS } from './workload.ts';

export interface Summary extends Counts {
  readonly workload: string;
  readonly tasks: number;
  readonly expected: Counts;
  readonly violations: number;
  readonly agents: number;
  readonly agentsVanished: number;
  readonly workers: number;
  readonly workersKilled: number;
  readonly claims: number;
  readonly claimsExpired: number;
  readonly retries: number;
  readonly sweeps: number;
  /** Decisions whose outcomes were heard, and decisions in the log. */
  readonly decisions: number;
  readonly logged: number;
  readonly eventsPublished: number;
  readonly eventsReceived: number;
  readonly durationMs: number;
  readonly seed: number;
  /** Everything is as it had to be. */
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly violationList: readonly Violation[];
}

export interface RunFacts {
  readonly report: CheckReport;
  readonly title: string;
  readonly tasks: number;
  readonly expected: Counts;
  /** Tasks that ended otherwise than they had to. */
  readonly misjudged: readonly string[];
  readonly agents: number;
  readonly agentsVanished: number;
  readonly workers: number;
  readonly workersKilled: number;
  readonly logged: number;
  readonly unanswered: number;
  readonly eventsPublished: number;
  /** What the workers' state says against the history. */
  readonly disagreements: readonly string[];
  readonly durationMs: number;
  readonly seed: number;
}

const MOST_LISTED = 20;

export function summarize(facts: RunFacts): Summary {
  const { report, expected } = facts;
  const { completed, failed, cancelled, claims, claimsExpired, retries, sweeps, decisions } = report;
  const problems = problemsOf(facts);
  return {
    workload: facts.title,
    tasks: facts.tasks,
    completed,
    failed,
    cancelled,
    expected,
    violations: report.violations.length,
    agents: facts.agents,
    agentsVanished: facts.agentsVanished,
    workers: facts.workers,
    workersKilled: facts.workersKilled,
    claims,
    claimsExpired,
    retries,
    sweeps,
    decisions,
    logged: facts.logged,
    eventsPublished: facts.eventsPublished,
    eventsReceived: report.events,
    durationMs: facts.durationMs,
    seed: facts.seed,
    ok: problems.length === 0,
    problems,
    violationList: report.violations.slice(0, MOST_LISTED),
  };
}

function problemsOf(facts: RunFacts): string[] {
  const { report, expected, unanswered, eventsPublished, misjudged, disagreements } = facts;
  const problems: string[] = [];
  if (report.violations.length > 0)
    problems.push(`the rules were broken: ${counted(report.violations.length, 'violation')}`);
  for (const ending of ENDINGS) {
    if (report[ending] !== expected[ending]) {
      problems.push(`${ending}: ${report[ending]} instead of ${expected[ending]}`);
    }
  }
  if (misjudged.length > 0)
    problems.push(`${counted(misjudged.length, 'task')} ended otherwise; ${misjudged[0]}`);
  if (unanswered > 0) problems.push(`${counted(unanswered, 'decision')} in the log without an outcome`);
  if (eventsPublished !== report.events) {
    problems.push(`${eventsPublished} events were published, ${report.events} received`);
  }
  return [...problems, ...disagreements];
}

export function table(summary: Summary): string {
  const { expected } = summary;
  const rows: [string, string, string][] = [
    ...ENDINGS.map((ending): [string, string, string] => [
      ending,
      count(summary[ending]),
      `of ${count(expected[ending])} that had to be`,
    ]),
    ['violations', count(summary.violations), 'found by a checker that reads events and outcomes only'],
    ['agents', count(summary.agents), `${count(summary.agentsVanished)} of them vanished, holding claims`],
    ['workers', count(summary.workers), `${count(summary.workersKilled)} of them killed with SIGKILL`],
    ['claims', count(summary.claims), `${count(summary.claimsExpired)} of them expired`],
    ['retries', count(summary.retries), 'after failed attempts'],
    ['sweeps', count(summary.sweeps), 'that settled what time had done'],
    ['decisions', count(summary.decisions), `each with its outcome; ${count(summary.logged)} in the log`],
    ['events', count(summary.eventsReceived), `received of ${count(summary.eventsPublished)} published`],
    ['duration', `${(summary.durationMs / 1_000).toFixed(1)} s`, `seed ${summary.seed}`],
  ];
  const widths = [0, 1].map((column) =>
    rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0),
  );
  const lines = rows.map(
    ([name, value, remark]) =>
      `  ${name.padEnd(widths[0] ?? 0)}  ${value.padStart(widths[1] ?? 0)}  ${remark}`,
  );
  const verdict = summary.ok
    ? ['Everything ended as it had to.']
    : [
        ...summary.problems.map((problem) => `PROBLEM: ${problem}`),
        ...summary.violationList.map(({ rule, where, what }) => `VIOLATION ${rule} (${where}): ${what}`),
      ];
  return [summary.workload, ...lines, ...verdict, ''].join('\n');
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
