/**
 * The built-in workload: small enough to be watched, with everything that can happen to a task in it. It is made from
 * the seed, and so is how every task must end.
 */
import { Random } from '../verify/kit/chance/random.ts';
import type { Ending, PlannedAgent, PlannedTask, Workload } from './workload.ts';

const TASKS = 500;
const PLAY_MS = 9_000;
/** The last tasks take their time, so that somebody is still at work when everything else has ended. */
const LONG_TASKS = 4;
const LONG_MS = 1_000;
const CLAIM_TTL_MS = 2_000;

interface SmallPool {
  readonly pool: string;
  readonly skills: readonly [string, ...string[]];
}

/** Each pool with the skills that its tasks ask for; the last entry of a task may be any of several. */
const POOLS: readonly [SmallPool, ...SmallPool[]] = [
  { pool: 'code', skills: ['typescript', 'rust', 'sql'] },
  { pool: 'review', skills: ['security', 'style'] },
  { pool: 'data', skills: ['labelling', 'cleaning'] },
];

/** Every skill is had by several, so that the work goes on when some vanish. */
const TEAMS: readonly { readonly name: string; readonly skills: readonly string[]; readonly size: number }[] =
  [
    { name: 'coder', skills: ['typescript', 'rust'], size: 5 },
    { name: 'analyst', skills: ['sql', 'cleaning', 'labelling'], size: 5 },
    { name: 'reviewer', skills: ['security', 'style'], size: 5 },
    { name: 'generalist', skills: ['typescript', 'sql', 'style', 'labelling'], size: 5 },
  ];

const VANISHING = 3;

export function smallWorkload(seed: number): Workload {
  const random = new Random(seed);
  const agents = TEAMS.flatMap(({ name, skills, size }) =>
    Array.from(
      { length: size },
      (_, i): PlannedAgent => ({
        name: `${name}-${i + 1}`,
        capabilities: skills,
        slots: 2 + random.integer(3),
      }),
    ),
  );
  const tasks: PlannedTask[] = [];
  const earlier = new Map<string, PlannedTask[]>();
  for (let i = 0; i < TASKS; i++) {
    const { pool, skills } = random.pick(POOLS);
    const ofPool = earlier.get(pool) ?? [];
    const task = smallTask(random, i, pool, skills, ofPool);
    earlier.set(pool, [...ofPool, task]);
    tasks.push(task);
  }
  return {
    title: `the built-in workload: ${TASKS} tasks, ${agents.length} agents`,
    pools: POOLS.map(({ pool }) => pool),
    agents,
    tasks,
    claimTtlMs: CLAIM_TTL_MS,
    vanishing: VANISHING,
    notes: [],
  };
}

function smallTask(
  random: Random,
  index: number,
  pool: string,
  skills: readonly [string, ...string[]],
  earlier: readonly PlannedTask[],
): PlannedTask {
  const isLong = index >= TASKS - LONG_TASKS;
  const parents =
    !isLong && random.chance(0.25) ? random.shuffled(earlier.slice(-30)).slice(0, 1 + random.integer(2)) : [];
  const fate = isLong ? 1 : random.next();
  const ownEnd: Ending = fate < 0.05 ? 'failed' : fate < 0.1 ? 'cancelled' : 'completed';
  const requires = random.chance(0.2) ? [[...skills]] : [random.pick(skills)];
  return {
    pool,
    taskId: `${pool}-${index + 1}`,
    objective: `${pool} task ${index + 1}`,
    requires,
    priority: random.integer(4),
    dependsOn: parents.map(({ taskId }) => taskId),
    submitAtMs: Math.round((index / TASKS) * PLAY_MS),
    plan: {
      end: ownEnd === 'cancelled' ? 'wait' : ownEnd === 'failed' ? 'fail' : 'complete',
      workMs: isLong ? LONG_MS : 30 + random.integer(350),
      failFirst: !isLong && random.chance(0.08) ? 1 + random.integer(2) : 0,
    },
    cancelAfterMs: ownEnd === 'cancelled' ? 200 + random.integer(1_500) : undefined,
    // What depends on a task that did not complete is cancelled with it.
    expected: parents.every(({ expected }) => expected === 'completed') ? ownEnd : 'cancelled',
  };
}
