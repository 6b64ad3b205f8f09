/** Claims that an agent has without having asked for them: won by auction, or left behind by the process before it. */
import { defined } from '../../protocol/defined.ts';
import type { ClaimedTask, Task } from '../../protocol/documents.ts';
import { isClaimed } from '../../protocol/documents.ts';
import type { ConvergeEvent } from '../../protocol/event.ts';
import { isObject } from '../../protocol/json.ts';
import { MAX_PAGE } from '../../protocol/limits.ts';
import type { HeldTask } from '../../protocol/outcome-data.ts';
import type { ConvergeClient } from '../core/client.ts';
import { isAccepted } from '../core/outcomes.ts';
import type { TaskManager } from '../managers/task-manager.ts';
import type { Claims } from './claims.ts';
import type { HeldClaim } from './held-claim.ts';

export interface TakeUpOptions {
  readonly client: ConvergeClient;
  readonly tasks: TaskManager;
  readonly claims: Claims;
  readonly onTaken: (claim: HeldClaim) => void;
  readonly onError: (error: unknown) => void;
}

export class TakeUp {
  readonly #options: TakeUpOptions;

  constructor(options: TakeUpOptions) {
    this.#options = options;
  }

  /** With the award the winner of a task's auction holds its claim. */
  happened(pool: string, { type, data }: ConvergeEvent): void {
    if (type !== 'converge.auction.awarded' || !isObject(data)) return;
    const { winner, taskId } = data;
    if (winner !== this.#options.client.agent || typeof taskId !== 'string') return;
    void this.#won(pool, taskId).catch((error) => this.#options.onError(error));
  }

  /** Claims of the agent in a pool that this process does not know: of a process that ended without releasing them. */
  async leftBehind(pool: string): Promise<void> {
    const { client, tasks } = this.#options;
    let cursor: string | undefined;
    do {
      const page = await tasks.listTasks({
        pool,
        agent: client.agent,
        state: ['assigned', 'running'],
        limit: MAX_PAGE,
        ...defined({ cursor }),
      });
      for (const task of page.items) await this.#take(pool, task);
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async #won(pool: string, taskId: string): Promise<void> {
    const task = await this.#options.tasks.getTask(taskId, { pool });
    if (task !== undefined) await this.#take(pool, task);
  }

  /** Renewing it under its epoch is the proof that it is ours, and says how long it lasts. It is no start by itself. */
  async #take(pool: string, task: Task): Promise<void> {
    const { client, tasks, claims, onTaken } = this.#options;
    if (!isClaimed(task) || task.claim.agent !== client.agent || claims.holds(pool, task)) return;
    const askedAt = performance.now();
    const { epoch } = task.claim;
    const outcome = await tasks.renew(task.taskId, { pool, epoch });
    if (!isAccepted(outcome)) return;
    const held = heldTaskOf(task, outcome.data.expiresAt);
    const claim = claims.hold(pool, held, { at: outcome.at, askedAt });
    if (claim !== undefined) onTaken(claim);
  }
}

/** The task as its claim would have told it. */
function heldTaskOf(task: ClaimedTask, expiresAt: number): HeldTask {
  const { taskId, objective, inputs, evaluator, topic, deadline, priority, submitter, failures } = task;
  const constraints: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(task.constraints))
    if (value !== undefined) constraints[name] = value;
  return {
    taskId,
    objective,
    ...defined({ inputs, evaluator, topic, deadline }),
    priority,
    constraints,
    submitter,
    attempt: failures + 1,
    claim: { epoch: task.claim.epoch, expiresAt },
  };
}
