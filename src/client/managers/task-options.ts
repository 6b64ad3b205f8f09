import type { FieldsOf, InPool } from '../core/method-options.ts';
import type { InputOf } from '../core/outcomes.ts';

/** A task to submit; `taskId` is chosen when left out, and the outcome's data names it. */
export type NewTask = Omit<InputOf<'SubmitTask'>, 'type' | 'taskId' | 'id' | 'onBehalfOf'> & {
  readonly taskId?: string | undefined;
};

/** How a task is submitted: in which pool, for whom, how long to wait (milliseconds). */
export type SubmitOptions = Pick<FieldsOf<'SubmitTask'>, 'id' | 'onBehalfOf' | 'timeoutMs'> & InPool;
/** How a task is claimed: in which pool, for how long (`ttlMs`), for whom. */
export type ClaimOptions = FieldsOf<'ClaimTask', 'taskId'> & InPool;
/** Which tasks to claim: in which pool, how many, for how long, of what topic. */
export type ClaimNextOptions = FieldsOf<'ClaimNextTask'> & InPool;
/** How a claim is extended: in which pool, which claim (`epoch`), with what progress (0 to 1). */
export type RenewOptions = FieldsOf<'RenewClaim', 'taskId'> & InPool;
/** How a task is given back: in which pool, of which claim (`epoch`), for whom. */
export type ReleaseOptions = FieldsOf<'ReleaseTask', 'taskId'> & InPool;
/** How a task is completed: in which pool, under which claim (`epoch`), for whom. */
export type ReportOptions = FieldsOf<'ReportTask', 'taskId' | 'result'> & InPool;
/** How a task is cancelled: in which pool, why, for whom, how long to wait (milliseconds). */
export type CancelOptions = FieldsOf<'CancelTask', 'taskId'> & InPool;
/** How a task is failed: in which pool, whether it may be tried again, in whose name. */
export type FailOptions = FieldsOf<'FailTask', 'taskId' | 'reason'> &
  InPool & {
    /**
     * In whose name. The agent's own (or left out): its own. Another one: the decision is made on behalf of that
     * agent, which takes a live delegation, else it is rejected as `delegation_missing`.
     */
    readonly agentId?: string | undefined;
  };

export function submission(task: NewTask, newId: () => string): InputOf<'SubmitTask'> {
  return { ...task, type: 'SubmitTask', taskId: task.taskId ?? newId() };
}
