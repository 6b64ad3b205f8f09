/** Every kind of fault. */
import type { Fault } from './fault.ts';
import { FLOOD_FAULTS } from './floods.ts';
import { LINK_FAULTS } from './links.ts';
import { LOG_FAULTS } from './log.ts';
import { MESSAGE_FAULTS } from './messages.ts';
import { NATS_FAULTS } from './nats.ts';
import { REDIS_FAULTS } from './redis.ts';
import { SERVER_CLOCK_FAULTS } from './server-clocks.ts';
import { SWEEPER_FAULTS } from './sweeper.ts';
import { WORKER_FAULTS } from './workers.ts';

export { type Concern, type Fault, SkippedFault, type Stricken } from './fault.ts';

export const FAULTS: readonly Fault[] = [
  ...WORKER_FAULTS,
  ...REDIS_FAULTS,
  ...NATS_FAULTS,
  ...LINK_FAULTS,
  ...MESSAGE_FAULTS,
  ...SWEEPER_FAULTS,
  ...SERVER_CLOCK_FAULTS,
  ...FLOOD_FAULTS,
  ...LOG_FAULTS,
];
