/** How an agent gives back what it holds and leaves its pools: insisting, and telling what it could not do. */
import { DecisionRejectedError, UnavailableError } from '../../lib/errors.ts';
import type { ConvergeClient } from '../core/client.ts';
import { insist, isAboutTheClaim } from '../core/insist.ts';
import { type AnyOutcome, isRejected } from '../core/outcomes.ts';
import type { PoolManager } from '../managers/pool-manager.ts';
import type { TaskManager } from '../managers/task-manager.ts';
import type { HeldClaim } from './held-claim.ts';

export interface FarewellOptions {
  readonly client: ConvergeClient;
  readonly tasks: TaskManager;
  readonly pools: PoolManager;
  /** Told what was not given back or left, and why. */
  readonly onError: (error: unknown) => void;
}

/** How long each is tried: at a quota some take their time. */
const WITHIN_MS = 10_000;

export class Farewell {
  readonly #options: FarewellOptions;
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: FarewellOptions) {
    this.#options = options;
  }

  /** The claim is over here at once; for the others when this resolves. */
  async giveBack(claim: HeldClaim): Promise<void> {
    if (claim.hasEnded) return;
    const { tasks } = this.#options;
    const { pool, task } = claim;
    claim.lose('the agent gives it back');
    const about = { pool, epoch: task.claim.epoch, timeoutMs: WITHIN_MS };
    await this.#seeTo(
      `could not give back task ${task.taskId} of pool ${pool}`,
      (id) => tasks.release(task.taskId, { ...about, id }),
      isAboutTheClaim,
    );
  }

  async leave(pool: string): Promise<void> {
    const { pools } = this.#options;
    await this.#seeTo(
      `could not leave pool ${pool}`,
      (id) => pools.leavePool(pool, { id, timeoutMs: WITHIN_MS }),
      (code) => code === 'not_a_member' || code === 'pool_not_found',
    );
  }

  /** Resolves when nothing of it is under way. */
  async done(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #seeTo(
    failing: string,
    decide: (id: string) => Promise<AnyOutcome>,
    isDoneAnyway: (code: string) => boolean,
  ): Promise<void> {
    const seen = this.#try(failing, decide, isDoneAnyway).catch((error) => this.#options.onError(error));
    this.#underWay.add(seen);
    await seen.finally(() => this.#underWay.delete(seen));
  }

  async #try(
    failing: string,
    decide: (id: string) => Promise<AnyOutcome>,
    isDoneAnyway: (code: string) => boolean,
  ): Promise<void> {
    const deadline = performance.now() + WITHIN_MS;
    const goOn = (): boolean => performance.now() < deadline;
    // Said once, at the end: what is tried again is not worth telling.
    const onError = (): void => undefined;
    const outcome = await insist({ client: this.#options.client, goOn, onError }, decide);
    if (outcome === undefined) throw new UnavailableError(`${failing}: no outcome within ${WITHIN_MS} ms`);
    if (!isRejected(outcome) || isDoneAnyway(outcome.code)) return;
    throw new DecisionRejectedError(outcome.code, `${failing}: ${outcome.message ?? 'no reason given'}`);
  }
}
