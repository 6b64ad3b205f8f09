/**
 * Token buckets in log time, by the generic cell rate algorithm: of each bucket only one number is kept, the moment at
 * which it is full again, in whole microseconds since the epoch. So nothing is rounded twice, a bucket means the same
 * when its rate is changed, and one that is full again need not be kept at all.
 */
import { MAX_BUCKETS, MINUTE_MS } from '../../protocol/limits.ts';
import { IndexedHeap } from '../world/indexed-heap.ts';

const US_PER_MS = 1_000;
const US_PER_S = 1_000_000;

/** A bucket that is full again stays for so long, so that a Sweep for it alone is rare. */
const SLACK_MS = MINUTE_MS;

export interface Rate {
  readonly perS: number;
  readonly burst: number;
}

interface Bucket {
  readonly key: string;
  readonly fullAtUs: number;
}

export class Buckets {
  readonly #byFullAt = new IndexedHeap<Bucket>((a, b) =>
    a.fullAtUs !== b.fullAtUs ? a.fullAtUs < b.fullAtUs : a.key < b.key,
  );
  #changed = new Map<string, number | undefined>();
  #touched = 0;

  get size(): number {
    return this.#byFullAt.size;
  }

  load(key: string, fullAtUs: number): void {
    this.#byFullAt.set(key, { key, fullAtUs });
  }

  /** How long to wait before `count` decisions fit, milliseconds; 0 when they do now. Takes nothing. */
  waitMs(key: string, { perS, burst }: Rate, count: number, nowMs: number): number {
    const bucket = this.#byFullAt.get(key);
    if (bucket === undefined && this.size >= MAX_BUCKETS) return SLACK_MS;
    const nowUs = nowMs * US_PER_MS;
    const everyUs = intervalUs(perS);
    // More than the bucket ever holds fits when it is full.
    const filled = Math.max(bucket?.fullAtUs ?? 0, nowUs) + Math.min(count, burst) * everyUs;
    const waitUs = filled - nowUs - burst * everyUs;
    return waitUs <= 0 ? 0 : Math.ceil(waitUs / US_PER_MS);
  }

  /** How many decisions of the burst are taken at this moment. */
  used(key: string, { perS, burst }: Rate, nowMs: number): number {
    const leftUs = (this.#byFullAt.get(key)?.fullAtUs ?? 0) - nowMs * US_PER_MS;
    return Math.min(burst, Math.max(0, Math.ceil(leftUs / intervalUs(perS))));
  }

  take(key: string, { perS, burst }: Rate, count: number, nowMs: number): void {
    const from = Math.max(this.#byFullAt.get(key)?.fullAtUs ?? 0, nowMs * US_PER_MS);
    const fullAtUs = from + Math.min(count, burst) * intervalUs(perS);
    this.#byFullAt.set(key, { key, fullAtUs });
    this.#changed.set(key, fullAtUs);
    this.#touched++;
  }

  /** When a Sweep has one to forget: log time. */
  nextDue(): number | undefined {
    const first = this.#byFullAt.peek();
    return first === undefined ? undefined : Math.ceil(first.fullAtUs / US_PER_MS) + SLACK_MS;
  }

  /** Forgets some of those that have long been full, the oldest first. */
  forget(untilMs: number, most: number): void {
    for (let i = 0; i < most && (this.nextDue() ?? Number.POSITIVE_INFINITY) <= untilMs; i++) {
      const key = this.#byFullAt.peek()?.key ?? '';
      this.#byFullAt.delete(key);
      this.#changed.set(key, undefined);
      this.#touched++;
    }
  }

  /** How many times one changed since the last call. */
  takeTouched(): number {
    const touched = this.#touched;
    this.#touched = 0;
    return touched;
  }

  /** Changes since the last call; undefined for removed ones. */
  takeChanges(): ReadonlyMap<string, number | undefined> {
    const taken = this.#changed;
    // Also when there is nothing in it: what was taken must not change with what comes later.
    this.#changed = new Map();
    return taken;
  }

  /** All of them, in the order in which they are full again. */
  all(): readonly (readonly [string, number])[] {
    return this.#byFullAt
      .first(Number.POSITIVE_INFINITY)
      .map(({ key, fullAtUs }) => [key, fullAtUs] as const);
  }
}

/** Whole microseconds: rates that do not divide a million are a little higher than they say. */
function intervalUs(perS: number): number {
  return Math.max(1, Math.floor(US_PER_S / perS));
}
