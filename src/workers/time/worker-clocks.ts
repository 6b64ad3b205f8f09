/** The clocks that a worker process reads, on the connections that it has. */
import type { NatsConnection } from 'nats';
import { parseHeartbeat } from '../../state/lease.ts';
import type { Redis } from '../../state/redis.ts';
import { type Machine, whereIs } from './machine.ts';
import type { Movement } from './movement.ts';
import { machineOf, ServerAddresses } from './server-machines.ts';
import type { OtherClocks, WorkerClock } from './true-time.ts';

export interface WorkerClocksOptions {
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly nats: NatsConnection;
  /** Where operators say until when the log's clock may be. */
  readonly acceptedKey: string;
  /** Who this worker is: its own heartbeat is not another one's clock. */
  readonly holder: string;
  readonly heartbeats: () => Movement<string>;
  readonly listen: () => Promise<void>;
  /** Appends a message to the log and answers its stamp. */
  readonly logStamp: () => Promise<number>;
}

export function workerClocks(options: WorkerClocksOptions): OtherClocks {
  const { redis, redisUrl, nats, acceptedKey, holder, heartbeats, logStamp } = options;
  const addresses = new ServerAddresses();
  const redisHost = new URL(redisUrl).hostname;
  return {
    async redis() {
      const [time, accepted] = await Promise.all([redis.time(), redis.get(acceptedKey)]);
      const [seconds, micros] = time;
      const now = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
      return { now, acceptedUntil: Number(accepted ?? 0) || 0 };
    },
    log: logStamp,
    listen: options.listen,
    workers: () => clocksOf(heartbeats(), holder, performance.now()),
    machines() {
      const own = whereIs();
      const others: Machine[] = [];
      for (const [, { text }] of heartbeats().entries()) {
        const heartbeat = parseHeartbeat(text);
        if (heartbeat !== undefined) others.push(heartbeat);
      }
      return {
        own: own.machine,
        redis: machineOf(addresses.of(redisHost), own, others),
        log: machineOf(addresses.of(nats.getServer()), own, others),
      };
    },
  };
}

/** A heartbeat was written after a look that did not see it and before the one that did. Old ones say nothing any more. */
export function clocksOf(heartbeats: Movement<string>, holder: string, now: number): WorkerClock[] {
  const clocks: WorkerClock[] = [];
  for (const [worker, { text, since, notBefore }] of heartbeats.entries()) {
    const heartbeat = parseHeartbeat(text);
    if (worker === holder || heartbeat === undefined || notBefore === undefined) continue;
    if (now - since > 2 * heartbeat.leaseMs) continue;
    const { machine, wall } = heartbeat;
    clocks.push({ worker, machine, wall, notBefore, notAfter: since });
  }
  return clocks;
}
