/**
 * How long a message may wait for company before it is committed. Order is the log's, so nobody can be let past an agent
 * that floods; but every commit is time in which others wait, and so what is refused, or comes from somebody who has
 * nearly used up its rate, is put together into few commits, and the worker is free when anybody else comes. How the
 * log is cut into batches makes no difference to what comes out.
 */
import { poolKnownTo } from '../handlers/pools/gate.ts';
import { type RateStanding, rateStanding } from '../handlers/quotas/rates.ts';
import type { World } from '../handlers/world/world.ts';
import type { DecodedMessage } from './decide-batch.ts';

const PATIENCE_MS: Readonly<Record<RateStanding, number>> = { within: 0, near: 10, over: 25 };
/** Nobody waits for the answer to what cannot be decoded. */
const DEAD_LETTER_MS = 25;

export function patienceMs({ message, decoded }: DecodedMessage, world: World): number {
  if (decoded.kind === 'dead') return DEAD_LETTER_MS;
  const { pool, agent } = decoded.address;
  const place = { pool, agent, now: message.at };
  return PATIENCE_MS[rateStanding(world, place, poolKnownTo(world, place))];
}
