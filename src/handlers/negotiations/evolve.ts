import type { Negotiation } from '../../protocol/negotiations.ts';
import type { NegotiationEvent } from './events.ts';

/** What it is after an event; undefined when it is no more. */
export function evolveNegotiation(
  negotiation: Negotiation | undefined,
  event: NegotiationEvent,
  _pool: string,
  _now: number,
): Negotiation | undefined {
  switch (event.type) {
    case 'negotiation.removed':
      return negotiation === undefined ? undefined : undefined;
  }
}
