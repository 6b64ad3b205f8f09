/** All claims that the agent holds, and what the outcomes and events that it sees say about them. */
import type { ConvergeEvent } from '../../protocol/event.ts';
import { isObject } from '../../protocol/json.ts';
import type { HeldTask } from '../outcomes.ts';
import type { TaskManager } from '../task-manager.ts';
import { HeldClaim } from './held-claim.ts';

/** Events that end the claim that they name. */
const ENDINGS: ReadonlySet<string> = new Set([
  'converge.task.expired',
  'converge.task.released',
  'converge.task.retried',
  'converge.task.completed',
  'converge.task.failed',
  'converge.task.cancelled',
]);

export interface Told {
  /** Log time of the outcome, and `performance.now()` from before the decision was sent. */
  readonly at: number;
  readonly askedAt: number;
}

export class Claims {
  readonly #agent: string;
  readonly #tasks: TaskManager;
  readonly #held = new Map<string, HeldClaim>();

  constructor(agent: string, tasks: TaskManager) {
    this.#agent = agent;
    this.#tasks = tasks;
  }

  get all(): readonly HeldClaim[] {
    return [...this.#held.values()];
  }

  hold(pool: string, task: HeldTask, { at, askedAt }: Told): HeldClaim {
    const key = keyOf(pool, task.taskId);
    this.#held.get(key)?.lose('claimed again');
    const claim = new HeldClaim({
      tasks: this.#tasks,
      pool,
      task,
      claimedAt: at,
      askedAt,
      onEnd: (ended) => {
        if (this.#held.get(key) === ended) this.#held.delete(key);
      },
    });
    this.#held.set(key, claim);
    return claim;
  }

  /** The agent has decided something itself, and it was accepted. Tells the claims that it holds because of it. */
  accepted(type: string, pool: string, decision: unknown, data: unknown, told: Told): HeldClaim[] {
    switch (type) {
      case 'ClaimTask':
        return isHeldTask(data) ? [this.hold(pool, data, told)] : [];
      case 'ClaimNextTask':
        return listOf(data, 'tasks').flatMap((task) =>
          isHeldTask(task) ? [this.hold(pool, task, told)] : [],
        );
      case 'ReportTask':
      case 'FailTask':
      case 'ReleaseTask':
        if (isObject(decision)) this.#held.get(keyOf(pool, String(decision.taskId)))?.end();
        return [];
      default:
        return [];
    }
  }

  /** Somebody else, or time, may have ended a claim. */
  happened(pool: string, { type, subject, data }: ConvergeEvent): void {
    if (!ENDINGS.has(type) || !isObject(data) || data.agent !== this.#agent) return;
    const claim = this.#held.get(keyOf(pool, subject.slice(subject.indexOf('/') + 1)));
    if (claim !== undefined && claim.task.claim.epoch === data.epoch)
      claim.lose(type.slice(type.lastIndexOf('.') + 1));
  }
}

function keyOf(pool: string, taskId: string): string {
  return `${pool}/${taskId}`;
}

export function listOf(data: unknown, name: string): readonly unknown[] {
  const list = isObject(data) ? data[name] : undefined;
  return Array.isArray(list) ? list : [];
}

function isHeldTask(data: unknown): data is HeldTask {
  return isObject(data) && typeof data.taskId === 'string' && isObject(data.claim);
}
