/** Whether events tell of a history that the rules allow (I2, I4). Returns what is wrong, for the first few that are. */
import { EventHistory } from '../../verify/kit/history/event-history.ts';
import type { SeenEvent } from '../../verify/kit/history/seen-event.ts';

const MOST_FAULTS = 5;

export function faultsIn(events: readonly SeenEvent[]): string[] {
  const faults: string[] = [];
  const history = new EventHistory((rule, where, what) => faults.push(`${rule}: ${where}: ${what}`));
  for (const event of events) {
    history.take(event);
    if (faults.length >= MOST_FAULTS) break;
  }
  return faults;
}
