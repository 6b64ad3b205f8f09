/** Events one by one, as packs tell them. */

/** An event, to the byte. */
export interface ToldEvent {
  readonly id: string;
  /** Where its pack was published. */
  readonly subject: string;
  readonly json: string;
}

/** Each event's text, as it stands in the pack: what JSON.stringify writes is what the workers write. */
export function eventTexts({
  subject,
  json,
}: {
  readonly subject: string;
  readonly json: string;
}): ToldEvent[] {
  const events: unknown = JSON.parse(json);
  if (!Array.isArray(events)) throw new Error(`no pack of events on ${subject}: ${json.slice(0, 100)}`);
  return events.map((event: { readonly id: unknown }) => ({
    id: String(event.id),
    subject,
    json: JSON.stringify(event),
  }));
}
