/** Offers stand in classes, the same topics and capabilities, and of these a pool has a bound: matching is paid for by class. */
import { MAX_OFFER_CLASSES } from '../../protocol/limits.ts';
import { type Rejected, rateLimited } from '../kernel/decided.ts';
import type { PoolState } from '../world/pool-state.ts';

export function tooManyClasses(
  { doc, offers }: PoolState,
  topics: readonly string[] | undefined,
  capabilities: readonly string[],
): Rejected | undefined {
  if (!offers.isOneClassTooMany(topics, capabilities)) return undefined;
  const met = { quota: 'offerClasses', limit: MAX_OFFER_CLASSES, used: MAX_OFFER_CLASSES };
  const message = `the offers in pool ${doc.pool} have ${met.used} different sets of topics and capabilities, the most that they may have`;
  return rateLimited(message, met);
}
