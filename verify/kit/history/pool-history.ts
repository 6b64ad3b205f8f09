/** Pools and their members, as their events tell of them. */
import { COMMONS } from '../../../src/protocol/names.ts';
import type { EventPlace } from './event-order.ts';
import type { SeenEvent } from './seen-event.ts';
import type { Report } from './violation.ts';

class SeenPool {
  isPaused = false;
  readonly members = new Set<string>();
}

const ENDS_MEMBERSHIP: ReadonlySet<string> = new Set(['left', 'expired', 'removed']);

export class PoolHistory {
  readonly #report: Report;
  readonly #pools = new Map([[COMMONS as string, new SeenPool()]]);

  constructor(report: Report) {
    this.#report = report;
  }

  isPaused(pool: string): boolean {
    return this.#pools.get(pool)?.isPaused === true;
  }

  follow(event: SeenEvent, { pool: name }: EventPlace): void {
    const [, entity = '', verb = ''] = event.type.split('.');
    if (entity === 'pool' && verb === 'created' && !this.#pools.has(name)) {
      this.#pools.set(name, new SeenPool());
    }
    const pool = this.#pools.get(name);
    if (pool === undefined) this.#report('unknown_pool', name, `${event.id}: ${event.type}`);
    else if (entity === 'member') this.#followMember(pool, verb, event);
    else if (entity === 'pool') this.#followPool(pool, name, verb);
  }

  #followPool(pool: SeenPool, name: string, verb: string): void {
    if (verb === 'paused') pool.isPaused = true;
    if (verb === 'resumed') pool.isPaused = false;
    if (verb === 'removed') this.#pools.delete(name);
  }

  #followMember({ members }: SeenPool, verb: string, { id, source, subject }: SeenEvent): void {
    const agent = subject.slice('member/'.length);
    if (members.has(agent) === (verb === 'joined')) {
      const what = `${id}: ${verb}, and it ${members.has(agent) ? 'is a member already' : 'is no member'}`;
      this.#report('membership', `${source}/${subject}`, what);
    }
    if (verb === 'joined') members.add(agent);
    if (ENDS_MEMBERSHIP.has(verb)) members.delete(agent);
  }
}
