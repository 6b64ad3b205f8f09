import type { AskOptions } from '../../bus/query-client.ts';
import { defined } from '../../protocol/defined.ts';
import type { Task } from '../../protocol/documents.ts';
import type { Json } from '../../protocol/json.ts';
import { COMMONS } from '../../protocol/names.ts';
import type { PublicOffer } from '../../protocol/offers.ts';
import type { MemberOutcome, Outcome } from '../../protocol/outcome.ts';
import type { ReleasedClaim } from '../../protocol/outcome-data.ts';
import type { Page, QueryInput } from '../../protocol/queries.ts';
import { batchesOf } from '../core/batches.ts';
import type { ConvergeClient, SendOptions } from '../core/client.ts';
import type { Sent } from '../core/decision-channel.ts';
import type { FieldsOf, InPool } from '../core/method-options.ts';
import { undefinedIfNotFound } from '../core/not-found.ts';
import type { AnyDecisionInput, InputOf, OutcomeOf } from '../core/outcomes.ts';
import { releaseExpiredClaims } from './release-expired-claims.ts';
import {
  type CancelOptions,
  type ClaimNextOptions,
  type ClaimOptions,
  type FailOptions,
  type NewTask,
  type ReleaseOptions,
  type RenewOptions,
  type ReportOptions,
  type SubmitOptions,
  submission,
} from './task-options.ts';

/** How many tasks are submitted: in which pool, all or none, safely repeatable with an `id`. */
export interface SubmitAllOptions extends InPool, SendOptions {
  /** Each Batch of (at most 100) tasks all or none. */
  readonly atomic?: boolean | undefined;
  /** The Batches get the ids `<id>-0`, `<id>-1` …: the same call again submits nothing twice. */
  readonly id?: string | undefined;
  readonly onBehalfOf?: string | undefined;
}

/** Which tasks to list: of which pool, in which state, from which `cursor` on. */
export interface ListTasksOptions extends Omit<QueryInput<'tasks'>, 'pool'>, InPool, AskOptions {}

/**
 * Tasks and claims. Every decision resolves with its outcome; a rejection is a value. Infrastructure errors reject, as in
 * {@link ConvergeClient.decide} and {@link ConvergeClient.query}. The pool is `commons` unless the options say otherwise;
 * `epoch` left out means the claim that the agent holds now. Codes: docs/protocol.md.
 */
export class TaskManager {
  readonly #client: ConvergeClient;

  constructor(client: ConvergeClient) {
    this.#client = client;
  }

  /**
   * Submits one task. `data.taskId` names it, `data.state` says whether it waits for something.
   *
   * @example
   * const outcome = await tasks.submit({ objective: 'summarise the report', priority: 5 }, { pool: 'writers' });
   * if (isAccepted(outcome)) console.log(outcome.data.taskId);
   */
  submit(task: NewTask, options: SubmitOptions = {}): Promise<OutcomeOf<'SubmitTask'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(
      pool,
      { ...submission(task, () => this.#client.newId()), ...fields },
      { timeoutMs },
    );
  }

  /** The accepted outcome's data is the task and its claim. */
  claim(taskId: string, options: ClaimOptions = {}): Promise<OutcomeOf<'ClaimTask'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'ClaimTask', taskId, ...fields }, { timeoutMs });
  }

  /** Claims the best tasks that the agent may have, `limit` (1) of them at most. `data.tasks` may be empty. */
  claimNext(options: ClaimNextOptions = {}): Promise<OutcomeOf<'ClaimNextTask'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'ClaimNextTask', ...fields }, { timeoutMs });
  }

  /**
   * "Hand me tasks that I can do, as they come." `data.offer` is the standing offer, `data.handed` what the agent got at once. What comes
   * later stands in the outcomes of its own decisions (`data.handed`), or else in the event `task.claimed`. It has to be
   * renewed or reported before its first lease, which is short, is over.
   */
  standBy(options: FieldsOf<'StandBy'> & InPool = {}): Promise<OutcomeOf<'StandBy'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'StandBy', ...fields }, { timeoutMs });
  }

  /** Ends a standing offer. `data.unstarted` is what was handed over to it and has not been begun: take it up, or release it. */
  standDown(options: FieldsOf<'StandDown'> & InPool = {}): Promise<OutcomeOf<'StandDown'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'StandDown', ...fields }, { timeoutMs });
  }

  /** Standing offers of a pool, by agent. Undefined if there is no such pool. */
  offers({
    pool = COMMONS,
    timeoutMs,
    ...page
  }: Omit<QueryInput<'offers'>, 'pool'> & InPool & AskOptions = {}): Promise<Page<PublicOffer> | undefined> {
    return undefinedIfNotFound(this.#client.query('offers', { pool, ...page }, { timeoutMs }));
  }

  /** Extends the claim by its ttl; `progress` is between 0 and 1. */
  renew(taskId: string, options: RenewOptions = {}): Promise<OutcomeOf<'RenewClaim'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'RenewClaim', taskId, ...fields }, { timeoutMs });
  }

  /** Gives the task back: pending again, and not a failure. */
  release(taskId: string, options: ReleaseOptions = {}): Promise<OutcomeOf<'ReleaseTask'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'ReleaseTask', taskId, ...fields }, { timeoutMs });
  }

  /** Completes the task. */
  report(taskId: string, result: Json, options: ReportOptions = {}): Promise<OutcomeOf<'ReportTask'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'ReportTask', taskId, result, ...fields }, { timeoutMs });
  }

  /** Submitter, or an operator of the pool. The holder learns of it by the event and by `claim_lost` for its next decision. */
  cancelTask(taskId: string, options: CancelOptions = {}): Promise<OutcomeOf<'CancelTask'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'CancelTask', taskId, ...fields }, { timeoutMs });
  }

  /** Operators of the pool: takes the claim from its holder. No failure, no expiry. */
  forceRelease(
    taskId: string,
    options: FieldsOf<'ForceRelease', 'taskId'> & InPool = {},
  ): Promise<OutcomeOf<'ForceRelease'>> {
    const { pool = COMMONS, timeoutMs, ...fields } = options;
    return this.#client.decide(pool, { type: 'ForceRelease', taskId, ...fields }, { timeoutMs });
  }

  /** Holder: pending again while attempts remain (`retryable`, true), else failed. Submitter, operators of the pool: failed. */
  failTask(taskId: string, reason: string, options: FailOptions = {}): Promise<OutcomeOf<'FailTask'>> {
    const { pool = COMMONS, timeoutMs, agentId, onBehalfOf = agentId, ...fields } = options;
    const principal = onBehalfOf === this.#client.agent ? undefined : onBehalfOf;
    return this.#client.decide(
      pool,
      { type: 'FailTask', taskId, reason, ...fields, onBehalfOf: principal },
      { timeoutMs },
    );
  }

  /**
   * Submits any number of tasks, in order, in Batches of at most 100, and resolves with what became of each task. A
   * Batch that is rejected as a whole (`atomic`, or one task that is malformed) rejects each of its tasks with its code.
   */
  async submitAll(tasks: Iterable<NewTask>, options: SubmitAllOptions = {}): Promise<MemberOutcome[]> {
    const sent: { readonly size: number; readonly batch: Sent }[] = [];
    for (const { size, decision } of submissionBatches(this.#client, tasks, options)) {
      const batch = await this.#client.send(options.pool ?? COMMONS, decision, options);
      await batch.stored;
      sent.push({ size, batch });
    }
    const outcomes = await Promise.all(sent.map(({ batch }) => batch.outcome));
    return outcomes.flatMap((outcome, i) => memberOutcomes(outcome, sent[i]?.size ?? 0));
  }

  /**
   * Operators: returns expired claims to pending, and settles whatever else fell due by `nowTs` (log time when left out,
   * and never beyond it; milliseconds since the epoch). Resolves with the claims that ended. Needs the permission to
   * publish as `_operator`; workers do the same by themselves every second.
   */
  releaseExpiredClaims(nowTs?: number, options: SendOptions = {}): Promise<readonly ReleasedClaim[]> {
    return releaseExpiredClaims(this.#client, nowTs, options);
  }

  /** Undefined if there is no such task. */
  getTask(
    taskId: string,
    { pool = COMMONS, timeoutMs }: InPool & AskOptions = {},
  ): Promise<Task | undefined> {
    return undefinedIfNotFound(this.#client.query('task', { pool, taskId }, { timeoutMs }));
  }

  /** In order of submission; `cursor` of one page is asked for the next. */
  listTasks({ pool = COMMONS, timeoutMs, ...query }: ListTasksOptions = {}): Promise<Page<Task>> {
    return this.#client.query('tasks', { pool, ...query }, { timeoutMs });
  }

  /** Those that anyone may claim, in order of submission. */
  listPendingTasks(
    pool: string = COMMONS,
    options: Pick<ListTasksOptions, 'limit' | 'cursor' | 'timeoutMs'> = {},
  ): Promise<Page<Task>> {
    return this.listTasks({ ...options, pool, state: 'pending' });
  }

  /**
   * The pending tasks that the agent may claim, best first. Left out: the pools that it has joined, and the capabilities
   * that it has in each. As many as `limit` (100) and one answer hold; `cursor` of one page is asked for the next.
   */
  listPendingTasksForAgent(
    agentId: string = this.#client.agent,
    poolIds?: readonly string[],
    capabilities?: readonly string[],
    { limit, cursor, timeoutMs }: Pick<ListTasksOptions, 'limit' | 'cursor' | 'timeoutMs'> = {},
  ): Promise<Page<Task>> {
    return this.#client.query(
      'pending-tasks',
      {
        agent: agentId,
        ...(poolIds === undefined ? {} : { pools: [...poolIds] }),
        ...(capabilities === undefined ? {} : { capabilities: [...capabilities] }),
        ...defined({ limit, cursor }),
      },
      { timeoutMs },
    );
  }
}

function* submissionBatches(
  client: ConvergeClient,
  tasks: Iterable<NewTask>,
  { id = client.newId(), atomic, onBehalfOf }: SubmitAllOptions,
): Iterable<{ readonly size: number; readonly decision: AnyDecisionInput }> {
  let n = 0;
  for (const decisions of batchesOf(submissions(client, tasks))) {
    const decision: AnyDecisionInput = {
      id: `${id}-${n++}`,
      type: 'Batch',
      decisions,
      ...defined({ atomic }),
      onBehalfOf,
    };
    yield { size: decisions.length, decision };
  }
}

function* submissions(client: ConvergeClient, tasks: Iterable<NewTask>): Iterable<InputOf<'SubmitTask'>> {
  for (const task of tasks) yield submission(task, () => client.newId());
}

function memberOutcomes({ status, data, code, message, transient }: Outcome, size: number): MemberOutcome[] {
  if (status === 'accepted' && hasOutcomes(data)) return [...data.outcomes];
  const rejected: MemberOutcome = {
    type: 'SubmitTask',
    status: 'rejected',
    ...defined({ code, message, transient }),
  };
  return Array.from({ length: size }, () => rejected);
}

function hasOutcomes(data: unknown): data is { readonly outcomes: readonly MemberOutcome[] } {
  return typeof data === 'object' && data !== null && 'outcomes' in data && Array.isArray(data.outcomes);
}
