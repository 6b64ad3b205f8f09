/** After the play: what the log, the stream, the outcomes and the state say, held against each other and the plan. */
import type { Cluster } from './cluster/cluster.ts';
import type { Participants } from './participants.ts';
import type { RunFacts } from './summary.ts';
import { ENDINGS, expectedCounts, taskKey, type Workload } from './workload.ts';

export interface CompareOptions {
  readonly cluster: Cluster;
  readonly workload: Workload;
  readonly participants: Participants;
  readonly seed: number;
  readonly startedAt: number;
}

export async function compare(options: CompareOptions): Promise<RunFacts> {
  const { cluster, workload, participants, seed, startedAt } = options;
  const { observer, checker, fleet } = participants;
  const { unanswered } = await observer.settle();
  const disagreements = await disagreementsOf(options);
  const workersKilled = cluster.workers.length - cluster.workersRunning;
  // With the workers gone nobody adds to the stream any more, and its end is the end.
  await cluster.stopWorkers();
  const { published, logged } = await observer.finish();
  return {
    report: checker.report(),
    title: workload.title,
    tasks: workload.tasks.length,
    expected: expectedCounts(workload),
    misjudged: misjudged(options),
    agents: workload.agents.length,
    agentsVanished: fleet.vanished,
    workers: cluster.workers.length,
    workersKilled,
    logged,
    unanswered,
    eventsPublished: published,
    disagreements,
    durationMs: Math.round(performance.now() - startedAt),
    seed,
  };
}

function misjudged({ workload, participants }: CompareOptions): string[] {
  return workload.tasks.flatMap(({ pool, taskId, expected }) => {
    const state = participants.checker.stateOf(pool, taskId);
    return state === expected ? [] : [`${taskKey(pool, taskId)} is ${state ?? 'unknown'}, not ${expected}`];
  });
}

/** The workers' own counts of each pool and the number of its latest event, against the history. */
async function disagreementsOf({ workload, participants }: CompareOptions): Promise<string[]> {
  const numbers = participants.checker.poolNumbers();
  const found = await Promise.all(
    workload.pools.map(async (pool) => {
      const state = await participants.observer.stateOf(pool);
      if (state === undefined) return [`nothing is known of pool ${pool}`];
      const counted = ENDINGS.map((ending) => `${ending} ${state.tasks[ending]}`).join(', ');
      const history = ENDINGS.map((ending) => {
        const ofPool = workload.tasks.filter((task) => task.pool === pool);
        return `${ending} ${ofPool.filter(({ taskId }) => participants.checker.stateOf(pool, taskId) === ending).length}`;
      }).join(', ');
      const sameNumber = state.sequence === numbers.get(pool);
      return [
        ...(counted === history
          ? []
          : [`the state of pool ${pool} counts ${counted}; the history ${history}`]),
        ...(sameNumber
          ? []
          : [`pool ${pool} is at event ${state.sequence}, the stream at ${numbers.get(pool)}`]),
      ];
    }),
  );
  return found.flat();
}
