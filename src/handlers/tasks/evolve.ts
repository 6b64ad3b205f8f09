import type {
  Claim,
  ClaimedTask,
  PendingTask,
  ScheduledTask,
  Task,
  TaskCommon,
  WaitingTask,
} from '../../protocol/documents.ts';
import { isClaimed } from '../../protocol/documents.ts';
import type { TaskEvent, TaskSubmittedData } from '../kernel/events.ts';

/** A pending task is what a task is without the fields of single states. */
type Common = PendingTask;

/**
 * Returns the task after an event at this place of the log; undefined when it is removed. Throws if the event does not fit the state that it
 * finds: decide must not have let that happen.
 */
export function evolveTask(
  task: Task | undefined,
  event: TaskEvent,
  pool: string,
  now: number,
  order: number,
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
      const { agent, epoch, expiresAt, ttlMs, offer } = event.data;
      const claim = { agent, epoch, claimedAt: now, order, expiresAt, ttlMs };
      if (offer === undefined) return { ...begun(common), epoch, state: 'assigned', claim };
      return { ...common, epoch, state: 'assigned', claim: { ...claim, offer, unstarted: true } };
    }
    case 'task.renewed':
      return renewed(claimedTask(task, event), event.data);
    case 'task.released': {
      const { unstarted = common.unstarted, handOver = common.handOver } = event.data;
      return { ...common, unstarted, handOver, state: 'pending' };
    }
    case 'task.expired':
      return { ...common, expiries: event.data.expiries, state: 'pending' };
    case 'task.retried': {
      const { failures, readyAt } = event.data;
      return waiting(
        { ...begun(common), auction: undefined, failures },
        readyAt > now ? 'scheduled' : 'pending',
        readyAt,
      );
    }
    case 'task.completed': {
      const { agent, result } = event.data;
      return {
        ...common,
        auction: undefined,
        state: 'completed',
        finishedAt: now,
        finishedBy: agent,
        result,
      };
    }
    case 'task.failed': {
      const { cause, reason, by } = event.data;
      const failures = cause === 'failed' ? task.failures + 1 : task.failures;
      return {
        ...common,
        failures,
        auction: undefined,
        state: 'failed',
        finishedAt: now,
        finishedBy: by,
        cause,
        reason,
      };
    }
    case 'task.cancelled': {
      const { cause, reason, by } = event.data;
      return {
        ...common,
        auction: undefined,
        state: 'cancelled',
        finishedAt: now,
        finishedBy: by,
        cause,
        reason,
      };
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
  const { state, waitingFor } = data;
  const common = commonOf({
    pool,
    taskId,
    objective: data.objective,
    inputs: data.inputs,
    evaluator: data.evaluator,
    topic: data.topic,
    requiredCapabilities: data.requiredCapabilities,
    priority: data.priority,
    notBefore: data.notBefore,
    deadline: data.deadline,
    dependsOn: data.dependsOn,
    constraints: data.constraints,
    submitter: data.submitter,
    submittedAt: now,
    order: data.order,
    epoch: 0,
    failures: 0,
    expiries: 0,
    auction: undefined,
    origin: data.origin,
  });
  return state === 'blocked'
    ? { ...common, state, waitingFor }
    : waiting(common, state, data.notBefore ?? now);
}

function waiting(
  common: Common,
  state: 'scheduled' | 'pending',
  readyAt: number,
): ScheduledTask | PendingTask {
  return state === 'scheduled' ? { ...common, state, readyAt } : common;
}

function renewed(
  task: ClaimedTask,
  { expiresAt, progress, note }: Extract<TaskEvent, { readonly type: 'task.renewed' }>['data'],
): ClaimedTask {
  const { unstarted: _, ...held } = task.claim;
  const claim: Claim = { ...held, expiresAt };
  if (task.state === 'assigned' && progress === undefined && note === undefined)
    return task.unstarted === undefined ? { ...task, claim } : { ...task, ...NEVER_UNSTARTED, claim };
  const before = task.state === 'running' ? task : undefined;
  return {
    ...begun(commonOf(task)),
    auction: undefined,
    state: 'running',
    claim,
    progress: progress ?? before?.progress ?? 0,
    note: note ?? before?.note,
  };
}

const NEVER_UNSTARTED = { unstarted: undefined, handOver: undefined };

/** An agent is at work on it: earlier hand-overs that nobody began no longer count. */
function begun(common: Common): Common {
  return common.unstarted === undefined ? common : { ...common, ...NEVER_UNSTARTED };
}

function claimedTask(task: Task, event: TaskEvent): ClaimedTask {
  if (!isClaimed(task)) throw new Error(`${event.type} of task ${task.taskId}, which is ${task.state}`);
  return task;
}

/** A task as it is when nobody holds it. */
export function released(task: ClaimedTask): PendingTask {
  return commonOf(task);
}

/** A task with the fields of every state, and those of single states named as undefined; all of one shape. */
function commonOf(task: TaskCommon): Common {
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
    unstarted: task.unstarted,
    handOver: task.handOver,
    auction: task.auction,
    origin: task.origin,
    state: 'pending',
    waitingFor: undefined,
    readyAt: undefined,
    claim: undefined,
    progress: undefined,
    note: undefined,
    finishedAt: undefined,
    finishedBy: undefined,
    result: undefined,
    cause: undefined,
    reason: undefined,
  };
}
