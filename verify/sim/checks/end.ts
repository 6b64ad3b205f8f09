/** What must hold when all is quiet again: the log, the state, the events and the answers tell one story. */
import type { LogMessage } from '../../../src/bus/log-message.ts';
import { bodyOf } from '../../../src/protocol/outcome.ts';
import { waitingInShard } from '../../kit/waiting/in-vain.ts';
import type { Acknowledged } from '../agents.ts';
import type { Invariant } from '../findings.ts';
import type { MemoryShard } from '../memory/shard.ts';
import { type Monitor, ofShard, prefixOf } from '../monitor.ts';
import type { Plan } from '../plan.ts';
import { type Implied, replay } from '../replay.ts';
import { type Servers, SUBJECTS } from '../servers.ts';
import { eventTexts, type ToldEvent } from '../told-events.ts';
import { checkFences } from './fences.ts';
import { History } from './history.ts';
import { hasDiverged, isStranded } from './standing.ts';

export interface EndOfRun {
  readonly plan: Plan;
  readonly servers: Servers;
  readonly monitor: Monitor;
  /** Every answer that reached its agent, by `pool.agent.id`. */
  readonly results: ReadonlyMap<string, readonly string[]>;
  readonly acknowledged: readonly Acknowledged[];
  readonly report: (invariant: Invariant, what: string) => void;
}

export async function checkEnd(end: EndOfRun): Promise<number> {
  const { plan, servers, monitor, results } = end;
  const told = eventsByShard(end);
  const implied = new Map<string, readonly string[]>();
  let isTainted = false;
  let decisions = 0;
  for (let shard = 0; shard < plan.shards; shard++) {
    const stored = servers.shards[shard];
    if (stored === undefined) continue;
    // What it held is gone: there is nothing to compare, and agents were answered what no state knows any more.
    if (isStranded(servers, shard)) {
      isTainted = true;
      continue;
    }
    const applied = monitor.appliedTo(shard);
    decisions += applied.length;
    checkLog(end, shard, stored, applied);
    const { logIdentity = 'none' } = stored.position();
    const known = monitor.clocksKnownTo(shard, stored.clock?.seq ?? 0);
    const story = await replay(shard, plan.shards, applied, logIdentity, known);
    checkState(end, shard, stored, story);
    checkWaiting(end, shard, stored);
    checkOnce(end, story);
    if (monitor.isTainted(shard)) {
      isTainted = true;
      continue;
    }
    checkEvents(end, shard, told.get(shard) ?? [], story);
    const events = story.events.map(({ json }) => json);
    checkFences(shard, applied, story.outcomes, events, end.report);
    checkAnswers(end, story);
    if (!hasDiverged(servers, monitor, shard)) checkDeadLetters(end, shard, story);
    for (const [key, answers] of story.outcomes) implied.set(key, answers);
  }
  for (const key of isTainted ? [] : results.keys()) {
    if (!implied.has(key)) end.report('I6', `${key} was answered, but the log holds no such decision`);
  }
  checkAcknowledged(end, implied);
  return decisions;
}

/** I1: what the log said that it has was applied, or answered by the first outcome of the same bytes. */
function checkAcknowledged(
  { plan, servers, acknowledged, report }: EndOfRun,
  implied: ReadonlyMap<string, readonly string[]>,
): void {
  // A log that lost something has said more than it holds.
  if (plan.logLoss !== undefined) return;
  for (const { key, body, seq } of acknowledged) {
    if (isOfStranded(servers, seq)) continue;
    const answers = implied.get(key) ?? [];
    if (answers.some((answer) => bodyOf(answer) === body)) continue;
    report('I1', `${key} of bytes ${body} was acknowledged at ${seq}, and the log holds no answer to it`);
  }
}

/** What the state of a shard knew is lost, and that was the one to answer. */
function isOfStranded(servers: Servers, seq: number): boolean {
  const subject = servers.decisions.version[seq - 1]?.subject ?? '';
  return servers.shards.some((_, shard) => subject.startsWith(prefixOf(shard)) && isStranded(servers, shard));
}

/** I1, I5: every message of the log, or a halt. */
function checkLog(
  { servers, monitor, report }: EndOfRun,
  shard: number,
  stored: MemoryShard,
  applied: readonly LogMessage[],
): void {
  const position = stored.position().seq;
  if (position !== (applied.at(-1)?.seq ?? 0)) {
    report(
      'I5',
      `shard ${shard} stands at ${position}, but ${applied.at(-1)?.seq ?? 0} was the last applied`,
    );
  }
  if (hasDiverged(servers, monitor, shard)) {
    if (stored.halted === undefined)
      report('I5', `shard ${shard} is not halted, though its log lost messages`);
    return;
  }
  const log = ofShard(servers.decisions.version, shard);
  const missed = log.findIndex((message, i) => applied[i] !== message);
  if (missed !== -1)
    report('I1', `shard ${shard}: message ${log[missed]?.seq} was acknowledged and not applied`);
  if (stored.halted !== undefined) report('I7', `shard ${shard} is halted: ${stored.halted}`);
}

/** I3: the same, key for key. */
function checkState({ report }: EndOfRun, shard: number, stored: MemoryShard, implied: Implied): void {
  if (implied.position !== stored.position().seq) {
    report('I7', `replaying shard ${shard} ends at ${implied.position} of ${stored.position().seq}`);
  }
  const [counted, there] = [stored.endedBytes, stored.endedBytesOfDocuments()];
  if (counted !== there)
    report('I3', `shard ${shard} counts ${counted} bytes of what has ended, but keeps ${there}`);
  const [kept, wanted] = [stored.dump(), implied.shard.dump()];
  for (const key of new Set([...kept.keys(), ...wanted.keys()])) {
    if (kept.get(key) === wanted.get(key)) continue;
    report('I3', `shard ${shard}, ${key}: ${kept.get(key)} is not ${wanted.get(key)}, which the log implies`);
    return;
  }
}

/** I9: no task waits beside an offer that could have it, where no match is due. */
function checkWaiting({ report }: EndOfRun, shard: number, stored: MemoryShard): void {
  for (const { pool, taskId, agent, offerId } of waitingInShard(stored.load()))
    report('I9', `shard ${shard}: ${pool}/${taskId} waits, and so does ${offerId} of ${agent}`);
}

/** What is said to a decision whose id stands for other bytes; none of it is remembered. */
const REFUSALS: ReadonlySet<unknown> = new Set(['id_reused', 'rate_limited', 'agent_banned']);

const NOTHING = { at: Number.NEGATIVE_INFINITY };

/**
 * I6: a decision that is answered twice in its own right was forgotten in between, and that takes its time. Until then
 * other bytes with its id are refused.
 */
function checkOnce({ plan, report }: EndOfRun, { outcomes }: Implied): void {
  for (const [key, answers] of outcomes) {
    const [first, ...others] = answers;
    if (first === undefined) continue;
    let standing = JSON.parse(first);
    for (const answer of new Set(others)) {
      if (answer === first) continue;
      const next = JSON.parse(answer);
      const apart = Number(next.at) - Number(standing.at);
      // A refusal may be of an id that still stands: whatever stands from then on has not been seen yet.
      if (apart >= plan.settings.outcomeRetentionMs) standing = REFUSALS.has(next.code) ? NOTHING : next;
      else if (next.body === standing.body) report('I6', `${key} was applied twice within ${apart} ms`);
      else if (!REFUSALS.has(next.code)) report('I6', `${key} stands for two bodies within ${apart} ms`);
    }
  }
}

/** What subscribers were told, each id once, and the rules that hold for that alone. */
function eventsByShard({ servers, monitor, report }: EndOfRun): Map<number, ToldEvent[]> {
  const byShard = new Map<number, ToldEvent[]>();
  const known = new Map<string, string>();
  const history = new History(report);
  const told = servers.events.version.flatMap(({ subject, data }) =>
    eventTexts({ subject, json: Buffer.from(data).toString() }),
  );
  for (const { id, subject, json } of told) {
    const shard = Number(id.split('-')[0]);
    if (monitor.isTainted(shard)) continue;
    const before = known.get(id);
    if (before !== undefined) {
      if (before !== json) report('I4', `event ${id} was told again as ${json}, after ${before}`);
      continue;
    }
    known.set(id, json);
    const list = byShard.get(shard);
    if (list === undefined) byShard.set(shard, [{ id, subject, json }]);
    else list.push({ id, subject, json });
    history.follow(JSON.parse(json));
  }
  return byShard;
}

/** I4: of each pool exactly what the log implies, and in its order. */
function checkEvents(
  { report }: EndOfRun,
  shard: number,
  told: readonly ToldEvent[],
  implied: Implied,
): void {
  const [is, wanted] = [bySubject(told), bySubject(implied.events)];
  for (const subject of new Set([...is.keys(), ...wanted.keys()])) {
    const [there, missing] = firstApart(is.get(subject) ?? [], wanted.get(subject) ?? []);
    if (there === undefined && missing === undefined) continue;
    report('I4', `shard ${shard}, ${subject}: told ${there?.json}, but the log implies ${missing?.json}`);
  }
}

function bySubject(events: readonly ToldEvent[]): Map<string, ToldEvent[]> {
  const found = new Map<string, ToldEvent[]>();
  for (const event of events) {
    const list = found.get(event.subject);
    if (list === undefined) found.set(event.subject, [event]);
    else list.push(event);
  }
  return found;
}

/** The first place where two lists differ; nothing of either where they do not. */
function firstApart(
  told: readonly ToldEvent[],
  implied: readonly ToldEvent[],
): readonly [ToldEvent | undefined, ToldEvent | undefined] {
  for (let i = 0; i < Math.max(told.length, implied.length); i++) {
    if (told[i]?.json !== implied[i]?.json) return [told[i], implied[i]];
  }
  return [undefined, undefined];
}

/** I6: whatever an agent was answered is what the log implies, to the byte. */
function checkAnswers({ results, report }: EndOfRun, { outcomes }: Implied): void {
  for (const [key, wanted] of outcomes) {
    for (const answer of results.get(key) ?? []) {
      if (!wanted.includes(answer))
        report('I6', `${key} was answered ${answer}, but the log implies ${wanted}`);
    }
  }
}

/** I7: nothing that arrived is passed over in silence. */
function checkDeadLetters({ servers, report }: EndOfRun, shard: number, { deadLetters }: Implied): void {
  const prefix = `${SUBJECTS.namespace}.decisions.${shard}.`;
  const told = servers.deadLetters.version.filter(({ subject }) => subject.startsWith(prefix)).length;
  if (told < deadLetters.length) {
    report(
      'I7',
      `shard ${shard}: ${deadLetters.length - told} messages are neither applied nor dead letters`,
    );
  }
}
