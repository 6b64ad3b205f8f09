/**
 * How long a message may wait for others before it is committed. The order is the log's, so no agent can overtake one that
 * floods; but others wait during every commit. Therefore rejected decisions, and decisions of agents that have nearly used
 * up their rate, are collected into few commits, and the worker is free when another agent comes. The way in which the log
 * is cut into batches makes no difference to the result.
 */
import { poolKnownTo } from '../../handlers/pools/access.ts';
import { type RateStanding, rateStanding } from '../../handlers/quotas/rates.ts';
import type { World } from '../../handlers/world/world.ts';
import type { DecodedMessage } from './decide-batch.ts';

const DELAY_MS: Readonly<Record<RateStanding, number>> = { within: 0, near: 10, over: 25 };
/** No agent waits for the outcome of a message that cannot be decoded. */
const DEAD_LETTER_MS = 25;

export function batchDelayMs({ message, decoded }: DecodedMessage, world: World): number {
  if (decoded.kind === 'dead') return DEAD_LETTER_MS;
  const { pool, agent } = decoded.address;
  const place = { pool, agent, now: message.at };
  return DELAY_MS[rateStanding(world, place, poolKnownTo(world, place))];
}
