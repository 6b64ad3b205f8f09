/**
 * A history, put in order: what the log says, what was told, what was published. It knows the public protocol, and
 * nothing of who implements it or how.
 */
import type { ConvergeEvent } from '../../../src/protocol/event.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { Entry, EntryOf } from '../history/entries.ts';

/** A decision as the log holds it: the first time, and how often after that. */
export interface LoggedDecision {
  readonly key: string;
  readonly agent: string;
  readonly seq: number;
  readonly type: string;
  readonly copies: readonly number[];
}

export interface HeardOutcome {
  readonly outcome: Outcome;
  readonly text: string;
  readonly via: 'result' | 'query';
  readonly at: number;
}

export type StoredPack = EntryOf<'pack'>;

export interface Testimony {
  /** By pool, agent and decision id. */
  readonly decisions: ReadonlyMap<string, LoggedDecision>;
  /** Places of the log that hold what is no decision. */
  readonly unreadable: readonly number[];
  /** Decisions that the log confirmed, while it was the right one, with every place that it named. */
  readonly acknowledged: ReadonlyMap<string, ReadonlySet<number>>;
  /** Decisions that were sent for the first time while the log was a wrong one. */
  readonly sentToWrongLog: ReadonlyMap<string, { readonly from: number; readonly to: number }>;
  readonly poison: ReadonlySet<number>;
  readonly outcomes: ReadonlyMap<string, readonly HeardOutcome[]>;
  /** In the order of the stream, repeats and all. */
  readonly events: readonly ConvergeEvent[];
  /** What they came in. */
  readonly packs: readonly StoredPack[];
  readonly deadLetters: ReadonlySet<number>;
  /** Steps in which the system tells what it owes: place in the log → id. They have events, and no outcome. */
  readonly settles: ReadonlyMap<number, string>;
}

/** Who speaks for the system itself. */
const SYSTEM = '_sweeper';

/** An id belongs to an agent in a pool. */
export interface Key {
  readonly pool: string;
  readonly agent: string;
  readonly id: string;
}

export function keyOf({ pool, agent, id }: Key): string {
  return `${pool}.${agent}.${id}`;
}

export function testimonyOf(entries: readonly Entry[]): Testimony {
  const wrong = wrongLogTimes(entries);
  const during = (at: number): { from: number; to: number } | undefined =>
    wrong.find(({ from, to }) => at >= from && at <= to);
  const decisions = new Map<string, LoggedDecision & { copies: number[] }>();
  const unreadable: number[] = [];
  const acknowledged = new Map<string, Set<number>>();
  const firstSent = new Map<string, number>();
  const outcomes = new Map<string, HeardOutcome[]>();
  const events: ConvergeEvent[] = [];
  const packs: StoredPack[] = [];
  const poison = new Set<number>();
  const deadLetters = new Set<number>();
  const settles = new Map<number, string>();

  for (const entry of entries) {
    switch (entry.t) {
      case 'sent': {
        const key = keyOf(entry);
        if (!firstSent.has(key)) firstSent.set(key, entry.at);
        break;
      }
      case 'ack': {
        if (during(entry.at) !== undefined) break;
        const key = keyOf(entry);
        acknowledged.set(key, (acknowledged.get(key) ?? new Set()).add(entry.seq));
        break;
      }
      case 'outcome': {
        const key = keyOf(entry);
        const { text, via, at } = entry;
        const heard = { outcome: JSON.parse(text) as Outcome, text, via, at };
        outcomes.set(key, [...(outcomes.get(key) ?? []), heard]);
        break;
      }
      case 'poison':
        if (during(entry.at) === undefined) poison.add(entry.seq);
        break;
      case 'logged': {
        const decision = decisionOf(entry);
        if (decision === undefined) unreadable.push(entry.seq);
        else {
          if (decision.agent === SYSTEM && decision.type === 'Settle') settles.set(entry.seq, decision.id);
          const known = decisions.get(decision.key);
          if (known === undefined) decisions.set(decision.key, { ...decision, copies: [] });
          else known.copies.push(entry.seq);
        }
        break;
      }
      case 'event':
        events.push(JSON.parse(entry.text) as ConvergeEvent);
        break;
      case 'pack':
        packs.push(entry);
        break;
      case 'deadletter':
        deadLetters.add(entry.seq);
        break;
    }
  }
  const sentToWrongLog = new Map(
    [...firstSent].flatMap(([key, at]) => {
      const time = during(at);
      return time === undefined ? [] : [[key, time] as const];
    }),
  );
  return {
    decisions,
    unreadable,
    acknowledged,
    sentToWrongLog,
    poison,
    outcomes,
    events,
    packs,
    deadLetters,
    settles,
  };
}

function wrongLogTimes(entries: readonly Entry[]): { from: number; to: number }[] {
  const times: { from: number; to: number }[] = [];
  for (const entry of entries) {
    if (entry.t !== 'wrong-log') continue;
    const open = times.at(-1);
    if (entry.phase === 'begin') times.push({ from: entry.at, to: Number.POSITIVE_INFINITY });
    else if (open !== undefined) open.to = entry.at;
  }
  return times;
}

/** `<ns>.decisions.<shard>.<pool>.<agent>` with a JSON object that has an id; undefined for everything else. */
function decisionOf({
  seq,
  subject,
  text,
}: EntryOf<'logged'>): (Omit<LoggedDecision, 'copies'> & { readonly id: string }) | undefined {
  const [, , , pool, agent, ...rest] = subject.split('.');
  if (pool === undefined || agent === undefined || rest.length > 0) return undefined;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
  const id: unknown = Reflect.get(body, 'id');
  const type: unknown = Reflect.get(body, 'type');
  if (typeof id !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(id)) return undefined;
  return { key: keyOf({ pool, agent, id }), id, agent, seq, type: String(type) };
}
