/**
 * What stands in a lease and in a heartbeat. Both move: a lease counts up each time it is renewed, a heartbeat each time
 * it is said. Who looks sees from that alone whether the holder lives, by its own monotonic clock: no two clocks have to
 * agree for it, and none has to be right.
 */
import { z } from 'zod';
import { isObject, parseJson } from '../protocol/json.ts';

export interface Lease {
  readonly holder: string;
  readonly counter: number;
  readonly leaseMs: number;
}

/**
 * What stands in a lease: the worker's name, and which process of that name it is. Two that were given the same name by
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

/** A lease that somebody set by hand has no more than a holder: it is taken as one that lasts `leaseMs`. */
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
  /** What it finds each clock to show more than the true time, milliseconds. */
  readonly skews?: Readonly<Record<string, number | undefined>>;
  /** None of its shards stands still: one that does elsewhere may move here. */
  readonly works?: boolean;
  /** Shards that it has given back and does not take for a while: the others share them. */
  readonly leaves?: readonly number[];
  /** What is wrong with it. */
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

/** What is no heartbeat (a newer worker's, or somebody's by hand) counts as one of a worker whose clock is not known. */
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
