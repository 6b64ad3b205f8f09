/**
 * The content of leases and heartbeats. Both count: a lease each time it is renewed, a heartbeat each time
 * it is written. An observer sees from that alone whether the holder lives, by its own monotonic clock: no two clocks must
 * agree for that, and none must be right.
 */
import { z } from 'zod';
import { isObject, parseJson } from '../protocol/json.ts';

export interface Lease {
  readonly holder: string;
  readonly counter: number;
  readonly leaseMs: number;
}

/**
 * The holder of a lease: the worker's name, and which process of that name it is. Two that were given the same name by
 * mistake must not take each other's leases and commits for their own.
 */
export function leaseHolderOf(workerId: string, process: string): string {
  return `${workerId}${SEPARATOR}${process}`;
}

/** The name of the worker that holds a lease, or whose heartbeat this is. */
export function workerNameOf(holder: string): string {
  return holder.split(SEPARATOR, 1)[0] ?? holder;
}

/** Names have none. */
const SEPARATOR = '#';

export function leaseText({ holder, counter, leaseMs }: Lease): string {
  return `${holder} ${counter} ${leaseMs}`;
}

const LEASE = /^(.*) (\d{1,15}) (\d{1,15})$/s;

/** A lease that was set by hand has only a holder: it is treated as one that lasts `leaseMs`. */
export function parseLease(text: string, leaseMs: number): Lease {
  const [, holder, counter, lasts] = LEASE.exec(text) ?? [];
  if (holder === undefined) return { holder: text, counter: 0, leaseMs };
  return { holder, counter: Number(counter), leaseMs: Number(lasts) };
}

export interface Heartbeat {
  readonly counter: number;
  readonly leaseMs: number;
  /** The worker's own clock when it said this, milliseconds since the epoch. */
  readonly wall: number;
  /** Processes of one machine have one clock. */
  readonly machine: string;
  /** Where that machine is reached. */
  readonly addresses: readonly string[];
  /** How far it finds each clock ahead of the true time, milliseconds. */
  readonly skews?: Readonly<Record<string, number | undefined>>;
  /** None of its shards stands still: one that does elsewhere may move here. */
  readonly works?: boolean;
  /** Shards that it has given back and does not take for a while: the others share them. */
  readonly leaves?: readonly number[];
  /** Its alarms. */
  readonly alarms?: readonly HeartbeatAlarm[] | undefined;
}

const alarmSchema = z.object({
  alarm: z.string(),
  shard: z.int().optional(),
  since: z.number(),
  text: z.string(),
  toDo: z.string(),
});

export type HeartbeatAlarm = Readonly<z.output<typeof alarmSchema>>;

const alarmsSchema = z.array(alarmSchema).optional().catch(undefined);

/** An unreadable heartbeat (of a newer worker, or set by hand) counts as one of a worker with an unknown clock. */
export function parseHeartbeat(text: string): Heartbeat | undefined {
  const { value } = parseJson(Buffer.from(text));
  if (!isObject(value)) return undefined;
  const { counter, leaseMs, wall, machine, addresses, skews } = value;
  const alarms = alarmsSchema.parse(value.alarms);
  if (typeof counter !== 'number' || typeof leaseMs !== 'number' || typeof wall !== 'number')
    return undefined;
  if (typeof machine !== 'string' || !Array.isArray(addresses)) return undefined;
  const { works, leaves } = value;
  const known = {
    counter,
    leaseMs,
    wall,
    machine,
    addresses: addresses.map(String),
    ...(alarms && { alarms }),
    ...(works === true && { works }),
    ...(Array.isArray(leaves) && { leaves: leaves.filter((shard) => Number.isInteger(shard)).map(Number) }),
  };
  return isObject(skews) ? { ...known, skews: numbersOf(skews) } : known;
}

function numbersOf(record: { readonly [name: string]: unknown }): Record<string, number> {
  const entries = Object.entries(record).flatMap(([name, value]) =>
    typeof value === 'number' ? [[name, Math.round(value)] as const] : [],
  );
  return Object.fromEntries(entries);
}
