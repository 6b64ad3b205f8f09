/**
 * Packs: the events of one pool and one commit travel as one message, a JSON array of CloudEvents (docs/protocol.md,
 * "Packs"). A server keeps one subject for each pool and one id for each pack, where a message an event would be one for
 * each event.
 */
import type { ConvergeEvent } from './event.ts';
import { isObject } from './json.ts';

/** The CloudEvents JSON batch format, also for a single event. */
export const PACK_CONTENT_TYPE = 'application/cloudevents-batch+json';

/** Headers of a pack: the `sequence` of its first and its last event, and how many they are. */
export const PACK_HEADERS = {
  first: 'Converge-First',
  last: 'Converge-Last',
  events: 'Converge-Events',
} as const;

/** The bounds of a pack: what is beyond goes into the next one. A single larger event is a pack of its own. */
export const MAX_PACK_BYTES = 512 * 1024;
export const MAX_PACK_EVENTS = 1_000;

/**
 * What a pack holds. What is no event is left out: only the workers write here, unless the permissions say otherwise.
 * A place in a pack is a place in its array, so left-out ones keep theirs as undefined.
 */
export function eventsIn(data: Uint8Array): readonly (ConvergeEvent | undefined)[] {
  try {
    const body: unknown = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString());
    if (!Array.isArray(body)) return [];
    return body.map((entry: unknown) => (isEvent(entry) ? entry : undefined));
  } catch {
    return [];
  }
}

function isEvent(body: unknown): body is ConvergeEvent {
  return (
    isObject(body) &&
    typeof body.id === 'string' &&
    typeof body.type === 'string' &&
    typeof body.source === 'string' &&
    typeof body.subject === 'string' &&
    typeof body.time === 'string'
  );
}
