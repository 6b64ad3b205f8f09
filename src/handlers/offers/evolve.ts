import type { Claim } from '../../protocol/documents.ts';
import { MAX_PASSED } from '../../protocol/limits.ts';
import type { Offer } from '../../protocol/offers.ts';
import type { ReleaseCause, TaskEvent } from '../kernel/events.ts';
import type { OfferEvent } from './events.ts';

/** Where and when an event stands. `turn` is the next one of the pool. */
interface At {
  readonly pool: string;
  readonly now: number;
  readonly order: number;
  readonly turn: number;
}

/** Returns the offer after an event; undefined when it has ended. */
export function evolveOffer(event: OfferEvent, { pool, now, order, turn }: At): Offer | undefined {
  if (event.type !== 'offer.made') return undefined;
  return { pool, agent: event.id, turn, ...event.data, madeAt: now, order, heardAt: now };
}

/** After these the agent has had the task, and gave it back or had to: it is not handed to its offers again. */
const PASSED: ReadonlySet<ReleaseCause> = new Set(['released', 'forced', 'not_started']);

/**
 * What an event of a task changes about an offer of the agent that it names. `claim` is the one of the task before it. Returns the
 * same object where nothing changes.
 */
export function offerAfter(offer: Offer, event: TaskEvent, claim: Claim | undefined, turn: number): Offer {
  switch (event.type) {
    case 'task.claimed':
      return event.data.offer === offer.offer ? { ...offer, turn } : offer;
    case 'task.retried':
      return passing(offer, event.id);
    case 'task.released': {
      const { why } = event.data;
      if (!PASSED.has(why)) return offer;
      const passed = passing(offer, event.id);
      if (why !== 'not_started' || claim?.offer !== offer.offer) return passed;
      return { ...passed, resting: true, missed: (offer.missed ?? 0) + 1 };
    }
    default:
      return offer;
  }
}

function passing(offer: Offer, taskId: string): Offer {
  const others = (offer.passed ?? []).filter((id) => id !== taskId);
  return { ...offer, passed: [...others, taskId].slice(-MAX_PASSED) };
}

/** The agent has decided something about a claim here: it is at work. Returns the same object where nothing changes. */
export function atWork(offer: Offer): Offer {
  if (offer.resting === undefined && offer.missed === undefined) return offer;
  const { resting: _resting, missed: _missed, ...rest } = offer;
  return rest;
}
