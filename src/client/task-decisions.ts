import type { Json } from '../protocol/json.ts';
import { COMMONS } from '../protocol/names.ts';
import type { InputOf } from './outcomes.ts';
import type { Answer, FieldsOf, InPool, Mode, Sender } from './sender.ts';

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

export interface TaskDecisionsOptions<M extends Mode> {
  readonly send: Sender<M>;
  readonly agent: string;
  readonly newId: () => string;
}

/**
 * What can be decided about tasks. The pool is `commons` unless the options say otherwise; `epoch` left out means the
 * claim that the agent holds now. Codes: PROTOCOL, section 4.
 */
export class TaskDecisions<M extends Mode> {
  readonly #send: Sender<M>;
  readonly #agent: string;
  readonly #newId: () => string;

  constructor({ send, agent, newId }: TaskDecisionsOptions<M>) {
    this.#send = send;
    this.#agent = agent;
    this.#newId = newId;
  }

  submit(task: NewTask, options: SubmitOptions = {}): Promise<Answer<M, 'SubmitTask'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#send(pool, { ...submission(task, this.#newId), ...fields }, { timeoutMs });
  }

  /** The accepted outcome's data is the task and its claim. */
  claim(taskId: string, options: ClaimOptions = {}): Promise<Answer<M, 'ClaimTask'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#send(pool, { type: 'ClaimTask', taskId, ...fields }, { timeoutMs });
  }

  /** Claims the best tasks that the agent may have, `limit` (1) of them at most. `data.tasks` may be empty. */
  claimNext(options: ClaimNextOptions = {}): Promise<Answer<M, 'ClaimNextTask'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#send(pool, { type: 'ClaimNextTask', ...fields }, { timeoutMs });
  }

  /** Extends the claim by its ttl; `progress` is between 0 and 1. */
  renew(taskId: string, options: RenewOptions = {}): Promise<Answer<M, 'RenewClaim'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#send(pool, { type: 'RenewClaim', taskId, ...fields }, { timeoutMs });
  }

  /** Gives the task back: pending again, and not a failure. */
  release(taskId: string, options: ReleaseOptions = {}): Promise<Answer<M, 'ReleaseTask'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#send(pool, { type: 'ReleaseTask', taskId, ...fields }, { timeoutMs });
  }

  /** Completes the task. */
  report(taskId: string, result: Json, options: ReportOptions = {}): Promise<Answer<M, 'ReportTask'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#send(pool, { type: 'ReportTask', taskId, result, ...fields }, { timeoutMs });
  }

  /** Submitter, or an operator of the pool. Whoever holds the task learns of it by event and by `claim_lost` on its next word. */
  cancelTask(taskId: string, options: CancelOptions = {}): Promise<Answer<M, 'CancelTask'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#send(pool, { type: 'CancelTask', taskId, ...fields }, { timeoutMs });
  }

  /** Operators of the pool: takes the claim from whoever holds it. No failure, no expiry. */
  forceRelease(
    taskId: string,
    options: FieldsOf<'ForceRelease', 'taskId'> & InPool = {},
  ): Promise<Answer<M, 'ForceRelease'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#send(pool, { type: 'ForceRelease', taskId, ...fields }, { timeoutMs });
  }

  /** Holder: pending again while attempts remain (`retryable`, true), else failed. Submitter, operators of the pool: failed. */
  failTask(taskId: string, reason: string, options: FailOptions = {}): Promise<Answer<M, 'FailTask'>> {
    const { pool = COMMONS, timeoutMs, agentId, onBehalfOf = agentId, ...fields } = options;
    const principal = onBehalfOf === this.#agent ? undefined : onBehalfOf;
    return this.#send(
      pool,
      { type: 'FailTask', taskId, reason, ...fields, onBehalfOf: principal },
      { timeoutMs },
    );
  }
}

export function submission(task: NewTask, newId: () => string): InputOf<'SubmitTask'> {
  return { ...task, type: 'SubmitTask', taskId: task.taskId ?? newId() };
}
