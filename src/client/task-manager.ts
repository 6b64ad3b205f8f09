import type { AskOptions } from '../bus/query-client.ts';
import type { Task } from '../protocol/documents.ts';
import { COMMONS } from '../protocol/names.ts';
import type { MemberOutcome, Outcome } from '../protocol/outcome.ts';
import type { Page, QueryInput } from '../protocol/queries.ts';
import { batchesOf } from './batches.ts';
import type { ConvergeClient, SendOptions } from './client.ts';
import type { Published, Sent } from './decision-channel.ts';
import { undefinedIfNotFound } from './not-found.ts';
import type { AnyDecisionInput, InputOf, ReleasedClaim } from './outcomes.ts';
import { releaseExpiredClaims } from './release-expired-claims.ts';
import type { InPool } from './sender.ts';
import { type NewTask, submission, TaskDecisions } from './task-decisions.ts';

export interface SubmitAllOptions extends InPool, SendOptions {
  /** Each Batch of (at most 100) tasks all or none. */
  readonly atomic?: boolean | undefined;
  /** The Batches get the ids `<id>-0`, `<id>-1` …: the same call again submits nothing twice. */
  readonly id?: string | undefined;
  readonly onBehalfOf?: string | undefined;
}

export interface ListTasksOptions extends Omit<QueryInput<'tasks'>, 'pool'>, InPool, AskOptions {}

/**
 * Tasks and claims. Every decision resolves with its outcome; a rejection is a value. Infrastructure errors reject, as in
 * {@link ConvergeClient.decide} and {@link ConvergeClient.query}.
 */
export class TaskManager extends TaskDecisions<'outcome'> {
  /** The same decisions without waiting for the outcome. */
  readonly publishing: TaskPublishing;
  readonly #client: ConvergeClient;

  constructor(client: ConvergeClient) {
    super({
      send: (pool, decision, options) => client.decide(pool, decision, options),
      agent: client.agent,
      newId: () => client.newId(),
    });
    this.#client = client;
    this.publishing = new TaskPublishing(client);
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
        ...(limit === undefined ? {} : { limit }),
        ...(cursor === undefined ? {} : { cursor }),
      },
      { timeoutMs },
    );
  }
}

/** Decisions about tasks that resolve as soon as the log has them. */
export class TaskPublishing extends TaskDecisions<'published'> {
  readonly #client: ConvergeClient;

  constructor(client: ConvergeClient) {
    super({
      send: (pool, decision, options) => client.publish(pool, decision, options),
      agent: client.agent,
      newId: () => client.newId(),
    });
    this.#client = client;
  }

  /** Resolves with one answer per Batch. */
  async submitAll(tasks: Iterable<NewTask>, options: SubmitAllOptions = {}): Promise<Published[]> {
    const published: Published[] = [];
    for (const { decision } of submissionBatches(this.#client, tasks, options)) {
      published.push(await this.#client.publish(options.pool ?? COMMONS, decision, options));
    }
    return published;
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
      ...(atomic === undefined ? {} : { atomic }),
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
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    ...(transient === undefined ? {} : { transient }),
  };
  return Array.from({ length: size }, () => rejected);
}

function hasOutcomes(data: unknown): data is { readonly outcomes: readonly MemberOutcome[] } {
  return typeof data === 'object' && data !== null && 'outcomes' in data && Array.isArray(data.outcomes);
}
