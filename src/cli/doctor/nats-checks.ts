/** NATS: is it there, is it new enough, does it keep messages, and what does it lose when. */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { redacted } from '../../bus/connection.ts';
import type { LogDurability } from '../../bus/log-durability.ts';
import { faultForAgents } from '../../bus/server-faults.ts';
import { isAtLeast } from '../../lib/is-at-least.ts';
import { formatBytes, formatDuration } from '../durations.ts';
import { type Check, fail, ok, warn } from './check.ts';

/** Ordered by what is relied on: older servers have no consumers as they are used here. */
const OLDEST = '2.9.0';

export async function natsCheck(connection: NatsConnection, url: string): Promise<Check> {
  const { version = '0', server_name: name } = connection.info ?? {};
  const rttMs = await connection.rtt();
  const detail = `nats-server ${version} (${name}) at ${redacted(url)}, ${formatDuration(rttMs)} away`;
  return isAtLeast(version, OLDEST)
    ? ok('nats', detail)
    : fail('nats', `${detail}; at least ${OLDEST} is needed`);
}

/** With identities: whether those who have one are kept from harming the server. Nothing where nothing is known against it. */
export function identityChecks({ info }: NatsConnection): Check[] {
  const fault = faultForAgents(info?.version ?? '');
  return fault === undefined ? [] : [warn('nats-agents', fault)];
}

export async function jetStreamCheck(jsm: JetStreamManager): Promise<Check> {
  const { storage, limits } = await jsm.getAccountInfo();
  const most = limits.max_storage < 0 ? '' : ` of ${formatBytes(limits.max_storage)}`;
  const detail = `on, ${formatBytes(storage)}${most} stored`;
  const isNearlyFull = limits.max_storage >= 0 && storage > limits.max_storage * 0.9;
  return isNearlyFull ? warn('jetstream', `${detail}: nearly full`) : ok('jetstream', detail);
}

/** The losses that an acknowledged decision survives, as far as server and stream reveal it. */
export function natsDurability(
  { storage, replicas, missing, syncedWithinMs }: LogDurability,
  version: string,
): Check {
  const name = 'nats-durability';
  if (storage === 'memory') return fail(name, 'the log is in memory: a restart of the server loses it');
  const sync =
    syncedWithinMs === undefined
      ? 'up to 2 minutes, or its sync_interval, which clients cannot see'
      : `up to ${syncedWithinMs / 60_000} minutes (server ${version} syncs to disk that often)`;
  if (replicas > 1) {
    const detail = `${replicas} replicas; one server lost: nothing; power loss of all at once: ${sync}`;
    if (missing.length === 0) return ok(name, detail);
    return warn(name, `${detail}; not up to date: ${missing.join(', ')}`);
  }
  return ok(name, `1 replica on disk; process crash: nothing lost; power loss: ${sync}`);
}
