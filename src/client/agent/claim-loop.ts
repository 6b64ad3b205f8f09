/** Claims the next tasks whenever there is a free place to work on them. */

import { DecisionRejectedError } from '../../lib/errors.ts';
import { Signal } from '../../lib/signal.ts';
import type { ConvergeEvent } from '../../protocol/event.ts';
import { isObject } from '../../protocol/json.ts';
import { MAX_CLAIMS_AT_ONCE } from '../../protocol/limits.ts';
import { least } from '../../protocol/lists.ts';
import type { ConvergeClient } from '../core/client.ts';
import { isAccepted, type OutcomeOf, retryAfterMs } from '../core/outcomes.ts';
import type { TaskManager } from '../managers/task-manager.ts';
import type { Claims } from './claims.ts';
import type { AgentPool, Membership } from './membership.ts';
import type { WorkBench } from './work-bench.ts';

/** Events after which a task may be there to be claimed. */
const OPPORTUNITIES: ReadonlySet<string> = new Set([
  'converge.task.unblocked',
  'converge.task.released',
  'converge.task.expired',
  'converge.task.retried',
  'converge.pool.resumed',
]);

/** After a claim that found nothing the next one waits so long, and twice as long each time, up to `pollMs`. */
const FIRST_PAUSE_MS = 5;

/** One pool, and whether it is worth asking. */
interface Spot {
  readonly place: AgentPool;
  readonly membership: Membership;
  /** Nothing is known that speaks against a task being there. */
  mayHaveTasks: boolean;
  emptyInARow: number;
  notBefore: number;
  /** A claim whose outcome is not known: the very same asked again, with the same id, takes nothing twice. */
  open: { readonly id: string; readonly askedAt: number; readonly limit: number } | undefined;
}

export interface ClaimLoopOptions {
  readonly client: ConvergeClient;
  readonly tasks: TaskManager;
  readonly claims: Claims;
  readonly bench: WorkBench;
  readonly memberships: readonly { readonly place: AgentPool; readonly membership: Membership }[];
  readonly pollMs: number;
  readonly claimTtlMs: number | undefined;
  readonly onError: (error: unknown) => void;
}

export class ClaimLoop {
  readonly #options: ClaimLoopOptions;
  readonly #spots: readonly Spot[];
  readonly #changed = new Signal();
  #nextSpot = 0;
  #nextPoll = 0;
  #isStopped = false;

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
    this.#spots = options.memberships.map(({ place, membership }) => ({
      place,
      membership,
      mayHaveTasks: true,
      emptyInARow: 0,
      notBefore: 0,
      open: undefined,
    }));
  }

  /** Something happened in a pool. */
  noticed(pool: string, { type, data }: ConvergeEvent): void {
    const isNewTask = type === 'converge.task.submitted' && isObject(data) && data.state === 'pending';
    if (!isNewTask && !OPPORTUNITIES.has(type)) return;
    for (const spot of this.#spots) if (spot.place.pool === pool) spot.mayHaveTasks = true;
    this.#changed.notify();
  }

  /** There is room to work. */
  wake(): void {
    this.#changed.notify();
  }

  stop(): void {
    this.#isStopped = true;
    this.#changed.notify();
  }

  /** Resolves when stopped. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      const now = performance.now();
      if (now >= this.#nextPoll) this.#askEverywhere(now);
      const spot = this.#options.bench.free > 0 ? this.#promisingSpot(now) : undefined;
      if (spot === undefined) await this.#changed.next(this.#nextLook() - now);
      else await this.#claim(spot);
    }
  }

  #askEverywhere(now: number): void {
    this.#nextPoll = now + this.#options.pollMs;
    for (const spot of this.#spots) spot.mayHaveTasks = true;
  }

  /** In turn, so that no pool is left waiting by the others. */
  #promisingSpot(now: number): Spot | undefined {
    for (let i = 0; i < this.#spots.length; i++) {
      const index = (this.#nextSpot + i) % this.#spots.length;
      const spot = this.#spots[index];
      if (spot?.mayHaveTasks === true && spot.notBefore <= now) {
        this.#nextSpot = index + 1;
        return spot;
      }
    }
    return undefined;
  }

  #nextLook(): number {
    if (this.#options.bench.free === 0) return this.#nextPoll;
    const waiting = this.#spots.filter(({ mayHaveTasks }) => mayHaveTasks).map(({ notBefore }) => notBefore);
    return Math.min(this.#nextPoll, least(waiting) ?? this.#nextPoll);
  }

  async #claim(spot: Spot): Promise<void> {
    const { client, tasks, bench, claimTtlMs, pollMs, onError } = this.#options;
    const { pool, topics } = spot.place;
    spot.open ??= {
      id: client.newId(),
      askedAt: performance.now(),
      limit: Math.min(bench.free, MAX_CLAIMS_AT_ONCE),
    };
    const { id, askedAt, limit } = spot.open;
    // Before asking: whatever is noticed from now on may be later than the answer.
    spot.mayHaveTasks = false;
    try {
      const outcome = await tasks.claimNext({
        pool,
        id,
        limit,
        claimTtlMs,
        ...(topics === undefined ? {} : { topics: [...topics] }),
      });
      spot.open = undefined;
      await this.#answered(spot, outcome, askedAt, limit);
    } catch (error) {
      spot.mayHaveTasks = true;
      spot.notBefore = performance.now() + pollMs;
      onError(error);
    }
  }

  async #answered(
    spot: Spot,
    outcome: OutcomeOf<'ClaimNextTask'>,
    askedAt: number,
    limit: number,
  ): Promise<void> {
    const { claims, bench, onError } = this.#options;
    if (!isAccepted(outcome)) {
      if (outcome.code === 'not_a_member') await spot.membership.restore();
      else if (outcome.transient !== true && outcome.code !== 'pool_closed') {
        onError(new DecisionRejectedError(outcome.code, outcome.message ?? ''));
      }
      this.#foundNothing(spot, retryAfterMs(outcome));
      return;
    }
    const found = outcome.data.tasks;
    for (const task of found) {
      const claim = claims.hold(spot.place.pool, task, { at: outcome.at, askedAt });
      if (claim !== undefined) bench.take(claim);
    }
    if (found.length === 0) return this.#foundNothing(spot);
    spot.emptyInARow = 0;
    spot.notBefore = 0;
    if (found.length >= limit) spot.mayHaveTasks = true;
  }

  /** Where the system says when to come again, not before. */
  #foundNothing(spot: Spot, retryAfter = 0): void {
    const pause = Math.max(
      retryAfter,
      Math.min(FIRST_PAUSE_MS * 2 ** spot.emptyInARow, this.#options.pollMs),
    );
    spot.emptyInARow = Math.min(spot.emptyInARow + 1, 20);
    spot.notBefore = performance.now() + pause;
  }
}
