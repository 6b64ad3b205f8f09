import { ConfigurationError } from '../../lib/errors.ts';
import { shortened } from '../../lib/shortened.ts';
import { MAX_TIME_MS } from '../../protocol/limits.ts';
import { isName } from '../../protocol/names.ts';
import { parsePositions } from '../../protocol/positions.ts';
import type { EventStart } from './event-source.ts';

/** Throws a {@link ConfigurationError} for what no feed can ever be opened with: asking again would change nothing. */
export function checkFeed(pool: string | undefined, start: EventStart | undefined): void {
  if (pool !== undefined && !isName(pool)) {
    throw new ConfigurationError(
      `pool of an event feed: letters, digits, _ and -, 1 to 64 of them, not ${JSON.stringify(pool)}`,
    );
  }
  if (start === undefined || start === 'new' || start === 'all') return;
  if (typeof start === 'object' && start !== null) {
    if ('since' in start && isWithin(start.since, MAX_TIME_MS)) return;
    if ('after' in start && typeof start.after === 'string' && isPosition(start.after, pool)) return;
  }
  throw new ConfigurationError(
    `start of an event feed: 'new', 'all', { since: <milliseconds since the epoch> } or ` +
      `{ after: <position of a feed> }, not ${described(start)}`,
  );
}

/** Of a pool the place in one stream; of all pools a place in each. */
function isPosition(text: string, pool: string | undefined): boolean {
  const places = parsePositions(text);
  return places !== undefined && (pool === undefined || places.length === 1);
}

function isWithin(value: unknown, most: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= most;
}

/** NaN and Infinity by their names, which JSON does not have. */
function described(start: unknown): string {
  const text = JSON.stringify(start, (_name, value) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
  return shortened(String(text), 100);
}
