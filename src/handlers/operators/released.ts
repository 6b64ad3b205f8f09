import type { DomainEvent } from '../events.ts';

/** Ids of the tasks that go back to pending. */
export function releasedIn(events: readonly DomainEvent[]): string[] {
  return events.filter(({ type }) => type === 'task.released').map(({ id }) => id);
}
