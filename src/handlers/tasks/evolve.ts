import type {
  Claim,
  ClaimedTask,
  FinalTask,
  PendingTask,
  ScheduledTask,
  Task,
  WaitingTask,
} from '../../protocol/documents.ts';
import { isClaimed } from '../../protocol/documents.ts';
import type { TaskEvent, TaskSubmittedData } from '../events.ts';

type Common = Omit<PendingTask, 'state'>;

/**
 * What a task is after an event; undefined when it is removed. Throws where an event does not fit the state that it
 * finds: decide must not have let that happen.
 */
export function evolveTask(
  task: Task | undefined,
  event: TaskEvent,
  pool: string,
  now: number,
): Task | undefined {
  if (event.type === 'task.submitted') return submitted(event.id, event.data, pool, now);
  if (task === undefined) throw new Error(`${event.type} of the unknown task ${event.id}`);
  const common = commonOf(task);
  switch (event.type) {
    case 'task.dependency_completed': {
      const { dependency } = event.data;
      const waitingFor = task.state === 'blocked' ? task.waitingFor.filter((id) => id !== dependency) : [];
      return { ...common, state: 'blocked', waitingFor };
    }
    case 'task.unblocked':
      return waiting(common, event.data.state, task.notBefore ?? now);
    case 'task.claimed': {
      const { agent, epoch, expiresAt, ttlMs } = event.data;
      return {
        ...common,
        epoch,
        state: 'assigned',
        claim: { agent, epoch, claimedAt: now, expiresAt, ttlMs },
      };
    }
    case 'task.renewed':
      return renewed(claimedTask(task, event), event.data);
    case 'task.released':
      return { ...common, state: 'pending' };
    case 'task.expired':
      return { ...common, expiries: event.data.expiries, state: 'pending' };
    case 'task.retried': {
      const { failures, readyAt } = event.data;
      return waiting(
        { ...common, auction: undefined, failures },
        readyAt > now ? 'scheduled' : 'pending',
        readyAt,
      );
    }
    case 'task.completed':
      return { ...common, ...finished(event.data.agent, now), state: 'completed', result: event.data.result };
    case 'task.failed': {
      const { cause, reason, by } = event.data;
      const failures = cause === 'failed' ? task.failures + 1 : task.failures;
      return { ...common, failures, ...finished(by, now), ...why(reason), state: 'failed', cause };
    }
    case 'task.cancelled': {
      const { cause, reason, by } = event.data;
      return { ...common, ...finished(by, now), ...why(reason), state: 'cancelled', cause };
    }
    case 'task.reserved':
      return { ...common, auction: event.data.auction, state: 'pending' };
    case 'task.unreserved':
      return { ...common, auction: undefined, state: 'pending' };
    case 'task.removed':
      return undefined;
  }
}

function submitted(taskId: string, data: TaskSubmittedData, pool: string, now: number): WaitingTask {
  const { state, waitingFor, ...given } = data;
  const common: Common = { pool, taskId, submittedAt: now, epoch: 0, failures: 0, expiries: 0, ...given };
  return state === 'blocked'
    ? { ...common, state, waitingFor }
    : waiting(common, state, data.notBefore ?? now);
}

function waiting(
  common: Common,
  state: 'scheduled' | 'pending',
  readyAt: number,
): ScheduledTask | PendingTask {
  return state === 'scheduled' ? { ...common, state, readyAt } : { ...common, state };
}

function renewed(
  task: ClaimedTask,
  {
    expiresAt,
    progress,
    note,
  }: { readonly expiresAt: number; readonly progress?: number; readonly note?: string },
): ClaimedTask {
  const claim: Claim = { ...task.claim, expiresAt };
  if (task.state === 'assigned' && progress === undefined && note === undefined) return { ...task, claim };
  const before = task.state === 'running' ? task : undefined;
  const kept = note ?? before?.note;
  return {
    ...commonOf(task),
    auction: undefined,
    state: 'running',
    claim,
    progress: progress ?? before?.progress ?? 0,
    ...(kept === undefined ? {} : { note: kept }),
  };
}

function claimedTask(task: Task, event: TaskEvent): ClaimedTask {
  if (!isClaimed(task)) throw new Error(`${event.type} of task ${task.taskId}, which is ${task.state}`);
  return task;
}

function finished(by: string, now: number): Pick<FinalTask, 'finishedAt' | 'finishedBy' | 'auction'> {
  return { finishedAt: now, finishedBy: by, auction: undefined };
}

function why(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}

/**
 * The fields that a task has in every state. Absent ones are named all the same: objects of one shape are several
 * times cheaper to make than such that are put together field by field, and this runs for every event.
 */
function commonOf(task: Task): Common {
  return {
    pool: task.pool,
    taskId: task.taskId,
    objective: task.objective,
    inputs: task.inputs,
    evaluator: task.evaluator,
    topic: task.topic,
    requiredCapabilities: task.requiredCapabilities,
    priority: task.priority,
    notBefore: task.notBefore,
    deadline: task.deadline,
    dependsOn: task.dependsOn,
    constraints: task.constraints,
    submitter: task.submitter,
    submittedAt: task.submittedAt,
    order: task.order,
    epoch: task.epoch,
    failures: task.failures,
    expiries: task.expiries,
    auction: task.auction,
    origin: task.origin,
  };
}
