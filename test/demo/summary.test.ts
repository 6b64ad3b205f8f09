import { describe, expect, it } from 'vitest';
import { type RunFacts, summarize, table } from '../../demo/summary.ts';

const FACTS: RunFacts = {
  report: {
    violations: [],
    decisions: 30,
    events: 40,
    completed: 7,
    failed: 2,
    cancelled: 1,
    unfinished: 0,
    claims: 12,
    claimsExpired: 2,
    retries: 1,
    sweeps: 3,
  },
  title: 'a test',
  tasks: 10,
  expected: { completed: 7, failed: 2, cancelled: 1 },
  misjudged: [],
  agents: 5,
  agentsVanished: 1,
  workers: 3,
  workersKilled: 1,
  logged: 30,
  unanswered: 0,
  eventsPublished: 40,
  disagreements: [],
  durationMs: 1_234,
  seed: 1,
};

describe('the summary', () => {
  it('is fine when everything is as it had to be', () => {
    expect(summarize(FACTS)).toMatchObject({
      completed: 7,
      failed: 2,
      cancelled: 1,
      violations: 0,
      workersKilled: 1,
      claimsExpired: 2,
      sweeps: 3,
      decisions: 30,
      eventsPublished: 40,
      eventsReceived: 40,
      durationMs: 1_234,
      ok: true,
      problems: [],
    });
    expect(table(summarize(FACTS))).toContain('Everything ended as it had to.');
  });

  it.each<[string, Partial<RunFacts>]>([
    ['the rules were broken: 1 violation', violated()],
    ['failed: 1 instead of 2', { report: { ...FACTS.report, failed: 1 } }],
    ['1 task ended otherwise; p/t is failed, not completed', { misjudged: ['p/t is failed, not completed'] }],
    ['2 decisions in the log without an outcome', { unanswered: 2 }],
    ['41 events were published, 40 received', { eventsPublished: 41 }],
    ['the state says otherwise', { disagreements: ['the state says otherwise'] }],
  ])('is not fine when %s', (problem, change) => {
    const summary = summarize({ ...FACTS, ...change });
    expect(summary.ok).toBe(false);
    expect(summary.problems).toEqual([problem]);
    expect(table(summary)).toContain(`PROBLEM: ${problem}`);
  });
});

function violated(): Partial<RunFacts> {
  const violation = { rule: 'second_holder', where: 'p/t', what: 'claimed by two' } as const;
  return { report: { ...FACTS.report, violations: [violation] } };
}
