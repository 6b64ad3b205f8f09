import { DecisionRejectedError } from '../../lib/errors.ts';
import { Periodic } from '../../lib/periodic.ts';
import { COMMONS } from '../../protocol/names.ts';
import { isRejected } from '../core/outcomes.ts';
import type { PoolManager } from '../managers/pool-manager.ts';

/** A pool that the agent works in. */
export interface AgentPool {
  readonly pool: string;
  /** Capabilities of the agent in the pool: it cannot claim tasks that require others. */
  readonly capabilities?: readonly string[] | undefined;
  /** For pools that admit by token. */
  readonly token?: string | undefined;
  /** The agent is removed, and its claims are given back, when it is not heard from for so long. It sees to that. */
  readonly presenceMs?: number | undefined;
  /** Claim only tasks of these topics. */
  readonly topics?: readonly string[] | undefined;
}

export interface MembershipOptions {
  readonly pools: PoolManager;
  readonly place: AgentPool;
  readonly onError: (error: unknown) => void;
}

/** Being in a pool: joining it, being heard from, and joining again where that did not succeed. */
export class Membership {
  readonly #options: MembershipOptions;
  #beats: Periodic | undefined;
  #hasEnded = false;
  /** The refusal that was told last: the same one is not told with every beat. */
  #toldCode: string | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Throws a {@link DecisionRejectedError} when the pool does not let the agent in. */
  async begin(): Promise<void> {
    const { presenceMs } = this.#options.place;
    if (!this.#isMemberAnyway()) await this.#join();
    if (presenceMs !== undefined && !this.#hasEnded) {
      const everyMs = Math.max(1, Math.floor(presenceMs / 3));
      // While one is not answered, another one would not be either: it is left out.
      this.#beats = new Periodic({ everyMs, run: () => this.#beat(), onError: this.#options.onError });
      this.#beats.start();
    }
  }

  /** From here on the agent is neither heard from nor joins again. */
  end(): void {
    this.#hasEnded = true;
    void this.#beats?.stop();
  }

  /** The agent was told that it is not a member: joins again. */
  async restore(): Promise<void> {
    if (this.#hasEnded) return;
    try {
      await this.#join();
    } catch (error) {
      this.#options.onError(error);
    }
  }

  /** In `commons` everyone is a member; joining it only states capabilities or presence. */
  #isMemberAnyway(): boolean {
    const { pool, capabilities, presenceMs } = this.#options.place;
    return pool === COMMONS && capabilities === undefined && presenceMs === undefined;
  }

  async #join(): Promise<void> {
    const { pool, capabilities, token, presenceMs } = this.#options.place;
    const outcome = await this.#options.pools.joinPool(pool, {
      ...(capabilities === undefined ? {} : { capabilities: [...capabilities] }),
      token,
      presenceMs,
    });
    if (isRejected(outcome)) {
      throw new DecisionRejectedError(outcome.code, outcome.message ?? `could not join pool ${pool}`);
    }
  }

  async #beat(): Promise<void> {
    const { pools, place, onError } = this.#options;
    const outcome = await pools.heartbeat(place.pool, { timeoutMs: place.presenceMs });
    if (!isRejected(outcome)) this.#toldCode = undefined;
    else if (outcome.code === 'not_a_member') await this.restore();
    else if (outcome.code !== this.#toldCode) {
      this.#toldCode = outcome.code;
      onError(
        new DecisionRejectedError(
          outcome.code,
          `could not send a heartbeat in pool ${place.pool}: ${outcome.message}`,
        ),
      );
    }
  }
}
