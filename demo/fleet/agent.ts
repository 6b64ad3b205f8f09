/**
 * One agent: joins pools, claims as many tasks as it has slots, works on them, renews its claims meanwhile, and says how
 * they ended. It knows nothing of the other agents; that a claim is lost it learns from an event or from the answer to
 * its next word.
 */
import type { ConvergeClient } from '../../src/client/core/client.ts';
import { after, type Timer } from '../../src/lib/timers.ts';
import type { HeldTask } from '../../src/protocol/outcome-data.ts';
import { type Plan, type PlannedAgent, taskKey } from '../workload.ts';
import { planOf } from './plan.ts';

interface Work {
  readonly pool: string;
  readonly taskId: string;
  readonly epoch: number;
  readonly plan: Plan;
  readonly attempt: number;
  readonly endsAt: number;
  timer: Timer | undefined;
}

export interface AgentOptions {
  readonly client: ConvergeClient;
  readonly planned: PlannedAgent;
  readonly claimTtlMs: number;
  /** A slot became free. */
  readonly onFree: () => void;
}

/** Claims are renewed this many times before they would expire. */
const RENEWALS_PER_TTL = 3;

export class Agent {
  readonly planned: PlannedAgent;
  readonly capabilities: ReadonlySet<string>;
  readonly #client: ConvergeClient;
  readonly #options: AgentOptions;
  readonly #works = new Map<string, Work>();
  readonly #underWay = new Set<Promise<unknown>>();
  #asked = 0;
  #state: 'present' | 'vanished' | 'stopped' = 'present';

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#client = options.client;
    this.planned = options.planned;
    this.capabilities = new Set(options.planned.capabilities);
  }

  get name(): string {
    return this.planned.name;
  }

  get hasVanished(): boolean {
    return this.#state === 'vanished';
  }

  get claims(): number {
    return this.#works.size;
  }

  /** It holds a task that it is going to finish. */
  get isAtWork(): boolean {
    return [...this.#works.values()].some(({ endsAt }) => endsAt < Number.POSITIVE_INFINITY);
  }

  /** How many more claims it would take now; none while it waits for the answer to a claim. */
  get freeSlots(): number {
    if (this.#state !== 'present' || this.#asked > 0) return 0;
    return this.planned.slots - this.#works.size;
  }

  async join(pool: string): Promise<void> {
    const { capabilities } = this.planned;
    const outcome = await this.#client.decide(pool, { type: 'JoinPool', capabilities: [...capabilities] });
    if (outcome.status === 'rejected') throw new Error(`${this.name} cannot join ${pool}: ${outcome.code}`);
  }

  /** Claims the best tasks that it can run, up to `limit`; answers which it got. */
  async claimNext(pool: string, limit: number): Promise<readonly HeldTask[]> {
    this.#asked++;
    try {
      const outcome = await this.#tracked(this.#client.decide(pool, { type: 'ClaimNextTask', limit }));
      if (outcome?.status !== 'accepted') return [];
      if (this.#state === 'present') for (const task of outcome.data.tasks) this.#begin(pool, task);
      return outcome.data.tasks;
    } finally {
      this.#asked--;
    }
  }

  /** An event says that a claim of this agent is over. */
  onClaimOver(pool: string, taskId: string, epoch: unknown): void {
    const work = this.#works.get(taskKey(pool, taskId));
    if (work !== undefined && work.epoch === epoch) this.#drop(work);
  }

  /** Never says another word. Its claims are left to expire. */
  vanish(): void {
    this.#state = 'vanished';
    for (const { timer } of this.#works.values()) timer?.cancel();
    this.#works.clear();
    void this.#client.close();
  }

  /** Begins nothing more and waits for the answers that are still on their way. */
  async stop(): Promise<void> {
    if (this.#state === 'present') this.#state = 'stopped';
    for (const { timer } of this.#works.values()) timer?.cancel();
    await Promise.allSettled(this.#underWay);
  }

  #begin(pool: string, task: HeldTask): void {
    const { taskId, attempt } = task;
    const plan = planOf(task.inputs);
    const waitsForever = plan.end === 'wait' && attempt > plan.failFirst;
    const work: Work = {
      pool,
      taskId,
      epoch: task.claim.epoch,
      plan,
      attempt,
      endsAt: waitsForever ? Number.POSITIVE_INFINITY : performance.now() + plan.workMs,
      timer: undefined,
    };
    this.#works.set(taskKey(pool, taskId), work);
    this.#workOn(work, task.claim.expiresAt);
  }

  /** Until the work is done or, at the latest, until the claim has to be renewed. */
  #workOn(work: Work, expiresAt: number): void {
    const renewEveryMs = this.#options.claimTtlMs / RENEWALS_PER_TTL;
    // An answer that was long on its way leaves less of the claim than the agent was promised.
    const renewInMs = Math.min(renewEveryMs, Math.max(0, expiresAt - Date.now()) / 2);
    const doneInMs = Math.max(0, work.endsAt - performance.now());
    const next = doneInMs <= renewInMs ? () => this.#finish(work) : () => this.#renew(work);
    work.timer = after(Math.min(doneInMs, renewInMs), () => void next());
  }

  async #renew(work: Work): Promise<void> {
    const { pool, taskId, epoch } = work;
    const outcome = await this.#tracked(this.#client.decide(pool, { type: 'RenewClaim', taskId, epoch }));
    if (!this.#isStillOn(work)) return;
    if (outcome?.status === 'accepted') this.#workOn(work, outcome.data.expiresAt);
    else this.#drop(work);
  }

  async #finish(work: Work): Promise<void> {
    const { pool, taskId, epoch, plan, attempt } = work;
    const hasFailed = attempt <= plan.failFirst || plan.end === 'fail';
    await this.#tracked<unknown>(
      hasFailed
        ? this.#client.decide(pool, {
            type: 'FailTask',
            taskId,
            epoch,
            reason: attempt <= plan.failFirst ? `attempt ${attempt} went wrong` : 'it cannot be done',
            retryable: attempt <= plan.failFirst,
          })
        : this.#client.decide(pool, {
            type: 'ReportTask',
            taskId,
            epoch,
            result: { by: this.name, attempt },
          }),
    );
    // Whatever the answer is, the agent has done its part: accepted, or the task is somebody else's by now.
    if (this.#isStillOn(work)) this.#drop(work);
  }

  #isStillOn(work: Work): boolean {
    return this.#state === 'present' && this.#works.get(taskKey(work.pool, work.taskId)) === work;
  }

  #drop(work: Work): void {
    work.timer?.cancel();
    this.#works.delete(taskKey(work.pool, work.taskId));
    this.#options.onFree();
  }

  /** Undefined when no answer came in time: then the claim is left to expire, and somebody else does the task. */
  async #tracked<T>(answer: Promise<T>): Promise<T | undefined> {
    this.#underWay.add(answer);
    try {
      return await answer;
    } catch {
      return undefined;
    } finally {
      this.#underWay.delete(answer);
    }
  }
}
