import type { FieldsOf, InPool } from './method-options.ts';
import type { InputOf } from './outcomes.ts';

/** A task to submit; `taskId` is chosen when left out, and the outcome's data names it. */
export type NewTask = Omit<InputOf<'SubmitTask'>, 'type' | 'taskId' | 'id' | 'onBehalfOf'> & {
  readonly taskId?: string | undefined;
};

export type SubmitOptions = Pick<FieldsOf<'SubmitTask'>, 'id' | 'onBehalfOf' | 'timeoutMs'> & InPool;
export type ClaimOptions = FieldsOf<'ClaimTask', 'taskId'> & InPool;
export type ClaimNextOptions = FieldsOf<'ClaimNextTask'> & InPool;
export type RenewOptions = FieldsOf<'RenewClaim', 'taskId'> & InPool;
export type ReleaseOptions = FieldsOf<'ReleaseTask', 'taskId'> & InPool;
export type ReportOptions = FieldsOf<'ReportTask', 'taskId' | 'result'> & InPool;
export type CancelOptions = FieldsOf<'CancelTask', 'taskId'> & InPool;
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
