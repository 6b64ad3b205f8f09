/** Puts the events of one commit together by pool: what is published as one message. */
import { formatSequence } from '../../protocol/event.ts';
import { MAX_PACK_BYTES, MAX_PACK_EVENTS } from '../../protocol/packs.ts';
import type { RenderedEvent } from './render.ts';

export interface Pack {
  readonly subject: string;
  /** `<id of the first event>_<id of the last>`: the same id has the same bytes, wherever a replay cuts its commits. */
  readonly id: string;
  /** `sequence` of the first and of the last event. */
  readonly first: string;
  readonly last: string;
  readonly count: number;
  /** A JSON array of the events. */
  readonly json: string;
}

/** In the order of each pool's first event; a pool's packs in the order of its events. */
export function packsOf(events: readonly RenderedEvent[]): Pack[] {
  const open = new Map<string, OpenPack>();
  const packs: OpenPack[] = [];
  for (const event of events) {
    const bytes = Buffer.byteLength(event.json) + 1;
    let pack = open.get(event.subject);
    if (pack === undefined || !pack.hasRoomFor(bytes)) {
      pack = new OpenPack(event.subject);
      open.set(event.subject, pack);
      packs.push(pack);
    }
    pack.add(event, bytes);
  }
  return packs.flatMap((pack) => pack.close() ?? []);
}

/** Bytes of the array's brackets. */
const BRACKETS = 2;

class OpenPack {
  readonly #subject: string;
  readonly #events: RenderedEvent[] = [];
  #bytes = BRACKETS;

  constructor(subject: string) {
    this.#subject = subject;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#events.length < MAX_PACK_EVENTS && this.#bytes + bytes <= MAX_PACK_BYTES;
  }

  add(event: RenderedEvent, bytes: number): void {
    this.#events.push(event);
    this.#bytes += bytes;
  }

  close(): Pack | undefined {
    const [first] = this.#events;
    const last = this.#events.at(-1);
    if (first === undefined || last === undefined) return undefined;
    return {
      subject: this.#subject,
      id: `${first.id}_${last.id}`,
      first: formatSequence(first.sequence),
      last: formatSequence(last.sequence),
      count: this.#events.length,
      json: `[${this.#events.map(({ json }) => json).join(',')}]`,
    };
  }
}

/**
 * Rounds in which packs are published: of each pool at most one in a round, and the next round when this one is stored.
 * So no pack of a pool is ever stored before an earlier one of it, whatever is refused.
 */
export function roundsOf(packs: readonly Pack[]): Pack[][] {
  const rounds: Pack[][] = [];
  const counts = new Map<string, number>();
  for (const pack of packs) {
    const round = counts.get(pack.subject) ?? 0;
    counts.set(pack.subject, round + 1);
    const others = rounds[round];
    if (others === undefined) rounds.push([pack]);
    else others.push(pack);
  }
  return rounds;
}
