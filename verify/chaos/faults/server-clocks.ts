/** The clock of a server is wrong for some seconds, and then right again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningServer } from '../../../src/servers/index.ts';
import { converge } from '../command.ts';
import { CannotSkewError, skewClock } from '../system/skew-clock.ts';
import { type Fault, SkippedFault } from './fault.ts';

const HELD_MS = 2_500;
const RECOVERS_WITHIN_MS = 20_000;
const SECOND = 1;
const HOUR = 3_600;
const YEAR = 365 * 24 * HOUR;

async function stepFor(server: RunningServer, seconds: number): Promise<void> {
  const { pid } = server;
  if (pid === undefined) throw new SkippedFault('the server is no process of this run');
  try {
    skewClock(pid, seconds);
  } catch (error) {
    if (error instanceof CannotSkewError) throw new SkippedFault(error.message);
    throw error;
  }
  try {
    await delay(HELD_MS);
  } finally {
    skewClock(pid, 0);
  }
}

function redisClock(kind: string, seconds: number): Fault {
  return {
    kind,
    recoversWithinMs: RECOVERS_WITHIN_MS,
    stopsSweeps: true,
    async inject({ system }) {
      await stepFor(system.redis, seconds);
      return Date.now();
    },
  };
}

/** Shards wait before what is stamped ahead, and an operator says that it does not count. */
function natsClock(kind: string, seconds: number): Fault {
  return {
    kind,
    recoversWithinMs: RECOVERS_WITHIN_MS,
    stopsSweeps: true,
    async inject({ system }) {
      await stepFor(system.nats, seconds);
      if (seconds > SECOND) await converge(['clock', 'distrust'], system.commandEnv());
      return Date.now();
    },
  };
}

export const SERVER_CLOCK_FAULTS: readonly Fault[] = [
  redisClock('redis-clock-hour-ahead', HOUR),
  redisClock('redis-clock-hour-back', -HOUR),
  redisClock('redis-clock-year-ahead', YEAR),
  natsClock('nats-clock-second-ahead', SECOND),
  natsClock('nats-clock-hour-ahead', HOUR),
  natsClock('nats-clock-hour-back', -HOUR),
  natsClock('nats-clock-year-ahead', YEAR),
  natsClock('nats-clock-year-back', -YEAR),
];
