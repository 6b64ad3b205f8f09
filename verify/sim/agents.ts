/**
 * Agents that decide at random, but not blindly: they remember what they were answered, so that much of what they try is
 * allowed, and much is just not allowed any more. They know the protocol and nothing else.
 */
import { isObject } from '../../src/protocol/json.ts';
import { OPERATOR, SHARD_POOL, SWEEPER } from '../../src/protocol/names.ts';
import { bodyHash, decisionKey } from '../../src/protocol/outcome.ts';
import type { Random } from '../kit/chance/random.ts';
import type { Drawn } from '../kit/decisions/draw.ts';
import { draft, Knowledge, operated } from './drafts.ts';
import type { Plan } from './plan.ts';
import type { Scheduler } from './scheduler.ts';
import { type Servers, START, SUBJECTS } from './servers.ts';
import { HEAP_BYTES } from './settings.ts';
import type { Trace } from './trace.ts';

export interface AgentsOptions {
  readonly plan: Plan;
  readonly dice: Random;
  readonly scheduler: Scheduler;
  readonly servers: Servers;
  readonly trace: Trace;
  /** Counts a fault; false when faults are over. */
  readonly happens: (fault: string) => boolean;
  /** By what the log is to know a decision again: by nothing, but where a bug is planted. */
  readonly messageIdOf: ((named: Named) => string) | undefined;
}

/** Whose decision it is: an id belongs to an agent in a pool. */
export interface Named {
  readonly pool: string;
  readonly agent: string;
  readonly id: string;
}

interface Sent extends Named {
  readonly subject: string;
  readonly data: Uint8Array;
  /** It is a decision, whoever may refuse it: it has to be answered. */
  readonly isDecision: boolean;
}

/** The log said that it has it. */
export interface Acknowledged {
  readonly key: string;
  readonly body: string;
  readonly seq: number;
}

const MOST_RESEND_MS = 8_000;
const MOST_LATENCY_MS = 20;
/** A sweeper that knows the time brings it along where the log's clock is further behind. */
const BEHIND_MS = 2_000;
/** How often it is operators of the system who decide, and how often about a whole shard. */
const BY_OPERATORS = 0.03;
const ABOUT_A_SHARD = 0.4;
/** How often an id is taken that the agent has used before, in this pool or another: by mistake, or because ids are its own. */
const REUSED = 0.15;
const MOST_REMEMBERED_IDS = 12;

export class Agents {
  readonly #options: AgentsOptions;
  readonly #knowledge = new Knowledge();
  readonly #results = new Map<string, string[]>();
  readonly #acknowledged: Acknowledged[] = [];
  readonly #idsOf = new Map<string, string[]>();
  #ids = 0;
  #left: number;

  constructor(options: AgentsOptions) {
    this.#options = options;
    this.#left = options.plan.decisions;
  }

  get acknowledged(): readonly Acknowledged[] {
    return this.#acknowledged;
  }

  /** Every different answer, by `pool.agent.id`. */
  get results(): ReadonlyMap<string, readonly string[]> {
    return this.#results;
  }

  /** Decides now and then, until there is nothing left to decide. */
  start(): void {
    const { scheduler, dice, plan } = this.#options;
    const everyMs = plan.activeMs / plan.decisions;
    const next = (): void => {
      if (this.#left-- <= 0) return;
      // In bursts: much at once, then nothing.
      const waitMs = dice.chance(0.6) ? dice.next() * everyMs * 0.2 : dice.next() * everyMs * 4;
      scheduler.after(waitMs, () => {
        this.#decide();
        next();
      });
    };
    next();
  }

  stop(): void {
    this.#left = 0;
  }

  /** A Sweep, as the sweeper appends it. */
  sweep(shard: number): void {
    const { plan, dice, servers } = this.#options;
    const id = `sweep-${this.#ids++}`;
    const limit = dice.chance(0.2) ? { limit: dice.between(1, 5) } : {};
    const at = servers.logSkewMs < -BEHIND_MS ? servers.trueNow() : undefined;
    const body = JSON.stringify({
      id,
      type: 'Sweep',
      settings: plan.settings,
      heapBytes: HEAP_BYTES,
      at,
      ...limit,
    });
    this.#send({
      subject: SUBJECTS.shardDecision(shard, SWEEPER, SHARD_POOL),
      data: Buffer.from(body),
      pool: SHARD_POOL,
      agent: SWEEPER,
      id,
      isDecision: true,
    });
  }

  /** What a worker says when its memory is short, or is not any more. */
  pressure(shard: number): void {
    const id = `pressure-${this.#ids++}`;
    const body = JSON.stringify({ id, type: 'Pressure', on: this.#options.dice.chance(0.5) });
    this.#send({
      subject: SUBJECTS.shardDecision(shard, SWEEPER, SHARD_POOL),
      data: Buffer.from(body),
      pool: SHARD_POOL,
      agent: SWEEPER,
      id,
      isDecision: true,
    });
  }

  onResult(key: string, outcome: string): void {
    const known = this.#results.get(key);
    if (known?.includes(outcome) === true) return;
    if (known === undefined) this.#results.set(key, [outcome]);
    else known.push(outcome);
    const told: unknown = JSON.parse(outcome);
    if (isObject(told)) this.#knowledge.learn(told);
  }

  #decide(): void {
    const { dice, plan, scheduler } = this.#options;
    if (dice.chance(BY_OPERATORS)) {
      this.#operate();
      return;
    }
    const pool = dice.oneOf(plan.pools) ?? 'commons';
    const agent = dice.oneOf(plan.agents) ?? 'ann';
    const id = this.#idFor(agent);
    const now = START + Math.floor(scheduler.now);
    const subject = SUBJECTS.decision(pool, agent, plan.shards);
    const isMalformed = dice.chance(plan.malformed) && this.#options.happens('malformed');
    const body = isMalformed
      ? rubbish(dice, id)
      : JSON.stringify({ id, ...draft({ dice, plan, now, pool, agent, knowledge: this.#knowledge }) });
    const sent = {
      subject: isMalformed && dice.chance(0.2) ? `${subject}.more` : subject,
      data: Buffer.from(body),
      pool,
      agent,
      id,
      isDecision: !isMalformed,
    };
    this.#send(sent);
    while (dice.chance(plan.resent) && this.#options.happens('resent')) {
      scheduler.after(dice.magnitude(1, MOST_RESEND_MS), () => this.#send(sent));
    }
  }

  #operate(): void {
    const { dice, plan, scheduler } = this.#options;
    const isOfShard = dice.chance(ABOUT_A_SHARD);
    const shard = dice.integer(plan.shards);
    const pool = isOfShard ? SHARD_POOL : (dice.oneOf(plan.pools) ?? 'commons');
    const now = START + Math.floor(scheduler.now);
    this.#sendAsOperator(
      isOfShard
        ? SUBJECTS.shardDecision(shard, OPERATOR, pool)
        : SUBJECTS.decision(pool, OPERATOR, plan.shards),
      pool,
      operated({ dice, plan, now, pool, agent: OPERATOR, knowledge: this.#knowledge }),
    );
  }

  /** The last word of a run: with everything that an agent has in a shard it is over. What follows, workers have to find. */
  shutOut(): void {
    const { dice, plan } = this.#options;
    for (let shard = 0; shard < plan.shards; shard++) {
      const agentId = dice.oneOf(plan.agents) ?? 'ann';
      const subject = SUBJECTS.shardDecision(shard, OPERATOR, SHARD_POOL);
      this.#sendAsOperator(subject, SHARD_POOL, { type: 'BanAgent', agentId, cancelWork: true });
    }
  }

  #sendAsOperator(subject: string, pool: string, decision: Drawn): void {
    const id = `o${this.#ids++}`;
    const data = Buffer.from(JSON.stringify({ id, ...decision }));
    this.#send({ subject, data, pool, agent: OPERATOR, id, isDecision: true });
  }

  /** A new one, or one that the agent has used: for the same pool or another, and nearly always with another body. */
  #idFor(agent: string): string {
    const { dice, happens } = this.#options;
    const used = this.#idsOf.get(agent) ?? [];
    const known = dice.chance(REUSED) ? dice.oneOf(used) : undefined;
    if (known !== undefined && happens('id_reused')) return known;
    const id = `d${this.#ids++}`;
    this.#idsOf.set(agent, [...used, id].slice(-MOST_REMEMBERED_IDS));
    return id;
  }

  #send({ subject, data, isDecision, ...named }: Sent): void {
    const { scheduler, dice, servers, trace, messageIdOf } = this.#options;
    const key = decisionKey(named.pool, named.agent, named.id);
    scheduler.after(dice.next() * MOST_LATENCY_MS, () => {
      if (servers.isNatsDown) return;
      try {
        const { seq, duplicate } = servers.decisions.publish(subject, data, messageIdOf?.(named));
        if (isDecision) this.#acknowledged.push({ key, body: bodyHash(data), seq });
        if (trace.isOn) {
          trace.note(
            'log',
            `${seq}${duplicate ? ' (known)' : ''} ${subject} ${Buffer.from(data).toString()}`,
          );
        }
      } catch (error) {
        trace.note('log', `refused ${key}: ${String(error)}`);
      }
    });
  }
}

function rubbish(dice: Random, id: string): string {
  const bodies = [
    '',
    'not json',
    '[]',
    '{"id":"no such id!","type":"Heartbeat"}',
    `{"id":"${id}"}`,
    `{"id":"${id}","type":"NoSuchThing"}`,
    `{"id":"${id}","type":"SubmitTask","taskId":"x","objective":1}`,
    `{"id":"${id}","type":"Heartbeat","__proto__":{"a":1}}`,
    `{"id":"${id}","type":"Heartbeat","id":"${id}"}`,
    `{"id":"${id}","type":"Batch","decisions":[{"type":"Batch","decisions":[]}]}`,
    `{"id":"${id}","type":"Sweep"}`,
    '[{"line\\nbreak":1e999}]',
    `{"id":"${id}","type":"Heartbeat","x":"\ud800"}`,
    `${'['.repeat(100)}${']'.repeat(100)}`,
  ];
  return dice.oneOf(bodies) ?? '';
}
