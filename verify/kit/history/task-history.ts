/**
 * What may happen to a task, judged from its events alone and written down a second time here: a checker that shared
 * the rules with the system would share their faults.
 */
import type { EventPlace } from './event-order.ts';
import type { SeenEvent } from './seen-event.ts';
import type { Report } from './violation.ts';

type Final = 'completed' | 'failed' | 'cancelled';

interface Claim {
  readonly agent: string;
  readonly epoch: number;
  expiresAt: number;
}

interface TaskRecord {
  readonly dependsOn: readonly string[];
  state: 'waiting' | 'pending' | 'held' | Final;
  claim: Claim | undefined;
  epoch: number;
}

export class TaskHistory {
  readonly #report: Report;
  readonly #tasks = new Map<string, TaskRecord>();
  /** Completed tasks that were removed: others may still wait for a claim that depends on them. */
  readonly #completedBefore = new Set<string>();
  readonly #isPaused: (pool: string) => boolean;
  #claims = 0;
  #expired = 0;
  #retried = 0;

  constructor(report: Report, isPaused: (pool: string) => boolean = () => false) {
    this.#report = report;
    this.#isPaused = isPaused;
  }

  /** How the tasks stand, and how often claims were taken and expired. */
  summary(): Readonly<Record<Final | 'unfinished' | 'claims' | 'expired' | 'retried', number>> {
    const counts = { completed: 0, failed: 0, cancelled: 0, unfinished: 0 };
    for (const { state } of this.#tasks.values()) counts[isFinal(state) ? state : 'unfinished']++;
    return { ...counts, claims: this.#claims, expired: this.#expired, retried: this.#retried };
  }

  stateOf(pool: string, taskId: string): string | undefined {
    return this.#tasks.get(`${pool}/${taskId}`)?.state;
  }

  #isCompleted(pool: string, taskId: string): boolean {
    return this.stateOf(pool, taskId) === 'completed' || this.#completedBefore.has(`${pool}/${taskId}`);
  }

  follow(event: SeenEvent, place: EventPlace): void {
    const taskId = event.subject.slice('task/'.length);
    const key = `${place.pool}/${taskId}`;
    const verb = event.type.slice('converge.task.'.length);
    const task = this.#tasks.get(key);
    if (verb === 'submitted') this.#submit(key, task, event);
    else if (task === undefined) this.#report('unknown_task', key, `${event.id}: ${verb}`);
    else if (verb === 'removed') this.#remove(key, task, event);
    else if (isFinal(task.state)) {
      this.#report('changed_after_final', key, `${event.id}: ${verb} after ${task.state}`);
    } else this.#change(key, task, verb, event, place);
  }

  #submit(key: string, known: TaskRecord | undefined, { id, data }: SeenEvent): void {
    if (known !== undefined) {
      this.#report('submitted_twice', key, id);
      return;
    }
    const dependsOn = Array.isArray(data.dependsOn) ? data.dependsOn.map(String) : [];
    const state = data.state === 'pending' ? 'pending' : 'waiting';
    this.#tasks.set(key, { dependsOn, state, claim: undefined, epoch: 0 });
  }

  #remove(key: string, { state }: TaskRecord, { id }: SeenEvent): void {
    if (!isFinal(state)) this.#report('removed_unfinished', key, `${id}: it is ${state}`);
    if (state === 'completed') this.#completedBefore.add(key);
    this.#tasks.delete(key);
  }

  #change(key: string, task: TaskRecord, verb: string, event: SeenEvent, place: EventPlace): void {
    switch (verb) {
      case 'unblocked':
        task.state = event.data.state === 'pending' ? 'pending' : 'waiting';
        break;
      case 'claimed':
        this.#claim(key, task, event, place);
        break;
      case 'renewed':
        this.#byLiveHolder(key, task, event, place);
        if (task.claim !== undefined) task.claim.expiresAt = numberOf(event, 'expiresAt');
        break;
      case 'expired':
        this.#expire(key, task, event, place);
        break;
      case 'released':
        // Who leaves the pool, or is taken away its claim, gives it back without a word of its own.
        if (event.data.why === 'released') this.#byLiveHolder(key, task, event, place);
        else this.#isHolder(key, task, event);
        give(task, 'pending');
        break;
      case 'retried':
        this.#retried++;
        this.#byLiveHolder(key, task, event, place);
        give(task, numberOf(event, 'readyAt') > place.at ? 'waiting' : 'pending');
        break;
      case 'completed':
        this.#byLiveHolder(key, task, event, place);
        give(task, 'completed');
        break;
      case 'failed':
      case 'cancelled':
        // By the holder, or by somebody who may over a holder's head: then the event names the claim that it ends.
        if (task.claim !== undefined || event.data.epoch !== undefined) this.#isHolder(key, task, event);
        give(task, verb);
        break;
      default:
        this.#report('malformed_event', key, `${event.id}: ${event.type}`);
    }
  }

  #claim(key: string, task: TaskRecord, event: SeenEvent, { pool, at }: EventPlace): void {
    this.#claims++;
    const epoch = numberOf(event, 'epoch');
    const agent = String(event.data.agent);
    if (task.claim !== undefined) {
      const { agent: holder, epoch: held } = task.claim;
      this.#report(
        'second_holder',
        key,
        `${event.id}: claimed by ${agent} while ${holder} holds claim ${held}`,
      );
    } else if (task.state !== 'pending') {
      this.#report('not_pending', key, `${event.id}: claimed while ${task.state}`);
    }
    if (!(epoch > task.epoch)) {
      this.#report('epoch_not_rising', key, `${event.id}: claim ${epoch} after ${task.epoch}`);
    }
    if (this.#isPaused(pool)) this.#report('claimed_while_paused', key, `${event.id}: by ${agent}`);
    if (numberOf(event, 'expiresAt') <= at) this.#report('over_at_once', key, `${event.id}: by ${agent}`);
    const open = task.dependsOn.find((id) => !this.#isCompleted(pool, id));
    if (open !== undefined) this.#report('dependency_unfinished', key, `${event.id}: before ${open}`);
    task.state = 'held';
    task.epoch = Math.max(task.epoch, epoch);
    task.claim = { agent, epoch, expiresAt: numberOf(event, 'expiresAt') };
  }

  #expire(key: string, task: TaskRecord, event: SeenEvent, { at }: EventPlace): void {
    this.#expired++;
    const { claim } = task;
    if (this.#isHolder(key, task, event) && claim !== undefined && at < claim.expiresAt) {
      this.#report('expired_early', key, `${event.id}: ${claim.expiresAt - at} ms before its time`);
    }
    give(task, 'pending');
  }

  /** What only the holder can say, and only while its claim lasts. */
  #byLiveHolder(key: string, task: TaskRecord, event: SeenEvent, { at }: EventPlace): void {
    if (!this.#isHolder(key, task, event) || task.claim === undefined) return;
    const { agent, expiresAt } = task.claim;
    if (at >= expiresAt) {
      this.#report('claim_over', key, `${event.id}: ${event.type} ${at - expiresAt} ms after its end`);
    }
    if (event.actor !== agent && event.principal !== agent) {
      this.#report('not_the_holder', key, `${event.id}: ${event.actor} spoke for ${agent}`);
    }
  }

  #isHolder(key: string, { claim }: TaskRecord, { id, type, data }: SeenEvent): boolean {
    if (claim !== undefined && data.agent === claim.agent && data.epoch === claim.epoch) return true;
    const holder = claim === undefined ? 'nobody holds it' : `${claim.agent} holds claim ${claim.epoch}`;
    const named = `${String(data.agent)}'s claim ${String(data.epoch)}`;
    this.#report('not_the_holder', key, `${id}: ${type} of ${named}, but ${holder}`);
    return false;
  }
}

/** Nobody holds it any more. */
function give(task: TaskRecord, state: 'waiting' | 'pending' | Final): void {
  task.state = state;
  task.claim = undefined;
}

function isFinal(state: TaskRecord['state']): state is Final {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}

function numberOf({ data }: SeenEvent, field: string): number {
  const value = data[field];
  return typeof value === 'number' ? value : Number.NaN;
}
