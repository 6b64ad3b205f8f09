/**
 * The streams, and what is laid down for good when a system is created: the version of the layout and the
 * number of shards. The decision stream itself carries both, so that an emptied Redis can be filled again from it.
 */
import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nuid } from 'nats';
import { ConfigurationError } from '../errors.ts';
import type { Subjects } from '../protocol/subjects.ts';

export const LAYOUT_VERSION = 1;

export interface StreamLimits {
  /** Decisions beyond this are refused: the log never drops what it has acknowledged. */
  readonly logMaxBytes: number;
  readonly eventsMaxBytes: number;
  readonly eventsMaxAgeMs: number;
  readonly deadLettersMaxCount: number;
  readonly deadLettersMaxAgeMs: number;
  /** Window in which the broker itself recognises a message id, milliseconds. */
  readonly dedupeWindowMs: number;
  readonly snapshotsMaxBytes: number;
  readonly replicas: number;
}

/** What was laid down when the system was created, and which log this is. */
export interface Layout {
  readonly version: number;
  readonly shards: number;
  /** The name that the log was given when it was made: another one is another log. */
  readonly logIdentity: string;
}

const NOT_FOUND = 10059;
const nanos = (ms: number): number => ms * 1_000_000;

/** Creates what is missing and verifies what is there. Safe to call by many workers at once. */
export async function ensureStreams(
  jsm: JetStreamManager,
  subjects: Subjects,
  shards: number,
  limits: StreamLimits,
): Promise<Layout> {
  const log = await ensure(jsm, decisionStream(subjects, shards, limits));
  const layout = layoutOf(log);
  if (layout.shards !== shards) {
    throw new ConfigurationError(
      `stream ${log.config.name} was created with ${layout.shards} shards, the configuration says ${shards}; ` +
        'the number of shards is fixed when a system is created',
    );
  }
  // With more room than before it can be open again at once.
  await closeWhenNearlyFull(jsm, log);
  await ensure(jsm, eventStream(subjects, limits));
  await ensure(jsm, deadLetterStream(subjects, limits));
  await ensure(jsm, snapshotStream(subjects, limits));
  return layout;
}

/** The layout of an existing system; undefined when there is none in this namespace. */
export async function findLayout(jsm: JetStreamManager, subjects: Subjects): Promise<Layout | undefined> {
  const info = await findStream(jsm, subjects.streams.decisions);
  return info === undefined ? undefined : layoutOf(info);
}

export async function findStream(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NOT_FOUND) return undefined;
    throw error;
  }
}

async function ensure(
  jsm: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<StreamInfo> {
  const found = await findStream(jsm, config.name);
  if (found === undefined) {
    try {
      return await jsm.streams.add(config);
    } catch (error) {
      // Another worker may have been faster, with the same or other limits.
      const theirs = await findStream(jsm, config.name);
      if (theirs === undefined) throw error;
      return theirs;
    }
  }
  // Limits can be moved at any time; what identifies the stream cannot, and is verified by the caller.
  const wanted = limitsOf(config);
  const isAsWanted = Object.entries(limitsOf(found.config)).every(
    ([name, value]) => !(name in wanted) || Reflect.get(wanted, name) === value,
  );
  if (isAsWanted) return found;
  refuseToDrop(found, wanted);
  return await jsm.streams.update(config.name, { ...found.config, ...wanted });
}

/** To fit a lower limit the server drops what is oldest, whatever the stream is told to discard when it is full. */
function refuseToDrop({ config, state }: StreamInfo, { max_bytes }: Partial<StreamConfig>): void {
  if (config.discard !== DiscardPolicy.New || max_bytes === undefined || state.bytes <= max_bytes) return;
  throw new ConfigurationError(
    `stream ${config.name} holds ${state.bytes} bytes, the configuration allows ${max_bytes}: ` +
      'its oldest messages would be dropped',
  );
}

/** Kept free in a stream that must not drop anything: what can arrive between two looks at it. */
const RESERVE_SHARE = 0.05;
const LEAST_RESERVE_BYTES = 1024 * 1024;
/** No decision is so small. */
const NOTHING_FITS = 1;

export function isNearlyFull({ config, state }: StreamInfo): boolean {
  const max = config.max_bytes;
  if (max <= 0) return false;
  const reserve = Math.max(max * RESERVE_SHARE, Math.min(LEAST_RESERVE_BYTES, max / 2));
  return state.bytes > max - reserve;
}

/**
 * Closes the log to new messages shortly before it is full, and opens it when there is room again; answers whether it is
 * closed. Servers before 2.10.5 misjudge what a message takes: one that just does not fit any more is stored, and the
 * oldest of the log is dropped for it, though the stream is told to refuse.
 */
export async function closeWhenNearlyFull(jsm: JetStreamManager, info: StreamInfo): Promise<boolean> {
  const isFull = isNearlyFull(info);
  const isClosed = info.config.max_msg_size === NOTHING_FITS;
  if (isFull !== isClosed) {
    const max_msg_size = isFull ? NOTHING_FITS : -1;
    await jsm.streams.update(info.config.name, { ...info.config, max_msg_size });
  }
  return isFull;
}

function limitsOf({
  max_bytes,
  max_age,
  max_msgs,
  duplicate_window,
}: Partial<StreamConfig>): Partial<StreamConfig> {
  return {
    ...(max_bytes === undefined ? {} : { max_bytes }),
    ...(max_age === undefined ? {} : { max_age }),
    ...(max_msgs === undefined ? {} : { max_msgs }),
    ...(duplicate_window === undefined ? {} : { duplicate_window }),
  };
}

const DESCRIPTION =
  /^converge layout (?<version>\d+), (?<shards>\d+) shards(, log (?<log>[A-Za-z0-9]+))?(, trimmed below (?<below>\d+) on (?<trimmed>[\d,-]+))?$/;

/**
 * Which log this is: a name that it was given when it was made. Logs from before that have only the time of their
 * creation, which servers (seen on 2.9.10) change: restarted, updated and restarted again, a stream was created when the server
 * first started again.
 */
export function logIdentityOf({ config, created }: Pick<StreamInfo, 'config' | 'created'>): string {
  return DESCRIPTION.exec(config.description ?? '')?.groups?.log ?? created;
}

const EVENTS_DESCRIPTION = /^converge events, stream (?<stream>[A-Za-z0-9]+)$/;

/** Which stream of events this is, as {@link logIdentityOf}: positions in another one are others. */
export function eventsIdentityOf({ config, created }: Pick<StreamInfo, 'config' | 'created'>): string {
  return EVENTS_DESCRIPTION.exec(config.description ?? '')?.groups?.stream ?? created;
}

function layoutOf(info: StreamInfo): Layout {
  const { config } = info;
  const { version, shards } = DESCRIPTION.exec(config.description ?? '')?.groups ?? {};
  if (version === undefined || shards === undefined) {
    throw new ConfigurationError(`stream ${config.name} exists but is not a Converge log`);
  }
  if (Number(version) !== LAYOUT_VERSION) {
    throw new ConfigurationError(
      `stream ${config.name} has layout ${version}; this version knows ${LAYOUT_VERSION}`,
    );
  }
  return { version: Number(version), shards: Number(shards), logIdentity: logIdentityOf(info) };
}

/**
 * What was trimmed of the log, by us: it stands in the stream itself, so that a shard whose state is lost can tell a
 * log that never held anything of it from one that no longer does.
 */
export interface TrimMark {
  /** No message at or above was ever trimmed. */
  readonly below: number;
  /** Shards of which something was. */
  readonly shards: ReadonlySet<number>;
}

export function trimMarkOf({ config }: Pick<StreamInfo, 'config'>): TrimMark {
  const { below, trimmed } = DESCRIPTION.exec(config.description ?? '')?.groups ?? {};
  if (below === undefined || trimmed === undefined) return { below: 1, shards: new Set() };
  return { below: Number(below), shards: new Set(trimmed.split(',').flatMap(numbersOf)) };
}

/** Notes in the stream what is about to be trimmed. Resolves when the server has it. */
export async function markTrimmed(
  jsm: JetStreamManager,
  stream: string,
  mark: TrimMark,
): Promise<StreamInfo> {
  const info = await jsm.streams.info(stream);
  const { version, shards, logIdentity } = layoutOf(info);
  const named = logIdentity === info.created ? '' : `, log ${logIdentity}`;
  const known = trimMarkOf(info);
  const below = Math.max(known.below, mark.below);
  const trimmed = rangesOf(new Set([...known.shards, ...mark.shards]));
  const description = `converge layout ${version}, ${shards} shards${named}, trimmed below ${below} on ${trimmed}`;
  if (description === info.config.description) return info;
  return await jsm.streams.update(stream, { ...info.config, description });
}

/** `3` or `3-5`. */
function numbersOf(range: string): number[] {
  const [first = 0, last = first] = range.split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function rangesOf(numbers: ReadonlySet<number>): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const number of sorted) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] === number - 1) range[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/**
 * Every valid shard is a subject of its own, so that a decision for a shard that nobody reads is refused by the
 * broker at once and cannot lie in the log unseen.
 */
function decisionStream(
  subjects: Subjects,
  shards: number,
  limits: StreamLimits,
): Partial<StreamConfig> & { name: string } {
  return {
    name: subjects.streams.decisions,
    description: `converge layout ${LAYOUT_VERSION}, ${shards} shards, log ${nuid.next()}`,
    subjects: Array.from({ length: shards }, (_, shard) => subjects.shardLog(shard)),
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_bytes: limits.logMaxBytes,
    duplicate_window: nanos(limits.dedupeWindowMs),
    num_replicas: limits.replicas,
    allow_direct: true,
  };
}

/** Full means refused here too: an event that was dropped could never be told apart from one that was lost. */
function eventStream(subjects: Subjects, limits: StreamLimits): Partial<StreamConfig> & { name: string } {
  return {
    name: subjects.streams.events,
    description: `converge events, stream ${nuid.next()}`,
    subjects: [subjects.allEvents],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_bytes: limits.eventsMaxBytes,
    max_age: nanos(limits.eventsMaxAgeMs),
    duplicate_window: nanos(Math.min(limits.dedupeWindowMs, limits.eventsMaxAgeMs)),
    num_replicas: limits.replicas,
    allow_direct: true,
  };
}

function deadLetterStream(
  subjects: Subjects,
  limits: StreamLimits,
): Partial<StreamConfig> & { name: string } {
  return {
    name: subjects.streams.deadLetters,
    description: 'converge dead letters',
    subjects: [subjects.allDeadLetters],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_msgs: limits.deadLettersMaxCount,
    max_age: nanos(limits.deadLettersMaxAgeMs),
    duplicate_window: nanos(Math.min(limits.dedupeWindowMs, limits.deadLettersMaxAgeMs)),
    num_replicas: limits.replicas,
  };
}

/** As JetStream's object stores are laid out, so that any client can read one. Full means that no more are taken. */
function snapshotStream(subjects: Subjects, limits: StreamLimits): Partial<StreamConfig> & { name: string } {
  return {
    name: subjects.streams.snapshots,
    description: 'converge snapshots',
    subjects: [subjects.snapshotChunks, subjects.snapshotHeads],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_bytes: limits.snapshotsMaxBytes,
    num_replicas: limits.replicas,
    allow_direct: true,
    allow_rollup_hdrs: true,
  };
}
