/** Writes histories for the checker: a clean one, as the system would tell it, in which a test plants its fault. */

import { type ConvergeEvent, eventId, formatSequence } from '../../src/protocol/event.ts';
import type { Outcome } from '../../src/protocol/outcome.ts';
import type { HistoryChecker } from '../../verify/kit/history/history-checker.ts';

export type Told =
  | { readonly event: ConvergeEvent; readonly outcome?: undefined }
  | { readonly outcome: Outcome; readonly event?: undefined };

export interface Happening {
  readonly type: string;
  readonly id: string;
  readonly data?: { readonly [field: string]: unknown };
}

const POOL = 'commons';
const SHARD = 3;
const START = 1_700_000_000_000;
export const TTL_MS = 1_000;

export class History {
  readonly told: Told[] = [];
  #seq = 0;
  #number = 0;
  #now = START;

  /** Log time: milliseconds since the epoch. */
  get now(): number {
    return this.#now;
  }

  wait(ms: number): this {
    this.#now += ms;
    return this;
  }

  /** One decision with its outcome and its events. */
  decision(agent: string, type: string, happened: readonly Happening[], fields: Partial<Outcome> = {}): this {
    this.#seq++;
    this.#now++;
    const decisionId = `d-${this.#seq}`;
    const events = happened.map((happening, n) => this.#event(agent, decisionId, n, happening));
    const outcome: Outcome = {
      decisionId,
      type,
      agent,
      pool: POOL,
      body: 'b'.repeat(22),
      status: 'accepted',
      events: events.map(({ id }) => id),
      shard: SHARD,
      seq: this.#seq,
      at: this.#now,
      ...fields,
    };
    this.told.push({ outcome }, ...events.map((event) => ({ event })));
    return this;
  }

  submit(taskId: string, dependsOn: readonly string[] = []): this {
    const state = dependsOn.length > 0 ? 'blocked' : 'pending';
    return this.decision('sam', 'SubmitTask', [
      { type: 'task.submitted', id: taskId, data: { state, dependsOn, requiredCapabilities: [] } },
    ]);
  }

  claim(agent: string, taskId: string, epoch: number): this {
    const expiresAt = this.#now + 1 + TTL_MS;
    return this.decision(
      agent,
      'ClaimTask',
      [{ type: 'task.claimed', id: taskId, data: { agent, epoch, expiresAt, ttlMs: TTL_MS } }],
      { data: { taskId, claim: { epoch, expiresAt } } },
    );
  }

  renew(agent: string, taskId: string, epoch: number): this {
    const expiresAt = this.#now + 1 + TTL_MS;
    return this.decision(agent, 'RenewClaim', [
      { type: 'task.renewed', id: taskId, data: { agent, epoch, expiresAt } },
    ]);
  }

  report(agent: string, taskId: string, epoch: number): this {
    return this.decision(agent, 'ReportTask', [
      { type: 'task.completed', id: taskId, data: { agent, epoch, result: 'done' } },
    ]);
  }

  fail(agent: string, taskId: string, epoch: number, retried: boolean): this {
    const data = retried ? { agent, epoch, readyAt: this.#now, failures: 1 } : { agent, epoch, by: agent };
    return this.decision(agent, 'FailTask', [
      { type: retried ? 'task.retried' : 'task.failed', id: taskId, data },
    ]);
  }

  cancel(taskId: string, claim: { agent: string; epoch: number } | undefined = undefined): this {
    return this.decision('sam', 'CancelTask', [
      { type: 'task.cancelled', id: taskId, data: { by: 'sam', ...claim } },
    ]);
  }

  join(agent: string): this {
    return this.decision(agent, 'JoinPool', [{ type: 'member.joined', id: agent }]);
  }

  openVote(voteId: string, changeable = true): this {
    return this.decision('sam', 'OpenVote', [{ type: 'vote.opened', id: voteId, data: { changeable } }]);
  }

  cast(voter: string, voteId: string): this {
    return this.decision(voter, 'Vote', [{ type: 'vote.cast', id: voteId, data: { voter } }]);
  }

  sweep(...happened: readonly Happening[]): this {
    return this.decision('_sweeper', 'Sweep', happened, {
      pool: '_shard',
      data: { released: [], more: false },
    });
  }

  reject(agent: string, type: string): this {
    return this.decision(agent, type, [], { status: 'rejected', code: 'claim_lost', message: 'not yours' });
  }

  /** Changes the latest event that was told. */
  changeLastEvent(change: (event: ConvergeEvent) => ConvergeEvent): this {
    const index = this.told.findLastIndex(({ event }) => event !== undefined);
    const event = this.told[index]?.event;
    if (event !== undefined) this.told[index] = { event: change(event) };
    return this;
  }

  changeLastOutcome(change: (outcome: Outcome) => Outcome): this {
    const index = this.told.findLastIndex(({ outcome }) => outcome !== undefined);
    const outcome = this.told[index]?.outcome;
    if (outcome !== undefined) this.told[index] = { outcome: change(outcome) };
    return this;
  }

  dropLastEvent(): this {
    this.told.splice(
      this.told.findLastIndex(({ event }) => event !== undefined),
      1,
    );
    return this;
  }

  dropLastOutcome(): this {
    this.told.splice(
      this.told.findLastIndex(({ outcome }) => outcome !== undefined),
      1,
    );
    return this;
  }

  /** Tells the latest event, or outcome, once more. */
  repeatLast(kind: 'event' | 'outcome'): this {
    const last = this.told.findLast((each) => each[kind] !== undefined);
    if (last !== undefined) this.told.push(structuredClone(last));
    return this;
  }

  tellTo(checker: HistoryChecker): void {
    for (const { event, outcome } of this.told) {
      if (event === undefined) checker.onOutcome(outcome);
      else checker.onEvent(event);
    }
  }

  #event(actor: string, decisionId: string, n: number, { type, id, data = {} }: Happening): ConvergeEvent {
    const entity = type.slice(0, type.indexOf('.'));
    return {
      specversion: '1.0',
      id: eventId(SHARD, this.#seq, n),
      type: `converge.${type}`,
      source: `/pools/${POOL}`,
      subject: `${entity}/${id}`,
      time: new Date(this.#now).toISOString(),
      datacontenttype: 'application/json',
      sequence: formatSequence(++this.#number),
      causationid: decisionId,
      actor,
      data,
    };
  }
}
