/** Shows the agent what has happened and what there is to do, and executes what it decides. */

import { Signal } from '../../lib/signal.ts';
import { sleep } from '../../lib/timers.ts';
import type { Task } from '../../protocol/documents.ts';
import type { ConvergeEvent } from '../../protocol/event.ts';
import { isObject } from '../../protocol/json.ts';
import { MAX_PAGE } from '../../protocol/limits.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { ConvergeClient } from '../core/client.ts';
import {
  type CustomDecision,
  type ExecutableDecision,
  type Executed,
  ExecutionInterruptedError,
  type StandardExecutor,
} from '../managers/standard-executor.ts';
import { type Claims, listOf } from './claims.ts';
import type { HeldClaim } from './held-claim.ts';
import { Mailbox } from './mailbox.ts';
import type { AgentPool } from './membership.ts';

/** What the `decide` of an agent may know and use. */
export interface DecideContext {
  readonly client: ConvergeClient;
  /**
   * What became of the decisions of the call before, in their order; after a `failure` what is known of it. Of no
   * earlier call: each outcome is shown once.
   */
  readonly outcomes: readonly Outcome[];
  /** Why the call before failed, or why not all that it decided was executed; undefined when neither was so. */
  readonly failure?: unknown;
  /** Aborted when the agent stops. */
  readonly signal: AbortSignal;
}

/**
 * Chooses what to do. `messages`: the events of the agent's pools since the call before, in order per pool. `tasks`: the
 * pending tasks that the agent may claim, best first. Decisions that name no pool go to the agent's first one. What it
 * throws is told to `onError`; the messages of that call do not come again.
 */
export type Decide<C extends CustomDecision = never> = (
  messages: readonly ConvergeEvent[],
  tasks: readonly Task[],
  context: DecideContext,
) => readonly ExecutableDecision<C>[] | Promise<readonly ExecutableDecision<C>[]>;

export interface DecideLoopOptions<C extends CustomDecision> {
  readonly client: ConvergeClient;
  readonly places: readonly AgentPool[];
  readonly decide: Decide<C>;
  readonly executor: StandardExecutor<C>;
  readonly claims: Claims;
  readonly pollMs: number;
  readonly maxMessages: number;
  readonly maxTasks: number;
  readonly onClaimed: (claim: HeldClaim) => void;
  readonly onError: (error: unknown) => void;
}

export class DecideLoop<C extends CustomDecision> {
  readonly #options: DecideLoopOptions<C>;
  readonly #mailbox: Mailbox;
  readonly #changed = new Signal();
  readonly #stop = new AbortController();
  #before: Pick<DecideContext, 'outcomes' | 'failure'> = { outcomes: [] };
  #isAborted = false;

  constructor(options: DecideLoopOptions<C>) {
    this.#options = options;
    this.#mailbox = new Mailbox(options.maxMessages);
    this.#changed.notify();
  }

  /** Resolves when there is room for the next event. */
  noticed(event: ConvergeEvent): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve();
    const room = this.#mailbox.put(event);
    this.#changed.notify();
    return room;
  }

  stop(): void {
    this.#stop.abort();
    this.#changed.notify();
    // A sender that waits for room has nothing more to deliver.
    this.#mailbox.takeAll();
  }

  /** Decisions of a call that is still under way are no longer executed. */
  abort(): void {
    this.#isAborted = true;
  }

  /** Resolves when stopped and the call that was under way has ended. */
  async run(): Promise<void> {
    const { pollMs, onError } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#changed.next(pollMs);
      try {
        await this.#decideOnce();
      } catch (error) {
        if (signal.aborted) return;
        onError(error);
        await sleep(pollMs, signal).catch(() => undefined);
      }
    }
  }

  async #decideOnce(): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    const tasks = await this.#visibleTasks();
    if (signal.aborted) return;
    const before = this.#before;
    this.#before = { outcomes: [] };
    try {
      const outcomes = await this.#decideAndExecute(tasks, before);
      this.#before = { outcomes };
    } catch (failure) {
      const known = failure instanceof ExecutionInterruptedError ? failure.outcomes : [];
      this.#before = { outcomes: known.filter((outcome) => outcome !== undefined), failure };
      throw failure;
    }
  }

  /** Best first; of the topics that the agent works on in each pool. */
  async #visibleTasks(): Promise<readonly Task[]> {
    const { client, places, maxTasks } = this.#options;
    const topicsOf = new Map(places.map(({ pool, topics }) => [pool, topics]));
    const isChoosy = places.some(({ topics }) => topics !== undefined);
    const isWanted = ({ pool, topic }: Task): boolean => {
      const topics = topicsOf.get(pool);
      return topics === undefined || (topic !== undefined && topics.includes(topic));
    };
    const shown: Task[] = [];
    let cursor: string | undefined;
    // A page ends by its bytes, too. Others' topics are passed over here: then more are looked at than are shown.
    for (let looked = 0, most = isChoosy ? Math.max(MAX_PAGE, maxTasks) : maxTasks; looked < most; ) {
      const limit = Math.min(MAX_PAGE, most - looked);
      const query = { agent: client.agent, pools: [...topicsOf.keys()], limit, cursor };
      const page = await client.query('pending-tasks', query);
      looked += page.items.length;
      for (const task of page.items) if (isWanted(task) && shown.length < maxTasks) shown.push(task);
      cursor = page.cursor;
      if (cursor === undefined || shown.length >= maxTasks || this.#stop.signal.aborted) break;
    }
    return shown;
  }

  async #decideAndExecute(
    tasks: readonly Task[],
    before: Pick<DecideContext, 'outcomes' | 'failure'>,
  ): Promise<readonly Outcome[]> {
    const { client, decide, executor } = this.#options;
    const { signal } = this.#stop;
    const decisions = await decide(this.#mailbox.takeAll(), tasks, { client, signal, ...before });
    if (this.#isAborted) return [];
    return await executor.execute(decisions, { onOutcome: (executed) => this.#decided(executed) });
  }

  /** Keeps track of the claims that the agent's own decisions take and end. */
  #decided({ decision, outcome, sentAt }: Executed<C>): void {
    if (outcome.status !== 'accepted') return;
    const { pool, at } = outcome;
    const told = { at, askedAt: sentAt };
    if (decision.type !== 'Batch') this.#take(decision, pool, outcome.data, told);
    const members = listOf(decision, 'decisions');
    const principal = isObject(decision) ? decision.onBehalfOf : undefined;
    for (const [i, member] of listOf(outcome.data, 'outcomes').entries()) {
      if (isObject(member) && member.status === 'accepted')
        this.#take(members[i], pool, member.data, told, principal);
    }
  }

  /** `principal`: for whom the Batch is decided, where a member does not say otherwise. */
  #take(
    decision: unknown,
    pool: string,
    data: unknown,
    told: { at: number; askedAt: number },
    principal?: unknown,
  ): void {
    if (!isObject(decision)) return;
    const { claims, client, onClaimed } = this.#options;
    const { onBehalfOf = principal ?? client.agent } = decision;
    // A claim that was taken for someone else is theirs to keep.
    if (onBehalfOf !== client.agent) return;
    for (const claim of claims.accepted(String(decision.type), pool, decision, data, told)) onClaimed(claim);
  }
}
