/**
 * The stream of events: each has its cause, the same id always says the same, and the events of a pool are numbered
 * without a gap and stand in the order in which the log caused them. Repeats are allowed, as long as the first of each
 * stands in its place.
 */
import { effectsMissing } from './effects.ts';
import { keyOf, type StoredEvent, type Testimony } from './testimony.ts';
import type { Report } from './violation.ts';

interface Place {
  readonly shard: number;
  readonly seq: number;
  readonly n: number;
}

/** The events as a subscriber takes them: the first of each id. */
export function checkEvents(testimony: Testimony, report: Report): StoredEvent[] {
  const firsts = onceEach(testimony.events, report);
  checkOrder(firsts, report);
  checkCauses(firsts, testimony, report);
  return firsts;
}

function onceEach(events: readonly StoredEvent[], report: Report): StoredEvent[] {
  const seen = new Map<string, StoredEvent>();
  for (const stored of events) {
    const { event, text, place, messageId } = stored;
    if (messageId !== event.id)
      report({
        class: 'staleEvents',
        rule: 'message_id',
        about: event.id,
        what: `published as ${messageId}`,
      });
    const known = seen.get(event.id);
    if (known === undefined) seen.set(event.id, stored);
    else if (known.text !== text)
      report({
        class: 'staleEvents',
        rule: 'event_changed',
        about: event.id,
        what: `at ${known.place} and, in other words, at ${place}`,
      });
  }
  return [...seen.values()];
}

function checkOrder(events: readonly StoredEvent[], report: Report): void {
  const pools = new Map<string, { sequence: number; place: Place | undefined }>();
  for (const { event } of events) {
    const last = pools.get(event.source) ?? { sequence: 0, place: undefined };
    const sequence = Number(event.sequence);
    if (sequence !== last.sequence + 1)
      report({
        class: 'staleEvents',
        rule: 'sequence',
        about: event.id,
        what: `${event.source}: ${sequence} after ${last.sequence}`,
      });
    const place = placeOf(event.id);
    if (place === undefined)
      report({
        class: 'staleEvents',
        rule: 'event_id',
        about: event.id,
        what: 'it does not say where it comes from',
      });
    else if (last.place !== undefined && !isAfter(place, last.place))
      report({
        class: 'staleEvents',
        rule: 'order',
        about: event.id,
        what: `${event.source}: after one of ${last.place.seq}`,
      });
    pools.set(event.source, { sequence, place });
  }
}

function isAfter(one: Place, other: Place): boolean {
  return one.shard === other.shard && (one.seq > other.seq || (one.seq === other.seq && one.n > other.n));
}

function placeOf(id: string): Place | undefined {
  const [shard, seq, n, ...rest] = id.split('-').map(Number);
  if (shard === undefined || seq === undefined || n === undefined || rest.length > 0) return undefined;
  return [shard, seq, n].every(Number.isInteger) ? { shard, seq, n } : undefined;
}

/** Every event belongs to the outcome of the decision at its place, and every outcome has all the events that it names. */
function checkCauses(events: readonly StoredEvent[], { outcomes }: Testimony, report: Report): void {
  const byPlace = new Map(
    [...outcomes.values()].flatMap(([heard]) =>
      heard === undefined ? [] : [[heard.outcome.seq, heard.outcome] as const],
    ),
  );
  const published = new Map<string, StoredEvent[]>();
  const causes = new Map<string, number>();
  for (const stored of events) {
    const { event } = stored;
    const place = placeOf(event.id);
    const cause = place === undefined ? undefined : byPlace.get(place.seq);
    if (cause === undefined || cause.decisionId !== event.causationid)
      report({
        class: 'staleEvents',
        rule: 'no_cause',
        about: event.id,
        what: `${event.type}: nothing is known of ${event.causationid} there`,
      });
    else if (cause.events[place?.n ?? -1] !== event.id)
      report({
        class: 'staleEvents',
        rule: 'not_named',
        about: event.id,
        what: `${event.type}: the outcome of ${event.causationid} does not name it`,
      });
    const effect = `${event.source} ${event.actor} ${event.causationid}`;
    const seq = place?.seq ?? 0;
    const before = causes.get(effect) ?? seq;
    if (before !== seq)
      report({
        class: 'appliedTwice',
        rule: 'two_effects',
        about: event.causationid,
        what: `events of it at ${before} and at ${seq}`,
      });
    causes.set(effect, before);
    if (cause !== undefined) {
      const key = keyOf({ pool: cause.pool, agent: cause.agent, id: cause.decisionId });
      published.set(key, [...(published.get(key) ?? []), stored]);
    }
  }
  for (const [key, [heard]] of outcomes) {
    if (heard === undefined) continue;
    const { outcome } = heard;
    const found = published.get(key) ?? [];
    const ids = new Set(found.map(({ event }) => event.id));
    const missing = outcome.events.filter((id) => !ids.has(id));
    if (missing.length > 0)
      report({
        class: 'lost',
        rule: 'event_missing',
        about: key,
        what: `${outcome.type}: ${missing.join(', ')}`,
      });
    else if (outcome.status === 'rejected' && outcome.events.length > 0)
      report({
        class: 'staleWrites',
        rule: 'rejected_with_effect',
        about: key,
        what: `${outcome.code}: ${outcome.events.join(', ')}`,
      });
    else
      for (const what of effectsMissing(
        outcome,
        found.map(({ event }) => event),
      ))
        report({ class: 'lost', rule: 'no_effect', about: key, what });
  }
}
