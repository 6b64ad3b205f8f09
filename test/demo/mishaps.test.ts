import { describe, expect, it } from 'vitest';
import { type MayVanish, Mishaps } from '../../demo/mishaps.ts';
import { Scoreboard } from '../../demo/scoreboard.ts';
import type { PlannedTask, Workload } from '../../demo/workload.ts';
import { Random } from '../../verify/kit/chance/random.ts';

class FakeAgent implements MayVanish {
  readonly name: string;
  readonly capabilities: ReadonlySet<string>;
  claims = 1;
  isAtWork = true;
  hasVanished = false;

  constructor(name: string, capabilities: readonly string[]) {
    this.name = name;
    this.capabilities = new Set(capabilities);
  }

  vanish(): void {
    this.hasVanished = true;
  }
}

const TASK: PlannedTask = {
  pool: 'p',
  taskId: 't',
  objective: '',
  requires: ['rust'],
  priority: 0,
  dependsOn: [],
  submitAtMs: 0,
  plan: { end: 'complete', workMs: 0, failFirst: 0 },
  cancelAfterMs: undefined,
  expected: 'completed',
};

function mishaps(agents: readonly FakeAgent[], vanishing: number, killWorker?: () => Promise<void>): Mishaps {
  const workload: Workload = {
    title: '',
    pools: ['p'],
    agents: [],
    tasks: [TASK],
    claimTtlMs: 1,
    vanishing,
    notes: [],
  };
  return new Mishaps({ workload, agents, random: new Random(1), killWorker, onVanished: () => undefined });
}

/** So many of 100 tasks, all submitted, have ended; so many are held. */
function board(finished: number, held: number): Scoreboard {
  const scores = new Scoreboard(100);
  scores.submitted = 100;
  scores.ended.completed = finished;
  scores.held = held;
  return scores;
}

function agentsOf(count: number): FakeAgent[] {
  return Array.from({ length: count }, (_, i) => new FakeAgent(`a-${i}`, ['rust']));
}

describe('agents vanish', () => {
  it('one after the other as the work goes on, and the last one when nothing waits any more', () => {
    const agents = agentsOf(10);
    const gone = (): number => agents.filter(({ hasVanished }) => hasVanished).length;
    const bad = mishaps(agents, 4);
    bad.follow(board(0, 10));
    expect(gone()).toBe(0);
    bad.follow(board(6, 10));
    expect(gone()).toBe(1);
    bad.follow(board(95, 2));
    expect(gone()).toBe(3);
    bad.follow(board(95, 5));
    expect(gone()).toBe(4);
    bad.follow(board(99, 1));
    expect(gone()).toBe(4);
  });

  it('only while they work on something', () => {
    const agents = agentsOf(10);
    for (const agent of agents) agent.isAtWork = false;
    const bad = mishaps(agents, 3);
    bad.follow(board(50, 0));
    expect(agents.some(({ hasVanished }) => hasVanished)).toBe(false);
    for (const agent of agents.slice(0, 1)) agent.isAtWork = true;
    bad.follow(board(50, 1));
    expect(agents.map(({ hasVanished }) => hasVanished)).toEqual([true, ...Array(9).fill(false)]);
  });

  it('but never the last one that can do a task', () => {
    const agents = [
      new FakeAgent('only', ['rust']),
      ...[1, 2].map((i) => new FakeAgent(`other-${i}`, ['sql'])),
    ];
    const bad = mishaps(agents, 3);
    bad.follow(board(99, 1));
    expect(agents.map(({ hasVanished }) => hasVanished)).toEqual([false, true, true]);
  });
});

describe('a worker', () => {
  it('is killed once, in the middle', () => {
    let kills = 0;
    const bad = mishaps([], 0, async () => void kills++);
    bad.follow(board(34, 0));
    expect(kills).toBe(0);
    for (const finished of [35, 50, 100]) bad.follow(board(finished, 0));
    expect(kills).toBe(1);
  });
});
