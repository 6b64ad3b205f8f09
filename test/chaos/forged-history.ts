/** A small history in which everything is right, for tests to make something wrong in. */
import type { Entry, EntryOf } from '../../verify/chaos/history/entries.ts';

const START = 1_700_000_000_000;
const POOL = 'p';
const SHARD = 0;

interface Step {
  readonly agent: string;
  readonly id: string;
  readonly type: string;
  readonly status?: 'accepted' | 'rejected';
  /** Events as `[type, subject, data]`. */
  readonly events?: readonly (readonly [string, string, object])[];
}

/** A task is claimed, lost by expiry, claimed by another, and reported; the first comes too late. */
const STORY: readonly Step[] = [
  { agent: 'ann', id: 'd1', type: 'CreatePool', events: [['pool.created', 'pool/p', {}]] },
  {
    agent: 'ann',
    id: 'd2',
    type: 'SubmitTask',
    events: [['task.submitted', 'task/t', { state: 'pending' }]],
  },
  {
    agent: 'bob',
    id: 'd3',
    type: 'ClaimTask',
    events: [['task.claimed', 'task/t', { agent: 'bob', epoch: 1, expiresAt: START + 3_500 }]],
  },
  {
    agent: '_sweeper',
    id: 's1',
    type: 'Sweep',
    events: [['task.expired', 'task/t', { agent: 'bob', epoch: 1, expiries: 1 }]],
  },
  {
    agent: 'cat',
    id: 'd5',
    type: 'ClaimTask',
    events: [['task.claimed', 'task/t', { agent: 'cat', epoch: 2, expiresAt: START + 60_000 }]],
  },
  { agent: 'bob', id: 'd6', type: 'ReportTask', status: 'rejected' },
  {
    agent: 'cat',
    id: 'd7',
    type: 'ReportTask',
    events: [['task.completed', 'task/t', { agent: 'cat', epoch: 2, result: 1 }]],
  },
];

/** Decision `i` stands at place `i + 1` of the log, a second after the one before. */
export function history(): Entry[] {
  let sequence = 0;
  return STORY.flatMap(({ agent, id, type, status = 'accepted', events = [] }, i) => {
    const seq = i + 1;
    const at = START + seq * 1_000;
    const published = events.map(([eventType, subject, data], n): EntryOf<'event'> => {
      sequence++;
      return eventEntry(sequence, {
        specversion: '1.0',
        id: `${SHARD}-${seq}-${n}`,
        type: `converge.${eventType}`,
        source: `/pools/${POOL}`,
        subject,
        time: new Date(at).toISOString(),
        datacontenttype: 'application/json',
        sequence: String(sequence).padStart(16, '0'),
        causationid: id,
        actor: agent,
        data,
      });
    });
    const outcome = {
      decisionId: id,
      type,
      agent,
      pool: POOL,
      status,
      events: published.map((event) => event.id),
      shard: SHARD,
      seq,
      at,
    };
    return [
      { t: 'sent', at, pool: POOL, agent, id, type },
      { t: 'ack', at, pool: POOL, agent, id, seq },
      loggedEntry(seq, agent, JSON.stringify({ id, type })),
      { t: 'outcome', at, pool: POOL, agent, id, via: 'result', text: JSON.stringify(outcome) },
      ...published,
    ] satisfies Entry[];
  });
}

export function loggedEntry(seq: number, agent: string, text: string): EntryOf<'logged'> {
  const subject = `ns.decisions.${SHARD}.${POOL}.${agent}`;
  return { t: 'logged', seq, time: START + seq * 1_000, subject, text };
}

export function eventEntry(
  place: number,
  event: { readonly id: string; readonly [member: string]: unknown },
): EntryOf<'event'> {
  return { t: 'event', seq: place, id: event.id, subject: 'ns.events.p', text: JSON.stringify(event) };
}

/** The same history, but for the entries of this kind, which are what is made of them. */
export function changed<T extends Entry['t']>(
  kind: T,
  change: (entry: EntryOf<T>) => readonly Entry[],
  entries: readonly Entry[] = history(),
): Entry[] {
  const isMeant = (entry: Entry): entry is EntryOf<T> => entry.t === kind;
  return entries.flatMap((entry) => (isMeant(entry) ? change(entry) : [entry]));
}

/** The text of an entry, with some of its fields as they are here. */
export function altered(text: string, fields: object): string {
  return JSON.stringify({ ...JSON.parse(text), ...fields });
}
