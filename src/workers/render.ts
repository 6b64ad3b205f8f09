/** From what was applied to the texts that are stored and published: outcomes and CloudEvents. */
import type { AppliedDecision } from '../handlers/apply.ts';
import { publicAuctionData } from '../handlers/auctions/published.ts';
import { type DomainEvent, isAuctionEvent } from '../handlers/events.ts';
import { publicOpening } from '../handlers/votes/events.ts';
import type { AppliedEvent } from '../handlers/world/world.ts';
import { type ConvergeEvent, eventId, formatSequence } from '../protocol/event.ts';
import type { Outcome } from '../protocol/outcome.ts';
import type { Subjects } from '../protocol/subjects.ts';

/** Where and when a decision was applied, and whose it was. */
export interface Applied {
  readonly decisionId: string;
  readonly type: string;
  readonly agent: string;
  readonly pool: string;
  readonly shard: number;
  readonly seq: number;
  readonly at: number;
}

export interface RenderedEvent {
  readonly subject: string;
  readonly id: string;
  readonly json: string;
}

export function renderOutcome(
  applied: Applied,
  result: AppliedDecision,
  events: readonly RenderedEvent[],
): string {
  const outcome: Outcome = {
    decisionId: applied.decisionId,
    type: applied.type,
    agent: applied.agent,
    pool: applied.pool,
    status: result.status,
    ...(result.code === undefined ? {} : { code: result.code }),
    ...(result.message === undefined ? {} : { message: result.message }),
    ...(result.transient === true ? { transient: true } : {}),
    ...(result.data === undefined ? {} : { data: result.data }),
    events: events.map(({ id }) => id),
    shard: applied.shard,
    seq: applied.seq,
    at: applied.at,
  };
  return JSON.stringify(outcome);
}

export function renderEvents(
  applied: Applied,
  events: readonly AppliedEvent[],
  subjects: Subjects,
): RenderedEvent[] {
  const rendered: RenderedEvent[] = [];
  for (const happened of events) {
    if (happened.sequence === undefined) continue;
    const id = eventId(applied.shard, applied.seq, rendered.length);
    rendered.push(renderEvent(applied, happened, happened.sequence, id, subjects));
  }
  return rendered;
}

let lastTime: { at: number; text: string } = { at: 0, text: new Date(0).toISOString() };

/** Events of one batch share their millisecond, more often than not. */
function rfc3339(at: number): string {
  if (lastTime.at !== at) lastTime = { at, text: new Date(at).toISOString() };
  return lastTime.text;
}

function renderEvent(
  applied: Applied,
  { pool, event, principal }: AppliedEvent,
  sequence: number,
  id: string,
  subjects: Subjects,
): RenderedEvent {
  const dot = event.type.indexOf('.');
  const entity = event.type.slice(0, dot);
  const verb = event.type.slice(dot + 1);
  const cloudEvent: ConvergeEvent = {
    specversion: '1.0',
    id,
    type: `converge.${event.type}`,
    source: `/pools/${pool}`,
    subject: `${entity}/${event.id}`,
    time: rfc3339(applied.at),
    datacontenttype: 'application/json',
    sequence: formatSequence(sequence),
    causationid: applied.decisionId,
    actor: applied.agent,
    ...(principal === undefined ? {} : { principal }),
    data: { ...publicData(event) },
  };
  return { subject: subjects.event(pool, entity, event.id, verb), id, json: JSON.stringify(cloudEvent) };
}

/**
 * What subscribers may see: everything but the digest of a pool's token, which could be guessed at leisure, the names of
 * all members whenever a vote asks them, and what is secret about an auction until it closes.
 */
function publicData(event: DomainEvent): object {
  if (isAuctionEvent(event)) return publicAuctionData(event);
  if (event.type === 'vote.opened') return publicOpening(event.data);
  if (event.type !== 'pool.created' || event.data.admission.kind !== 'token') return event.data;
  return { ...event.data, admission: { kind: 'token', sha256: '' } };
}
