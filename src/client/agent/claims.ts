/** All claims that the agent holds, and what the outcomes and events that it sees say about them. */
import type { ConvergeEvent } from '../../protocol/event.ts';
import { isObject } from '../../protocol/json.ts';
import type { HeldTask } from '../../protocol/outcome-data.ts';
import type { TaskManager } from '../managers/task-manager.ts';
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

export interface ClaimsOptions {
  readonly agent: string;
  readonly tasks: TaskManager;
  readonly onError: (error: unknown) => void;
  /** A claim that came when the agent had stopped already: it is to be given back. */
  readonly onLate: (claim: HeldClaim) => void;
}

/** How many endings are remembered of claims that are not known yet: an event can be faster than the outcome. */
const MAX_ENDINGS = 1_000;

export class Claims {
  readonly #options: ClaimsOptions;
  readonly #held = new Map<string, HeldClaim>();
  readonly #endings = new Map<string, string>();
  #isClosed = false;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  get all(): readonly HeldClaim[] {
    return [...this.#held.values()];
  }

  holds(pool: string, { taskId, epoch }: { readonly taskId: string; readonly epoch: number }): boolean {
    return this.#held.get(keyOf(pool, taskId))?.task.claim.epoch === epoch;
  }

  /** From here on claims that come are given back. */
  close(): void {
    this.#isClosed = true;
  }

  /** Undefined when it is held already, or over by now. */
  hold(pool: string, task: HeldTask, { at, askedAt }: Told): HeldClaim | undefined {
    const { tasks, onError, onLate } = this.#options;
    const key = keyOf(pool, task.taskId);
    const before = this.#held.get(key);
    if (before?.task.claim.epoch === task.claim.epoch) return undefined;
    before?.lose('claimed again');
    const claim = new HeldClaim({
      tasks,
      pool,
      task,
      claimedAt: at,
      askedAt,
      onError,
      onEnd: (ended) => {
        if (this.#held.get(key) === ended) this.#held.delete(key);
      },
    });
    this.#held.set(key, claim);
    const ending = this.#endings.get(endingKey(key, task.claim.epoch));
    if (ending !== undefined) claim.lose(ending);
    else if (this.#isClosed) onLate(claim);
    else claim.begin();
    return claim.hasEnded ? undefined : claim;
  }

  /** The agent has decided something itself, and it was accepted. Tells the claims that it holds because of it. */
  accepted(type: string, pool: string, decision: unknown, data: unknown, told: Told): HeldClaim[] {
    switch (type) {
      case 'ClaimTask':
        return this.#holdAll(pool, [data], told);
      case 'ClaimNextTask':
        return this.#holdAll(pool, listOf(data, 'tasks'), told);
      case 'SubmitBid':
        // The first bid of a Dutch auction has it at once.
        return this.#holdAll(pool, isObject(data) ? [data.task] : [], told);
      case 'ReportTask':
      case 'FailTask':
      case 'ReleaseTask':
        if (isObject(decision)) this.#held.get(keyOf(pool, String(decision.taskId)))?.end();
        return [];
      default:
        return [];
    }
  }

  /** Someone else, or time, may have ended a claim. */
  happened(pool: string, { type, subject, data }: ConvergeEvent): void {
    if (!ENDINGS.has(type) || !isObject(data) || data.agent !== this.#options.agent) return;
    const key = keyOf(pool, subject.slice(subject.indexOf('/') + 1));
    const why = type.slice(type.lastIndexOf('.') + 1);
    const claim = this.#held.get(key);
    if (claim !== undefined && claim.task.claim.epoch === data.epoch) claim.lose(why);
    else if (typeof data.epoch === 'number') this.#remember(endingKey(key, data.epoch), why);
  }

  #holdAll(pool: string, tasks: readonly unknown[], told: Told): HeldClaim[] {
    return tasks.flatMap((task) => {
      const claim = isHeldTask(task) ? this.hold(pool, task, told) : undefined;
      return claim === undefined ? [] : [claim];
    });
  }

  #remember(ending: string, why: string): void {
    this.#endings.set(ending, why);
    if (this.#endings.size <= MAX_ENDINGS) return;
    for (const oldest of this.#endings.keys()) {
      this.#endings.delete(oldest);
      return;
    }
  }
}

function endingKey(key: string, epoch: number): string {
  return `${key}/${epoch}`;
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
