import type { Delegation } from '../../protocol/delegations.ts';
import type { DelegationEvent } from './events.ts';

/** What it is after an event; undefined when it is no more. */
export function evolveDelegation(
  delegation: Delegation | undefined,
  event: DelegationEvent,
  _pool: string,
  _now: number,
): Delegation | undefined {
  switch (event.type) {
    case 'delegation.removed':
      return delegation === undefined ? undefined : undefined;
  }
}
