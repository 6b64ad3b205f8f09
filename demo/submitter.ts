/** Owns the pools, submits every task at its time and in order, and cancels those that it does not want any more. */
import { ConvergeClient } from '../src/client/core/client.ts';
import { acceptedOrThrow } from '../src/client/core/outcomes.ts';
import { sleep } from '../src/lib/timers.ts';
import { isObject } from '../src/protocol/json.ts';
import { MAX_BATCH } from '../src/protocol/limits.ts';
import type { Outcome } from '../src/protocol/outcome.ts';
import type { Access } from '../verify/kit/system/access.ts';
import type { PlannedTask, Workload } from './workload.ts';

export interface SubmitterOptions {
  readonly natsUrl: string;
  readonly namespace: string;
  readonly shards: number;
  readonly access: Access;
  readonly workload: Workload;
}

/** Who submits: a name that none of the agents has. */
export function submitterOf({ agents }: Workload): string {
  return nameBeside(agents.map(({ name }) => name));
}

const EVERY_MS = 40;
const LONGEST_TICK_MS = 200;
/** How long an outcome may take before no more is submitted. */
const ANSWER_WITHIN_MS = 1_000;
const DECISION_TIMEOUT_MS = 60_000;
/** What happens to claims must not decide how a task ends: however often they expire, it is not abandoned. */
const MAX_EXPIRIES = 1_000;

export class Submitter {
  readonly #client: ConvergeClient;
  readonly #workload: Workload;
  /** When the batches were sent of which the outcome is not known yet, oldest first. */
  readonly #unanswered = new Set<number>();
  readonly #answers: Promise<void>[] = [];
  #isClosed = false;

  static async open({ natsUrl, namespace, shards, access, workload }: SubmitterOptions): Promise<Submitter> {
    const agent = submitterOf(workload);
    const client = await ConvergeClient.connect({
      agent,
      url: natsUrl,
      namespace,
      shards,
      timeoutMs: DECISION_TIMEOUT_MS,
      credentials: access.credentialsOf(agent),
    });
    return new Submitter(client, workload);
  }

  private constructor(client: ConvergeClient, workload: Workload) {
    this.#client = client;
    this.#workload = workload;
  }

  async createPools(): Promise<void> {
    const { pools, claimTtlMs } = this.#workload;
    const defaults = { claimTtlMs, maxExpiries: MAX_EXPIRIES };
    await Promise.all(
      pools.map(async (pool) =>
        acceptedOrThrow(await this.#client.decide(pool, { type: 'CreatePool', defaults })),
      ),
    );
  }

  /** Resolves when every task is submitted and every task to be cancelled is; rejects when one is not taken. */
  async run(): Promise<void> {
    const waiting = [...this.#workload.tasks];
    let playedMs = 0;
    let tickedAt = performance.now();
    while (waiting.length > 0 && !this.#isClosed) {
      const next = waiting.findIndex(({ submitAtMs }) => submitAtMs > playedMs);
      await this.#submit(waiting.splice(0, next === -1 ? waiting.length : next));
      await sleep(EVERY_MS);
      const now = performance.now();
      if (!this.#isBehind(now)) playedMs += Math.min(now - tickedAt, LONGEST_TICK_MS);
      tickedAt = now;
    }
    await Promise.all(this.#answers);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#client.close();
  }

  /** The play stands still while the system, or the machine below it, cannot keep up. */
  #isBehind(now: number): boolean {
    const [oldest = now] = this.#unanswered;
    return now - oldest > ANSWER_WITHIN_MS;
  }

  async #submit(tasks: readonly PlannedTask[]): Promise<void> {
    const pools = [...new Set(tasks.map(({ pool }) => pool))];
    await Promise.all(
      pools.map((pool) =>
        this.#submitTo(
          pool,
          tasks.filter((task) => task.pool === pool),
        ),
      ),
    );
  }

  /** One batch after the other, so that the pool has them in order. */
  async #submitTo(pool: string, tasks: readonly PlannedTask[]): Promise<void> {
    for (let i = 0; i < tasks.length; i += MAX_BATCH) {
      const batch = tasks.slice(i, i + MAX_BATCH);
      const sent = await this.#client.send(pool, { type: 'Batch', decisions: batch.map(submission) });
      await sent.stored;
      this.#expect(batch, sent.outcome);
    }
  }

  #expect(batch: readonly PlannedTask[], answer: Promise<Outcome>): void {
    const sentAt = performance.now();
    this.#unanswered.add(sentAt);
    const answered = () => void this.#unanswered.delete(sentAt);
    answer.then(answered, answered);
    const done = this.#onSubmitted(batch, answer);
    done.catch(() => undefined);
    this.#answers.push(done);
  }

  async #onSubmitted(batch: readonly PlannedTask[], answer: Promise<Outcome>): Promise<void> {
    const { data } = acceptedOrThrow(await answer);
    for (const refused of refusedIn(data)) throw new Error(`a task was not taken: ${refused}`);
    const unwanted = batch.filter(({ cancelAfterMs }) => cancelAfterMs !== undefined);
    await Promise.all(unwanted.map((task) => this.#cancel(task)));
  }

  async #cancel({ pool, taskId, cancelAfterMs }: PlannedTask): Promise<void> {
    await sleep(cancelAfterMs ?? 0);
    if (this.#isClosed) return;
    const reason = 'nobody needs it any more';
    const outcome = await this.#client.decide(pool, { type: 'CancelTask', taskId, reason });
    // What it depends on may have failed before; then it was cancelled with that.
    if (outcome.status === 'rejected' && outcome.code !== 'already_final') acceptedOrThrow(outcome);
  }
}

function submission({ taskId, objective, requires, priority, dependsOn, plan }: PlannedTask) {
  return {
    type: 'SubmitTask' as const,
    taskId,
    objective,
    inputs: { ...plan },
    requiredCapabilities: requires.map((entry) => (typeof entry === 'string' ? entry : [...entry])),
    priority,
    dependsOn: [...dependsOn],
  };
}

/** What the outcome of a Batch says of members that were not accepted. */
function refusedIn(data: unknown): string[] {
  const members = isObject(data) && Array.isArray(data.outcomes) ? data.outcomes : [];
  return members.flatMap((member: unknown) =>
    isObject(member) && member.status !== 'accepted'
      ? [`${String(member.code)}: ${String(member.message)}`]
      : [],
  );
}

/** A name that none of the agents has. */
function nameBeside(names: readonly string[]): string {
  let name = 'submitter';
  for (let i = 2; names.includes(name); i++) name = `submitter-${i}`;
  return name;
}
