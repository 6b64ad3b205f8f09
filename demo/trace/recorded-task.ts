import { isName, isReserved } from '../../src/protocol/names.ts';
import type { CsvRow } from '../csv.ts';

/** A task as the cluster recorded it. Times are seconds since the start of the trace. */
export interface RecordedTask {
  readonly name: string;
  readonly numGpu: number;
  /** GPU models of which any will do; none: whatever there is. */
  readonly models: readonly string[];
  readonly qos: string;
  readonly phase: Phase;
  readonly createdAt: number;
  /** How long it ran, or waited in vain. */
  readonly lastedSeconds: number;
}

export type Phase = 'Running' | 'Succeeded' | 'Failed' | 'Pending';

const PHASES: readonly string[] = ['Running', 'Succeeded', 'Failed', 'Pending'] satisfies Phase[];
const MOST_GPUS = 128;
const MOST_MODELS = 64;

export const TASK_COLUMNS = [
  'name',
  'num_gpu',
  'gpu_spec',
  'qos',
  'pod_phase',
  'creation_time',
  'scheduled_time',
  'deletion_time',
] as const;

/** In order of creation; those of the same second in the order of the file. */
export function recordedTasks(rows: readonly CsvRow[]): RecordedTask[] {
  const names = new Set<string>();
  const tasks = rows.map((row) => {
    const task = recordedTask(row);
    if (names.has(task.name)) throw row.fault(`a second task named ${task.name}`);
    names.add(task.name);
    return task;
  });
  return tasks.sort((a, b) => a.createdAt - b.createdAt);
}

function recordedTask(row: CsvRow): RecordedTask {
  const name = row.text('name');
  if (!isName(name) || isReserved(name)) {
    throw row.fault(`name is ${JSON.stringify(name)}, not 1 to 64 letters, digits, - and _`);
  }
  const models = [...new Set(row.text('gpu_spec').split('|'))].filter((model) => model !== '');
  if (models.length > MOST_MODELS) throw row.fault(`gpu_spec has more than ${MOST_MODELS} alternatives`);
  const createdAt = row.wholeNumber('creation_time');
  const endedAt = row.optionalNumber('deletion_time') ?? createdAt;
  const startedAt = row.optionalNumber('scheduled_time') ?? createdAt;
  return {
    name,
    numGpu: row.wholeNumber('num_gpu', MOST_GPUS),
    models,
    qos: row.text('qos'),
    phase: phaseOf(row),
    createdAt,
    lastedSeconds: Math.max(0, endedAt - startedAt),
  };
}

function phaseOf(row: CsvRow): Phase {
  const phase = row.text('pod_phase');
  if (isPhase(phase)) return phase;
  throw row.fault(`pod_phase is ${JSON.stringify(phase)}, not one of ${PHASES.join(', ')}`);
}

function isPhase(text: string): text is Phase {
  return PHASES.includes(text);
}
