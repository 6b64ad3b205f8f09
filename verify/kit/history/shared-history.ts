/** Auctions, votes, negotiations and delegations, as their events tell of them: opened once, and ended for good. */
import type { EventPlace } from './event-order.ts';
import type { SeenEvent } from './seen-event.ts';
import type { Report } from './violation.ts';

interface Seen {
  readonly voters: Set<string>;
  readonly isChangeable: boolean;
  state: 'open' | 'awarded' | 'ended';
}

const OPENINGS: ReadonlySet<string> = new Set(['opened', 'granted']);
const ENDINGS: Readonly<Record<string, ReadonlySet<string>>> = {
  auction: new Set(['unsold', 'cancelled']),
  vote: new Set(['closed']),
  negotiation: new Set(['accepted', 'rejected', 'expired']),
  delegation: new Set(['revoked', 'expired']),
};
/** A winner may lose what it has won, and then the next one has it, or nobody. */
const AFTER_AWARD: ReadonlySet<string> = new Set(['awarded', 'unsold']);

export class SharedHistory {
  readonly #report: Report;
  readonly #seen = new Map<string, Seen>();

  constructor(report: Report) {
    this.#report = report;
  }

  follow({ id, type, subject, data }: SeenEvent, { pool }: EventPlace): void {
    const [, entity = '', verb = ''] = type.split('.');
    const endings = ENDINGS[entity];
    if (endings === undefined) return;
    const key = `${pool}/${subject}`;
    const seen = this.#seen.get(key);
    if (OPENINGS.has(verb)) {
      if (seen !== undefined) this.#report('opened_twice', key, `${id}: ${type}`);
      this.#seen.set(key, { voters: new Set(), isChangeable: data.changeable !== false, state: 'open' });
      return;
    }
    if (seen === undefined) {
      this.#report('unknown_entity', key, `${id}: ${type}`);
      return;
    }
    if (verb === 'removed') {
      if (seen.state === 'open') this.#report('removed_unfinished', key, `${id}: it is open`);
      this.#seen.delete(key);
      return;
    }
    if (seen.state === 'ended' || (seen.state === 'awarded' && !AFTER_AWARD.has(verb))) {
      this.#report('changed_after_end', key, `${id}: ${type} after it was ${seen.state}`);
    }
    if (verb === 'cast') this.#cast(key, seen, id, String(data.voter));
    if (verb === 'awarded') seen.state = 'awarded';
    if (endings.has(verb)) seen.state = 'ended';
  }

  #cast(key: string, { voters, isChangeable }: Seen, id: string, voter: string): void {
    if (voters.has(voter) && !isChangeable) this.#report('voted_twice', key, `${id}: by ${voter}`);
    voters.add(voter);
  }
}
