/**
 * What the events of a run may tell, judged from the events alone: numbers without gaps, one claim at a time, epochs that
 * rise, claims that end when they are over and not before, ends that are final. The rules are written down here once
 * more, from the protocol's text and not from the handlers.
 */
import type { ConvergeEvent } from '../../../src/protocol/event.ts';
import type { Invariant } from '../findings.ts';

type Report = (invariant: Invariant, what: string) => void;

interface Claim {
  readonly agent: string;
  readonly epoch: number;
  expiresAt: number;
}

interface SeenTask {
  epoch: number;
  claim: Claim | undefined;
  deadline: number | undefined;
  isFinal: boolean;
}

interface SeenThing {
  isEnded: boolean;
  readonly voters: Set<string>;
  readonly isChangeable: boolean;
}

class SeenPool {
  sequence = 0;
  isPaused = false;
  lastSeq = 0;
  lastAt = 0;
  readonly members = new Set<string>();
  readonly tasks = new Map<string, SeenTask>();
  readonly things = new Map<string, SeenThing>();
}

const OPENINGS = new Set(['opened', 'granted']);
/** What ends a thing for good; an auction may be awarded again when its winner does not start. */
const ENDINGS: Readonly<Record<string, ReadonlySet<string>>> = {
  auction: new Set(['unsold', 'cancelled']),
  vote: new Set(['closed']),
  negotiation: new Set(['accepted', 'rejected', 'expired']),
  delegation: new Set(['revoked', 'expired']),
};

export class History {
  readonly #report: Report;
  readonly #pools = new Map<string, SeenPool>([['commons', new SeenPool()]]);

  constructor(report: Report) {
    this.#report = report;
  }

  follow(event: ConvergeEvent): void {
    const poolName = event.source.slice('/pools/'.length);
    const [, entity = '', verb = ''] = event.type.split('.');
    const id = event.subject.slice(event.subject.indexOf('/') + 1);
    const fault = (invariant: Invariant, what: string): void =>
      this.#report(invariant, `${event.id} ${event.type} ${poolName}/${id}: ${what}`);
    if (event.type === 'converge.pool.created' && !this.#pools.has(poolName)) {
      this.#pools.set(poolName, new SeenPool());
    }
    const pool = this.#pools.get(poolName);
    if (pool === undefined) {
      fault('I4', 'nobody created the pool');
      return;
    }
    this.#order(pool, event, fault);
    if (entity === 'pool' && verb === 'removed') this.#pools.delete(poolName);
    else if (entity === 'pool') followPause(pool, verb);
    else if (entity === 'member') followMember(pool, verb, id, fault);
    else if (entity === 'task') followTask(pool, verb, id, event, fault);
    else if (ENDINGS[entity] !== undefined) followThing(pool, entity, verb, id, event, fault);
  }

  #order(pool: SeenPool, event: ConvergeEvent, fault: Report): void {
    const sequence = Number(event.sequence);
    if (sequence !== pool.sequence + 1) fault('I4', `number ${sequence} after ${pool.sequence}`);
    pool.sequence = sequence;
    const seq = Number(event.id.split('-')[1]);
    if (seq < pool.lastSeq) fault('I4', `of message ${seq}, after one of message ${pool.lastSeq}`);
    pool.lastSeq = seq;
    const at = Date.parse(event.time);
    if (at < pool.lastAt) fault('I4', `${pool.lastAt - at} ms before the one before it`);
    pool.lastAt = at;
  }
}

/** In a paused pool nothing is handed out. */
function followPause(pool: SeenPool, verb: string): void {
  if (verb === 'paused') pool.isPaused = true;
  if (verb === 'resumed') pool.isPaused = false;
}

function followMember({ members }: SeenPool, verb: string, agent: string, fault: Report): void {
  if (members.has(agent) === (verb === 'joined')) fault('I1', members.has(agent) ? 'is a member' : 'is none');
  if (verb === 'joined') members.add(agent);
  if (verb === 'left' || verb === 'expired' || verb === 'removed') members.delete(agent);
}

function followTask(pool: SeenPool, verb: string, id: string, event: ConvergeEvent, fault: Report): void {
  const { data } = event;
  const task = pool.tasks.get(id);
  if (verb === 'submitted') {
    if (task !== undefined) fault('I1', 'it was submitted before');
    const deadline = typeof data.deadline === 'number' ? data.deadline : undefined;
    pool.tasks.set(id, { epoch: 0, claim: undefined, deadline, isFinal: false });
    return;
  }
  if (task === undefined) {
    fault('I1', 'nobody submitted it');
    return;
  }
  if (verb === 'removed') {
    if (!task.isFinal) fault('I1', 'it is not final');
    pool.tasks.delete(id);
    return;
  }
  if (task.isFinal) {
    fault('I2', 'it is final');
    return;
  }
  if (verb === 'claimed') {
    if (pool.isPaused) fault('I2', 'the pool is paused');
    claim(task, event, fault);
  }
  if (verb !== 'claimed' && verb !== 'unblocked') changeClaim(task, verb, event, fault);
}

function claim(task: SeenTask, { data, time }: ConvergeEvent, fault: Report): void {
  const { epoch, expiresAt } = data;
  if (task.claim !== undefined) fault('I2', `${task.claim.agent} holds it with epoch ${task.claim.epoch}`);
  if (typeof epoch !== 'number' || epoch <= task.epoch) fault('I2', `epoch ${epoch} after ${task.epoch}`);
  if (typeof expiresAt !== 'number' || expiresAt <= Date.parse(time)) fault('I2', 'it was over at once');
  task.epoch = Number(epoch);
  task.claim = { agent: String(data.agent), epoch: Number(epoch), expiresAt: Number(expiresAt) };
}

/** Everything that only the holder can do, or that ends its claim. */
function changeClaim(
  task: SeenTask,
  verb: string,
  { data, time, actor, principal }: ConvergeEvent,
  fault: Report,
): void {
  const at = Date.parse(time);
  const held = task.claim;
  const isOfClaim = verb !== 'failed' && verb !== 'cancelled';
  if (held?.agent !== data.agent || held?.epoch !== data.epoch) {
    if (isOfClaim || held !== undefined || data.epoch !== undefined) {
      fault('I2', `of ${data.agent}'s epoch ${data.epoch}, but ${held?.agent} holds epoch ${held?.epoch}`);
    }
  }
  if (held !== undefined) {
    const isOver = held.expiresAt <= at;
    const byHolder = verb === 'renewed' || verb === 'completed' || verb === 'retried';
    if (byHolder && isOver) fault('I2', `the claim was over ${at - held.expiresAt} ms before`);
    if (byHolder && actor !== held.agent && principal !== held.agent)
      fault('I2', `${actor} is not its holder`);
    if (verb === 'expired' && !isOver) fault('I2', `${held.expiresAt - at} ms too early`);
    if (verb === 'renewed' && typeof data.expiresAt === 'number') held.expiresAt = data.expiresAt;
  }
  if (verb !== 'renewed') task.claim = undefined;
  task.isFinal = verb === 'completed' || verb === 'failed' || verb === 'cancelled';
}

function followThing(
  pool: SeenPool,
  entity: string,
  verb: string,
  id: string,
  { data }: ConvergeEvent,
  fault: Report,
): void {
  const key = `${entity}/${id}`;
  const thing = pool.things.get(key);
  if (OPENINGS.has(verb)) {
    if (thing !== undefined) fault('I1', 'it was opened before');
    pool.things.set(key, { isEnded: false, voters: new Set(), isChangeable: data.changeable !== false });
    return;
  }
  if (thing === undefined) {
    fault('I1', 'nobody opened it');
    return;
  }
  if (verb === 'removed') {
    pool.things.delete(key);
    return;
  }
  if (thing.isEnded) fault('I1', 'it has ended');
  if (verb === 'cast') castBallot(thing, String(data.voter), fault);
  if (ENDINGS[entity]?.has(verb) === true) thing.isEnded = true;
}

function castBallot(vote: SeenThing, voter: string, fault: Report): void {
  if (vote.voters.has(voter) && !vote.isChangeable) fault('I6', `${voter} voted before`);
  vote.voters.add(voter);
}
