/** The order of the event stream: per pool, numbers without gap, in the order of the log. */
import { digestOf } from './digest.ts';
import type { SeenEvent } from './seen-event.ts';
import type { Report } from './violation.ts';

/** Where an event comes from, as its id says: the n-th event of the decision at `seq` of the log. */
export interface EventPlace {
  readonly pool: string;
  readonly shard: number;
  readonly seq: number;
  readonly n: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface PoolOrder {
  readonly number: number;
  readonly place: EventPlace;
}

export class EventOrder {
  readonly #report: Report;
  readonly #pools = new Map<string, PoolOrder>();
  readonly #digests = new Map<string, string>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** Different events so far. */
  get count(): number {
    return this.#digests.size;
  }

  /** Number of the latest event of each pool. */
  numbers(): Map<string, number> {
    return new Map([...this.#pools].map(([pool, { number }]) => [pool, number]));
  }

  /** The place of an event that is new; undefined for one that came before, or is no event at all. */
  take(event: SeenEvent): EventPlace | undefined {
    const place = placeOf(event);
    const number = /^\d{16}$/.test(event.sequence) ? Number(event.sequence) : Number.NaN;
    if (place === undefined || Number.isNaN(number)) {
      this.#report('malformed_event', String(event.id), `${event.type} of ${event.source}`);
      return undefined;
    }
    const digest = digestOf(JSON.stringify(event));
    const known = this.#digests.get(event.id);
    if (known !== undefined) {
      if (known !== digest) this.#report('event_changed', event.id, `${event.type} came with other content`);
      return undefined;
    }
    this.#digests.set(event.id, digest);
    this.#follow(event, place, number);
    return place;
  }

  #follow(event: SeenEvent, place: EventPlace, number: number): void {
    const { pool } = place;
    const last = this.#pools.get(pool);
    const next = (last?.number ?? 0) + 1;
    if (number > next) this.#report('sequence_gap', pool, `${event.id} is number ${number}, not ${next}`);
    if (number < next) {
      this.#report('sequence_repeated', pool, `${event.id} is number ${number} after ${next - 1}`);
    }
    if (last !== undefined && !isAfter(place, last.place)) {
      const { shard, seq, n } = last.place;
      this.#report('log_order', pool, `${event.id} comes after ${shard}-${seq}-${n}`);
    }
    // One of the same name may be created again: it begins at the beginning.
    if (event.type === 'converge.pool.removed') this.#pools.delete(pool);
    else this.#pools.set(pool, { number: Math.max(number, next - 1), place });
  }
}

function isAfter(place: EventPlace, before: EventPlace): boolean {
  const isLater = place.seq > before.seq || (place.seq === before.seq && place.n > before.n);
  return place.shard === before.shard && isLater && place.at >= before.at;
}

function placeOf({ id, source, time }: SeenEvent): EventPlace | undefined {
  const [, shard, seq, n] = /^(\d+)-(\d+)-(\d+)$/.exec(id) ?? [];
  const [, pool] = /^\/pools\/([A-Za-z0-9_-]+)$/.exec(source) ?? [];
  const at = Date.parse(time);
  if (pool === undefined || n === undefined || Number.isNaN(at)) return undefined;
  return { pool, shard: Number(shard), seq: Number(seq), n: Number(n), at };
}
