/** Shards that this worker cannot hold: given back with an alarm, and tried again after a while unless another takes them. */
import { after, type Timer } from '../../lib/timers.ts';
import type { Alarms } from '../health/alarms.ts';
import type { LeaseHolder } from './leases.ts';

export interface RefusalsOptions {
  readonly leases: () => Pick<LeaseHolder, 'refuse'>;
  readonly alarms: Alarms;
}

/** A worker takes no shard again for so long that it has given back because it could not work on it. */
export const REFUSED_MS = 30_000;
/** A shard that was not refused again by then is worked on, here or elsewhere. */
const FORGOTTEN_AFTER_MS = 2 * REFUSED_MS;

export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #timers = new Map<number, Timer>();

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /** The alarm comes when the shard is given back: what a worker has given away it says nothing else about. */
  refuse(shard: number, why: string): void {
    const { leases, alarms } = this.#options;
    this.#timers.get(shard)?.cancel();
    const forget = (): void => {
      this.#timers.delete(shard);
      alarms.clear('shard_too_large', shard);
    };
    this.#timers.set(shard, after(FORGOTTEN_AFTER_MS, forget).unref());
    const say = (): void =>
      alarms.raise('shard_too_large', shard, 'the shard does not fit into memory: it is given back', {
        reason: why,
      });
    void leases().refuse(shard, REFUSED_MS).finally(say);
  }
}
