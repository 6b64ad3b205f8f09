/** Checks of the servers when a worker starts: conditions that it cannot work with, and those that it must report. */
import type { NatsConnection } from 'nats';
import type { Logger } from 'pino';
import { logDurability } from '../../bus/log-durability.ts';
import { faultForAgents } from '../../bus/server-faults.ts';
import { findStream } from '../../bus/streams.ts';
import { ConfigurationError } from '../../lib/errors.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { Redis } from '../../state/redis.ts';
import { stateDurability } from '../../state/state-durability.ts';
import type { Alarms } from '../health/alarms.ts';
import type { Connections } from './connections.ts';
import { durabilityOf } from './durability.ts';

/** NATS' default: the limits of decisions and answers leave room for what is published of them in this. */
const MIN_PAYLOAD_BYTES = 1024 * 1024;

/** An event or outcome that the server does not accept would block its shard forever. */
export function checkPayload({ info }: NatsConnection): void {
  if (info === undefined || info.max_payload >= MIN_PAYLOAD_BYTES) return;
  throw new ConfigurationError(
    `NATS accepts messages of ${info.max_payload} bytes, but events and outcomes can have ${MIN_PAYLOAD_BYTES}: raise max_payload`,
  );
}

/** Where agents are strangers, what one of them can do to the server is said out loud. */
export function sayFaultForAgents({ info }: NatsConnection, logger: Logger): void {
  const fault = faultForAgents(info?.version ?? '');
  if (fault !== undefined) logger.warn({ version: info?.version }, fault);
}

/** State that Redis evicts cannot be trusted: a worker must not run on such a server without saying so. */
export async function checkEviction(redis: Redis, alarms: Alarms): Promise<void> {
  const policy = await redis.config('GET', 'maxmemory-policy').catch(() => undefined);
  const value = Array.isArray(policy) ? policy[1] : undefined;
  if (value !== undefined && value !== 'noeviction') {
    const message = 'Redis may evict state; set maxmemory-policy to noeviction';
    alarms.raise('redis_evicts', undefined, message, { policy: value });
  }
}

/** Reports the durability of the servers: docs/guarantees.md. */
export async function sayDurability(
  { nats, jsm, reads }: Connections,
  subjects: Subjects,
  logger: Logger,
  alarms: Alarms,
): Promise<void> {
  const [log] = (await Promise.all(subjects.logStreams.map((name) => findStream(jsm, name)))).flatMap(
    (info) => info ?? [],
  );
  if (log === undefined) return;
  const state = await stateDurability(reads);
  const durability = durabilityOf(logDurability(log, nats.info?.version ?? '0'), state);
  logger.info({ durability }, 'durability of the servers');
  if (durability.survives === 'nothing') {
    alarms.raise('log_in_memory', undefined, 'the log is in memory: a restart of the server loses it');
  }
}
