/**
 * given / when / then for decisions, on a world with one shard. Every decision travels as bytes on a subject and
 * through the real decoder, so that what a test can say is what an agent could have said.
 *
 * Time stands still until `at` moves it: milliseconds since the start of the scenario.
 */
import { expect } from 'vitest';
import type { AppliedDecision } from '../../src/handlers/kernel/applied.ts';
import { applyDecision } from '../../src/handlers/kernel/apply.ts';
import { NOTHING_OLD, type OldestKept } from '../../src/handlers/sweep/sweep.ts';
import { World } from '../../src/handlers/world/world.ts';
import type { Code } from '../../src/protocol/codes.ts';
import type { DecisionInput } from '../../src/protocol/decisions/index.ts';
import type { Member, Pool, Task } from '../../src/protocol/documents.ts';
import { SHARD_POOL, SWEEPER } from '../../src/protocol/names.ts';
import { dumpWithoutPresence } from './dump.ts';
import { type Body, PLACE, POOL, START, type SweepInput, send } from './message.ts';

export { START } from './message.ts';

export type Step =
  | { readonly agent: string; readonly pool: string; readonly body: Body; readonly oldest: OldestKept }
  | { readonly at: number };

/** An agent decides something, in pool `work` unless another is named. */
export function by(agent: string, body: Body, pool: string = POOL): Step {
  return { agent, pool, body, oldest: NOTHING_OLD };
}

/** From here on it is so many milliseconds after the start. */
export function at(ms: number): Step {
  return { at: START + ms };
}

/** The sweeper's decision; `oldest` is what the store would have handed in. */
export function sweep(
  fields: Omit<SweepInput, 'type'> = {},
  oldest: Partial<OldestKept> = NOTHING_OLD,
): Step {
  const body = { type: 'Sweep' as const, ...fields };
  return { agent: SWEEPER, pool: SHARD_POOL, body, oldest: { ...NOTHING_OLD, ...oldest } };
}

/** A worker's: some of what is owed is settled. */
export function settle(): Step {
  return by(SWEEPER, { type: 'Settle' }, SHARD_POOL);
}

export function given(...steps: readonly Step[]): Scenario {
  const scenario = new Scenario();
  return scenario.given(...steps);
}

/** Shorthands for what most scenarios start with. */
export function pool(fields: Omit<Extract<DecisionInput, { type: 'CreatePool' }>, 'type'> = {}): Step {
  return by('owner', { type: 'CreatePool', ...fields });
}

export function joins(agent: string, ...capabilities: readonly string[]): Step {
  return by(agent, { type: 'JoinPool', capabilities: [...capabilities] });
}

type TaskFields = Omit<Extract<DecisionInput, { type: 'SubmitTask' }>, 'type' | 'taskId' | 'objective'>;
export function submits(agent: string, taskId: string, fields: TaskFields = {}): Step {
  return by(agent, { type: 'SubmitTask', taskId, objective: `do ${taskId}`, ...fields });
}

export function claims(agent: string, taskId: string, claimTtlMs?: number): Step {
  return by(agent, { type: 'ClaimTask', taskId, ...(claimTtlMs === undefined ? {} : { claimTtlMs }) });
}

export function reports(agent: string, taskId: string): Step {
  return by(agent, { type: 'ReportTask', taskId, result: 'done' });
}

type Answer = Pick<AppliedDecision, 'status' | 'events'> &
  Partial<Omit<AppliedDecision, 'status' | 'events'>>;

export class Scenario {
  readonly world = World.genesis(PLACE.shard, PLACE.shards);
  now = START;
  seq = 0;
  #answer: Answer = { status: 'accepted', events: [] };
  #unchanged: boolean = true;

  /** What came before; all of it has to be accepted, or the test says something else than it seems to. */
  given(...steps: readonly Step[]): this {
    for (const step of steps) {
      const { status, code, message } = this.#take(step);
      if (status === 'rejected') throw new Error(`given ${JSON.stringify(step)}: ${code} (${message})`);
    }
    return this;
  }

  /** What the test is about: the last step's answer is what `then…` looks at. */
  when(...steps: readonly Step[]): this {
    this.given(...steps.slice(0, -1));
    for (const step of steps.slice(-1)) {
      const before = dumpWithoutPresence(this.world);
      this.#answer = this.#take(step);
      this.#unchanged = JSON.stringify(dumpWithoutPresence(this.world)) === JSON.stringify(before);
    }
    return this;
  }

  /** Accepted, with exactly these events: `<type> <id>`, in this order. */
  thenEvents(...events: readonly string[]): this {
    expect(this.#answer).toMatchObject({ status: 'accepted' });
    expect(this.#answer.events.map(({ event }) => `${event.type} ${event.id}`)).toEqual(events);
    return this;
  }

  /** The data of the event of this type, of the only one there is. */
  thenEventData(type: string, data: object): this {
    const found = this.#answer.events.filter(({ event }) => event.type === type);
    expect(found.map(({ event }) => event.data)).toEqual([expect.objectContaining(data)]);
    return this;
  }

  thenData(data: unknown): this {
    expect(this.#answer).toMatchObject({ status: 'accepted', data });
    return this;
  }

  /** Rejected with the code; and, whatever the code, nothing changed and a person is told why. */
  thenRejected(code: Code, expected: { readonly transient?: boolean; readonly message?: RegExp } = {}): this {
    expect(this.#answer).toMatchObject({ status: 'rejected', code, events: [] });
    expect(this.#unchanged, 'a rejected decision changes nothing').toBe(true);
    expect(this.#answer.message, 'a rejection says why').toMatch(/\S/);
    if (expected.transient !== undefined)
      expect(this.#answer).toMatchObject({ transient: expected.transient });
    if (expected.message !== undefined) expect(this.#answer.message).toMatch(expected.message);
    return this;
  }

  thenNothingChanged(): this {
    expect(this.#unchanged).toBe(true);
    return this;
  }

  thenTask(taskId: string, expected: object | undefined, pool: string = POOL): this {
    if (expected === undefined) expect(this.task(taskId, pool)).toBeUndefined();
    else expect(this.task(taskId, pool)).toMatchObject(expected);
    return this;
  }

  thenMember(agent: string, expected: object | undefined, pool: string = POOL): this {
    if (expected === undefined) expect(this.member(agent, pool)).toBeUndefined();
    else expect(this.member(agent, pool)).toMatchObject(expected);
    return this;
  }

  get answer(): Answer {
    return this.#answer;
  }

  task(taskId: string, pool: string = POOL): Task | undefined {
    return this.world.pool(pool)?.entities.task.get(taskId);
  }

  member(agent: string, pool: string = POOL): Member | undefined {
    return this.world.pool(pool)?.members.get(agent);
  }

  pool(pool: string = POOL): Pool | undefined {
    return this.world.pool(pool)?.doc;
  }

  #take(step: Step): Answer {
    if ('at' in step) {
      if (step.at < this.now) throw new Error('log time never goes back');
      this.now = step.at;
      return { status: 'accepted', events: [] };
    }
    this.seq++;
    const { agent, pool, oldest } = step;
    const body = { id: `d-${this.seq}`, ...step.body };
    const decoded = send(agent, pool, body);
    if (decoded.kind === 'dead') throw new Error(`a dead letter: ${decoded.reason}`);
    if (decoded.kind === 'rejected') {
      return { status: 'rejected', events: [], code: decoded.code, message: decoded.message };
    }
    const { decision } = decoded;
    const context = {
      now: this.now,
      shard: PLACE.shard,
      seq: this.seq,
      index: 0,
      pool,
      agent,
      self: agent,
      decisionId: decision.id,
    };
    return applyDecision(this.world, decision, context, oldest);
  }
}
