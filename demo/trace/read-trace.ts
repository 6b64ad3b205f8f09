/** From the two files of a recorded cluster to the workload that replays it. */
import { readFile } from 'node:fs/promises';
import { COMMONS, isReserved } from '../../src/protocol/names.ts';
import { parseCsv } from '../csv.ts';
import { InputError } from '../input-error.ts';
import { counted } from '../words.ts';
import { canRun, type PlannedAgent, type PlannedTask, type Workload } from '../workload.ts';
import { agentsOf, atLeastGpus, NODE_COLUMNS } from './recorded-node.ts';
import { type RecordedTask, recordedTasks, TASK_COLUMNS } from './recorded-task.ts';
import { compressed, playedMs } from './timeline.ts';

/** How long the submission of a task takes on average, and of all of them at least: 20 s for the published trace. */
const MS_PER_TASK = 2.5;
const LEAST_PLAY_MS = 2_000;
const CLAIM_TTL_MS = 5_000;
const SHARE_VANISHING = 0.05;
const WORK_MS = { least: 50, most: 2_000 } as const;
const CANCEL_AFTER_MS = { least: 250, most: 3_000 } as const;

export async function readTrace(tasksFile: string, nodesFile: string): Promise<Workload> {
  const tasks = recordedTasks(parseCsv(tasksFile, await textOf(tasksFile), TASK_COLUMNS));
  const agents = agentsOf(parseCsv(nodesFile, await textOf(nodesFile), NODE_COLUMNS));
  return traceWorkload(tasks, agents);
}

export function traceWorkload(recorded: readonly RecordedTask[], agents: readonly PlannedAgent[]): Workload {
  const playMs = Math.max(LEAST_PLAY_MS, recorded.length * MS_PER_TASK);
  const times = compressed(
    recorded.map(({ createdAt }) => createdAt),
    playMs,
  );
  const isRunnable = runnability(agents);
  const tasks = recorded.map((task, i) => plannedTask(task, times[i] ?? playMs, isRunnable));
  const stranded = tasks.filter((task, i) => recorded[i]?.phase !== 'Pending' && !isRunnable(task)).length;
  return {
    title: `a recorded GPU cluster: ${tasks.length} tasks, ${agents.length} nodes`,
    pools: [...new Set(tasks.map(({ pool }) => pool))],
    agents,
    tasks,
    claimTtlMs: CLAIM_TTL_MS,
    vanishing: agents.length < 2 ? 0 : Math.max(1, Math.round(agents.length * SHARE_VANISHING)),
    notes:
      stranded === 0
        ? []
        : [`${counted(stranded, 'task')} that none of the nodes can run: cancelled by the submitter`],
  };
}

function plannedTask(
  task: RecordedTask,
  submitAtMs: number,
  isRunnable: (task: Pick<PlannedTask, 'requires'>) => boolean,
): PlannedTask {
  const requires = requirementsOf(task);
  const common = {
    pool: poolOf(task.qos),
    taskId: task.name,
    objective: `${task.qos} task ${task.name}, recorded as ${task.phase}`,
    requires,
    priority: 0,
    dependsOn: [],
    submitAtMs,
  };
  if (task.phase === 'Pending' || !isRunnable({ requires })) {
    const cancelAfterMs = playedMs(task.lastedSeconds, CANCEL_AFTER_MS.least, CANCEL_AFTER_MS.most);
    const plan = { end: 'wait', workMs: 0, failFirst: 0 } as const;
    return { ...common, plan, cancelAfterMs, expected: 'cancelled' };
  }
  const workMs = playedMs(task.lastedSeconds, WORK_MS.least, WORK_MS.most);
  const hasFailed = task.phase === 'Failed';
  return {
    ...common,
    plan: { end: hasFailed ? 'fail' : 'complete', workMs, failFirst: 0 },
    cancelAfterMs: undefined,
    expected: hasFailed ? 'failed' : 'completed',
  };
}

function requirementsOf({ models, numGpu }: RecordedTask): (string | readonly string[])[] {
  return [...(models.length > 0 ? [models] : []), ...(numGpu > 0 ? [atLeastGpus(numGpu)] : [])];
}

/** The pool of a QoS class, by a name that can stand in a subject. */
function poolOf(qos: string): string {
  const name = qos.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 56);
  return name === '' || name === COMMONS || isReserved(name) ? `qos-${name}` : name;
}

function runnability(agents: readonly PlannedAgent[]): (task: Pick<PlannedTask, 'requires'>) => boolean {
  const sets = [...new Set(agents.map(({ capabilities }) => JSON.stringify(capabilities)))].map(
    (json) => new Set<string>(JSON.parse(json)),
  );
  return (task) => sets.some((capabilities) => canRun(capabilities, task));
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? WORDS[String(error.code)] : undefined;
    throw new InputError(`cannot read ${file}: ${why ?? String(error)}`, { cause: error });
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder',
};
