/**
 * What ends a stay holds at once, and is told in the end (rule 1.2): who left a pool, was removed or banned from it, or banned
 * from all pools of a shard, has lost what it had there, from that message on. Judged from decisions, their outcomes and
 * the events alone, by rules written down once more.
 */
import type { LogMessage } from '../../../src/bus/log-message.ts';
import type { ConvergeEvent } from '../../../src/protocol/event.ts';
import { isObject } from '../../../src/protocol/json.ts';
import { SHARD_POOL } from '../../../src/protocol/names.ts';
import type { Invariant } from '../findings.ts';

type Report = (invariant: Invariant, what: string) => void;

interface End {
  readonly seq: number;
  /** Log time. */
  readonly at: number;
  readonly why: string;
  readonly cancelsWork: boolean;
}

interface Holding {
  readonly agent: string;
  readonly seq: number;
}

interface HeldClaim extends Holding {
  readonly expiresAt: number;
}

interface SeenTask {
  readonly submitted: Holding;
  claim: HeldClaim | undefined;
}

class SeenPool {
  readonly members = new Map<string, Holding>();
  readonly tasks = new Map<string, SeenTask>();
}

/** What may still be said of a claim that was over: that it was, and that its task had its deadline before that. */
const LAST_WORDS: ReadonlySet<string> = new Set(['task.released', 'task.expired', 'task.failed']);
const ENDINGS: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled', 'removed']);
const EVERYWHERE = '*';

/** `answers` are those that the log implies, by `pool.agent.id`. */
export function checkFences(
  shard: number,
  messages: readonly LogMessage[],
  answers: ReadonlyMap<string, readonly string[]>,
  events: readonly string[],
  report: Report,
): void {
  const ofShard: Report = (invariant, what) => report(invariant, `shard ${shard}: ${what}`);
  const judge = new Judge(new Fences(messages, answers, ofShard), ofShard);
  for (const json of events) judge.follow(JSON.parse(json));
  judge.end();
}

/** The ends of stays, in the order of the log. */
class Fences {
  readonly #ends = new Map<string, End[]>();
  readonly #banned = new Set<string>();
  readonly #report: Report;

  constructor(
    messages: readonly LogMessage[],
    answers: ReadonlyMap<string, readonly string[]>,
    report: Report,
  ) {
    this.#report = report;
    const bodies = new Map(messages.map(({ seq, data }) => [seq, data]));
    const accepted = [...answers.values()]
      .flat()
      .map((json): unknown => JSON.parse(json))
      .filter(isObject)
      .sort((a, b) => Number(a.seq) - Number(b.seq));
    for (const outcome of accepted) {
      const body = bodies.get(Number(outcome.seq));
      if (outcome.status !== 'accepted' || body === undefined) continue;
      this.#read(JSON.parse(Buffer.from(body).toString()), outcome, outcome);
    }
  }

  /** The first end of a stay after something was made, that came before message `until`. */
  after(pool: string, { agent, seq }: Holding, until: number): End | undefined {
    return this.#find(pool, agent, (end) => seq < end.seq && end.seq < until);
  }

  /** The same of those that cancel what the agent has opened. */
  cancelling(pool: string, { agent, seq }: Holding): End | undefined {
    return this.#find(pool, agent, (end) => seq < end.seq && end.cancelsWork);
  }

  #find(pool: string, agent: string, isIt: (end: End) => boolean): End | undefined {
    const [own, ofAll] = [pool, EVERYWHERE].map((of) => this.#ends.get(`${of} ${agent}`)?.find(isIt));
    if (own === undefined || ofAll === undefined) return own ?? ofAll;
    return own.seq < ofAll.seq ? own : ofAll;
  }

  #read(decision: unknown, answer: unknown, sent: Readonly<Record<string, unknown>>): void {
    const { pool, agent, seq, at } = sent;
    if (!isObject(decision) || !isObject(answer) || answer.status !== 'accepted') return;
    const { type, agentId, onBehalfOf = agent, cancelWork } = decision;
    if (type === 'Batch') {
      const { decisions } = decision;
      const outcomes = isObject(answer.data) ? answer.data.outcomes : undefined;
      if (!Array.isArray(decisions) || !Array.isArray(outcomes)) return;
      for (const [i, member] of decisions.entries()) this.#read(member, outcomes[i], sent);
      return;
    }
    if (this.#banned.has(`${pool} ${agent}`) || this.#banned.has(`${EVERYWHERE} ${agent}`))
      this.#report('I2', `message ${seq}: ${type} of ${agent} in ${pool}, where it is banned`);
    const key = `${pool === SHARD_POOL ? EVERYWHERE : pool} ${type === 'LeavePool' ? onBehalfOf : agentId}`;
    if (type === 'BanAgent') this.#banned.add(key);
    if (type === 'UnbanAgent') this.#banned.delete(key);
    const why = WHY[String(type)];
    if (why === undefined) return;
    const end = { seq: Number(seq), at: Number(at), why, cancelsWork: cancelWork === true };
    this.#ends.set(key, [...(this.#ends.get(key) ?? []), end]);
  }
}

const WHY: Readonly<Record<string, string>> = {
  LeavePool: 'left',
  RemoveMember: 'removed',
  BanAgent: 'banned',
};

class Judge {
  readonly #fences: Fences;
  readonly #report: Report;
  readonly #pools = new Map<string, SeenPool>();

  constructor(fences: Fences, report: Report) {
    this.#fences = fences;
    this.#report = report;
  }

  follow(event: ConvergeEvent): void {
    const name = event.source.slice('/pools/'.length);
    const [, entity = '', verb = ''] = event.type.split('.');
    const id = event.subject.slice(event.subject.indexOf('/') + 1);
    const seq = Number(event.id.split('-')[1]);
    const pool = this.#pools.get(name) ?? new SeenPool();
    this.#pools.set(name, pool);
    if (entity === 'pool' && verb === 'removed') this.#pools.delete(name);
    else if (entity === 'member') {
      if (verb === 'joined') pool.members.set(id, { agent: id, seq });
      else if (verb !== 'updated') pool.members.delete(id);
    } else if (entity === 'task') this.#followTask(name, pool, id, verb, seq, event);
  }

  #followTask(
    name: string,
    pool: SeenPool,
    id: string,
    verb: string,
    seq: number,
    { id: eventId, type, data }: ConvergeEvent,
  ): void {
    const fault = (what: string): void => this.#report('I2', `${eventId} ${type} ${name}/${id}: ${what}`);
    if (verb === 'submitted') {
      pool.tasks.set(id, { submitted: { agent: String(data.submitter), seq }, claim: undefined });
      return;
    }
    const task = pool.tasks.get(id);
    if (task === undefined) return;
    const { claim } = task;
    const over = claim && this.#fences.after(name, claim, seq);
    if (over !== undefined) {
      const isLast = LAST_WORDS.has(`task.${verb}`);
      const isSaidByTime =
        verb !== 'failed' || data.cause === 'deadline_passed' || data.cause === 'abandoned';
      const isTold = verb !== 'released' || [over.why, 'absent', 'not_started'].includes(String(data.why));
      if (!isLast || !isSaidByTime || !isTold)
        fault(`${claim?.agent} had lost it with message ${over.seq} (${over.why})`);
    }
    if (verb === 'claimed') {
      const agent = String(data.agent);
      const member = pool.members.get(agent);
      const ended = member && this.#fences.after(name, member, seq);
      // Anybody may claim in the pool that is always there, and nobody joins it twice.
      if (ended !== undefined && name !== 'commons')
        fault(`${agent} is no member since message ${ended.seq} (${ended.why})`);
      task.claim = { agent, seq, expiresAt: Number(data.expiresAt) };
    } else if (verb === 'renewed' && claim !== undefined)
      task.claim = { ...claim, expiresAt: Number(data.expiresAt) };
    else if (verb !== 'unblocked') task.claim = undefined;
    if (ENDINGS.has(verb)) pool.tasks.delete(id);
  }

  /** All is told. */
  end(): void {
    const fault = (what: string, { seq, why }: End): void =>
      this.#report('I7', `${what} since message ${seq} (${why}), and that was never told`);
    for (const [name, { members, tasks }] of this.#pools) {
      for (const member of members.values()) {
        const ended = this.#fences.after(name, member, Number.POSITIVE_INFINITY);
        if (ended !== undefined) fault(`${member.agent} is no member of ${name}`, ended);
      }
      for (const [id, { claim, submitted }] of tasks) {
        const over = claim && this.#fences.after(name, claim, Number.POSITIVE_INFINITY);
        // What had expired by then, expired: a sweep tells that, and whether it does in time is judged by I9.
        if (over !== undefined && !(Number(claim?.expiresAt) <= over.at))
          fault(`${claim?.agent} does not hold ${name}/${id}`, over);
        const moot = this.#fences.cancelling(name, submitted);
        if (moot !== undefined) fault(`${name}/${id} of ${submitted.agent} is cancelled`, moot);
      }
    }
  }
}
