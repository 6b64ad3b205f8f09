/** How much of everything is measured: enough for figures that hold, or as much as fits into two minutes. */

export interface Plan {
  readonly quick: boolean;
  /** Alternating rounds, and how long each is meant to take. */
  readonly rounds: number;
  readonly roundMs: number;
  /** Lifecycles before the first round, so that code is compiled and connections are warm. */
  readonly warmUp: number;
  readonly latencyWindows: number;
  readonly latencyWindowMs: number;
  readonly finalTasks: { readonly few: number; readonly many: number };
  readonly pendingTasks: { readonly few: number; readonly many: number };
  readonly liveTasks: number;
  readonly requests: number;
  readonly idleMs: number;
  readonly takeOvers: number;
  /** Rounds with workers that have only a part of a core: slower, and so longer. */
  readonly scaleOutRounds: number;
  readonly scaleOutRoundMs: number;
  /** Rates of one agent's flood, decisions a second, and pairs of windows with and without it. */
  readonly floodsPerS: readonly number[];
  readonly floodPairs: number;
  /** When a section begins no further rounds, in milliseconds from its start (growth: from when all is stored). */
  readonly budgetMs: {
    readonly throughput: number;
    readonly latency: number;
    readonly growth: number;
    readonly scaleOut: number;
  };
}

const FULL: Plan = {
  quick: false,
  rounds: 5,
  roundMs: 1_500,
  warmUp: 4_000,
  latencyWindows: 4,
  latencyWindowMs: 4_000,
  finalTasks: { few: 1_000, many: 1_000_000 },
  pendingTasks: { few: 10, many: 100_000 },
  liveTasks: 100_000,
  requests: 300,
  idleMs: 5_000,
  takeOvers: 3,
  scaleOutRounds: 4,
  scaleOutRoundMs: 4_000,
  floodsPerS: [1_000, 5_000],
  floodPairs: 3,
  budgetMs: { throughput: 180_000, latency: 110_000, growth: 45_000, scaleOut: 80_000 },
};

const QUICK: Plan = {
  ...FULL,
  quick: true,
  rounds: 3,
  roundMs: 400,
  warmUp: 1_000,
  latencyWindows: 1,
  latencyWindowMs: 1_200,
  finalTasks: { few: 1_000, many: 100_000 },
  pendingTasks: { few: 10, many: 20_000 },
  liveTasks: 20_000,
  requests: 100,
  idleMs: 3_000,
  takeOvers: 1,
  scaleOutRounds: 2,
  scaleOutRoundMs: 1_500,
  floodsPerS: [1_000],
  floodPairs: 1,
  budgetMs: { throughput: 40_000, latency: 15_000, growth: 10_000, scaleOut: 20_000 },
};

const LEAST_WARM_UP = 200;
const WARM_UP_PER_MS = 2.5;

export function planOf({
  quick,
  rounds,
  roundMs,
}: {
  readonly quick: boolean;
  readonly rounds?: number | undefined;
  readonly roundMs?: number | undefined;
}): Plan {
  const plan = quick ? QUICK : FULL;
  return {
    ...plan,
    rounds: rounds ?? plan.rounds,
    roundMs: roundMs ?? plan.roundMs,
    warmUp:
      roundMs === undefined ? plan.warmUp : Math.max(LEAST_WARM_UP, Math.ceil(roundMs * WARM_UP_PER_MS)),
  };
}
