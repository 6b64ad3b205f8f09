/** From what was applied to the texts that are stored and published: outcomes and CloudEvents. */

import { publicAuctionData } from '../../handlers/auctions/published.ts';
import type { AppliedDecision } from '../../handlers/kernel/applied.ts';
import { type DomainEvent, isAuctionEvent, isTaskEvent } from '../../handlers/kernel/events.ts';
import { publicOpening } from '../../handlers/votes/events.ts';
import type { AppliedEvent } from '../../handlers/world/world.ts';
import { eventId, formatSequence } from '../../protocol/event.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { shownAdmission } from '../../protocol/visibility.ts';

/** Where and when a decision was applied, and whose it was. */
export interface Applied {
  readonly decisionId: string;
  readonly type: string;
  readonly agent: string;
  readonly pool: string;
  /** Hash of the bytes that were decided on. */
  readonly body: string;
  readonly shard: number;
  readonly seq: number;
  readonly at: number;
}

export interface RenderedEvent {
  /** Where the packs of its pool are published. */
  readonly subject: string;
  readonly sequence: number;
  readonly id: string;
  readonly json: string;
}

/**
 * The outcome as JSON. Written out member by member, because JSON.stringify of the whole takes three times as long and
 * this is done for every decision; names, ids and codes have no characters that JSON escapes.
 */
export function renderOutcome(
  { decisionId, type, agent, pool, body, shard, seq, at }: Applied,
  { status, code, message, transient, data }: AppliedDecision,
  events: readonly RenderedEvent[],
): string {
  let ids = '';
  for (const { id } of events) ids += ids === '' ? `"${id}"` : `,"${id}"`;
  return (
    `{"decisionId":"${decisionId}","type":"${type}","agent":"${agent}","pool":"${pool}","body":"${body}"` +
    `,"status":"${status}"` +
    `${code === undefined ? '' : `,"code":"${code}"`}` +
    `${message === undefined ? '' : `,"message":${JSON.stringify(message)}`}` +
    `${transient === true ? ',"transient":true' : ''}` +
    `${data === undefined ? '' : `,"data":${JSON.stringify(data)}`}` +
    `,"events":[${ids}],"shard":${shard},"seq":${seq},"at":${at}}`
  );
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

/** A `ConvergeEvent` as JSON, written out for the same reason as outcomes are. */
function renderEvent(
  applied: Applied,
  { pool, event, principal, because }: AppliedEvent,
  sequence: number,
  id: string,
  subjects: Subjects,
): RenderedEvent {
  const dot = event.type.indexOf('.');
  const entity = event.type.slice(0, dot);
  const json =
    `{"specversion":"1.0","id":"${id}","type":"converge.${event.type}","source":"/pools/${pool}"` +
    `,"subject":"${entity}/${event.id}","time":"${rfc3339(applied.at)}","datacontenttype":"application/json"` +
    `,"sequence":"${formatSequence(sequence)}","causationid":"${because?.cause ?? applied.decisionId}","actor":"${because?.actor ?? applied.agent}"` +
    `${principal === undefined ? '' : `,"principal":"${principal}"`},"data":${JSON.stringify(publicData(event))}}`;
  return { subject: subjects.events(applied.shard, pool), sequence, id, json };
}

/**
 * The public part of an event: everything but the digest of a pool's token, which could be guessed offline, the names of
 * all members whenever a vote asks them, and what is secret about an auction until it closes.
 */
function publicData(event: DomainEvent): object {
  if (isTaskEvent(event)) return event.data;
  if (isAuctionEvent(event)) return publicAuctionData(event);
  if (event.type === 'vote.opened') return publicOpening(event.data);
  if (event.type !== 'pool.created' && event.type !== 'pool.updated') return event.data;
  const { admission } = event.data;
  return admission === undefined ? event.data : { ...event.data, admission: shownAdmission(admission) };
}
