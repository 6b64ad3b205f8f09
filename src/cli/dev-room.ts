/**
 * How much the streams of `converge dev` may hold, when nobody said: what a stream may hold is reserved when it is made, and
 * on the machine of someone who tries something out 22 GiB are seldom free.
 */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { findStream } from '../bus/streams.ts';
import { subjects } from '../protocol/subjects.ts';
import type { Config } from '../workers/config.ts';
import { withNats } from './nats-connection.ts';

type Room = Pick<Config, 'logMaxBytes' | 'eventsMaxBytes' | 'snapshotsMaxBytes'>;

const MEBIBYTE = 1024 * 1024;
/** Of what is free, so much may be promised to the streams. */
const SHARE_OF_FREE = 0.5;
const VARIABLES: Readonly<Record<keyof Room, string>> = {
  logMaxBytes: 'CONVERGE_LOG_MAX_BYTES',
  eventsMaxBytes: 'CONVERGE_EVENTS_MAX_BYTES',
  snapshotsMaxBytes: 'CONVERGE_SNAPSHOTS_MAX_BYTES',
};
const NAMES = ['logMaxBytes', 'eventsMaxBytes', 'snapshotsMaxBytes'] as const;

/** JetStream's limit on a server that is started here: more than our streams reserve. Reservations use no disk. */
export function promisableBytes(config: Room): number {
  return 4 * NAMES.reduce((sum, name) => sum + config[name], 0);
}

/** Free bytes of the disk on which a folder is, or will be. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    const parent = dirname(folder);
    return parent === folder ? undefined : await freeBytes(parent);
  }
}

/** Limits in the proportions of the defaults that fit into what is free; those that were said stay as they are. */
export function roomWithin(config: Room, isSaid: (name: keyof Room) => boolean, free: number): Room {
  const chosen = NAMES.filter((name) => !isSaid(name));
  const wanted = chosen.reduce((sum, name) => sum + config[name], 0);
  const said = NAMES.filter(isSaid).reduce((sum, name) => sum + config[name], 0);
  const share = Math.min(1, Math.max(0, free * SHARE_OF_FREE - said) / Math.max(1, wanted));
  const room = { ...pick(config) };
  for (const name of chosen) room[name] = Math.max(MEBIBYTE, Math.floor(config[name] * share));
  return room;
}

function pick({ logMaxBytes, eventsMaxBytes, snapshotsMaxBytes }: Room): Record<keyof Room, number> {
  return { logMaxBytes, eventsMaxBytes, snapshotsMaxBytes };
}

/** Streams that are there keep the limits that they have: they may hold more than would be chosen now. */
export async function devRoom(
  config: Config,
  env: NodeJS.ProcessEnv,
  dataDir: string,
): Promise<{ readonly room: Room; readonly isLess: boolean }> {
  const isSaid = (name: keyof Room): boolean => (env[VARIABLES[name]] ?? '') !== '';
  const free = await freeBytes(dataDir);
  const room = free === undefined ? pick(config) : { ...roomWithin(config, isSaid, free) };
  const { decisions, events, snapshots } = subjects(config.namespace).streams;
  const streams = { logMaxBytes: decisions, eventsMaxBytes: events, snapshotsMaxBytes: snapshots };
  const found = await withNats(config, async (connection) => {
    const jsm = await jetstreamManager(connection);
    return await Promise.all(NAMES.map((name) => findStream(jsm, streams[name])));
  });
  const kept: Record<keyof Room, number> = pick(room);
  for (const [i, name] of NAMES.entries()) {
    const there = found[i]?.config.max_bytes ?? 0;
    // Of the log and the events each stream has its part.
    const parts = name === 'snapshotsMaxBytes' ? 1 : config.logStreams;
    if (!isSaid(name) && there > 0) kept[name] = there * parts;
  }
  return { room: kept, isLess: NAMES.some((name) => kept[name] < config[name]) };
}
