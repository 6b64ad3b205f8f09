/**
 * The streams, and everything fixed when a system is created: the version of the layout, the number of shards
 * and which log it is. The decision stream itself carries them, so that an emptied Redis can be filled again from it, and
 * nothing that ever changes: a process that changes a limit writes the whole description back as it was read.
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
import { ConfigurationError } from '../lib/errors.ts';
import { defined } from '../protocol/defined.ts';
import type { Subjects } from '../protocol/subjects.ts';
import { otherProtocol, PROTOCOL } from '../protocol/version.ts';
import { adoptDescription, chooseIdentity, type KnownElsewhere, saySo } from './log-origin.ts';
import { NatsTrimMarks } from './nats-trim-marks.ts';
import { refusedStream } from './refused-stream.ts';
import { wholeStream } from './whole-stream.ts';

export interface StreamLimits {
  /** Decisions beyond this are refused: the log never drops what it has acknowledged. */
  readonly logMaxBytes: number;
  readonly eventsMaxBytes: number;
  readonly eventsMaxAgeMs: number;
  readonly deadLettersMaxCount: number;
  readonly deadLettersMaxAgeMs: number;
  /** Window in which the broker itself recognises the id of an event or a dead letter, milliseconds. */
  readonly dedupeWindowMs: number;
  readonly snapshotsMaxBytes: number;
  readonly replicas: number;
}

/** The values fixed when the system was created, and the identity of the log. */
export interface Layout {
  /** The protocol of what it holds. */
  readonly version: number;
  readonly shards: number;
  /** The name that the log was given when it was made: another one is another log. */
  readonly logIdentity: string;
}

const NOT_FOUND = 10059;
const nanos = (ms: number): number => ms * 1_000_000;

/**
 * Creates missing streams and verifies existing ones. Many workers may call it at once. A log that marks, state or
 * snapshots know is not created again: it was lost, and the shards halt until it is restored.
 */
export async function ensureStreams(
  jsm: JetStreamManager,
  subjects: Subjects,
  shards: number,
  limits: StreamLimits,
  knownElsewhere: KnownElsewhere = async () => undefined,
): Promise<Layout> {
  await ensure(jsm, markStream(subjects, limits));
  const layout = await ensureLog(jsm, subjects, shards, limits, knownElsewhere);
  await ensure(jsm, eventStream(subjects, shards, limits));
  await ensure(jsm, deadLetterStream(subjects, limits));
  await ensure(jsm, snapshotStream(subjects, limits));
  return layout;
}

async function ensureLog(
  jsm: JetStreamManager,
  subjects: Subjects,
  shards: number,
  limits: StreamLimits,
  knownElsewhere: KnownElsewhere,
): Promise<Layout> {
  const name = subjects.streams.decisions;
  const marks = new NatsTrimMarks(jsm, subjects);
  const found = await findStream(jsm, name);
  if (found === undefined) {
    const { logIdentity, isLost } = await chooseIdentity(marks, shards, knownElsewhere);
    if (isLost) return { version: PROTOCOL, shards, logIdentity };
    const made = await ensure(jsm, decisionStream(subjects, shards, limits, logIdentity));
    const layout = checkedLayout(made, shards);
    await saySo(marks, layout);
    return layout;
  }
  const layout = checkedLayout(found, shards);
  if (!isMarked(found)) await adopt(jsm, marks, subjects, found);
  // With more room than before it can be open again at once.
  await closeWhenNearlyFull(
    jsm,
    await ensure(jsm, decisionStream(subjects, shards, limits, layout.logIdentity)),
  );
  return layout;
}

function checkedLayout(log: StreamInfo, shards: number): Layout {
  const layout = layoutOf(log);
  if (layout.shards === shards) return layout;
  throw new ConfigurationError(
    `stream ${log.config.name} was created with ${layout.shards} shards, the configuration says ${shards} ` +
      '(CONVERGE_SHARDS); the number of shards is fixed when a system is created',
  );
}

/** The description of an older version counts once: from then on the marks count. */
async function adopt(
  jsm: JetStreamManager,
  marks: NatsTrimMarks,
  subjects: Subjects,
  found: StreamInfo,
): Promise<void> {
  const layout = layoutOf(found);
  await adoptDescription(marks, { jsm, subjects }, layout, trimMarkOf(found));
  const { config } = await jsm.streams.info(found.config.name);
  await jsm.streams.update(config.name, { ...config, description: describe(layout) });
}

/** The layout of an existing system; undefined when there is none in this namespace. */
export async function findLayout(jsm: JetStreamManager, subjects: Subjects): Promise<Layout | undefined> {
  const info = await findStream(jsm, subjects.streams.decisions);
  return info === undefined ? undefined : layoutOf(info);
}

/** Undefined when there is none; one that is being created is waited for. */
export async function findStream(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await wholeStream(jsm, name);
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
      if (theirs === undefined) throw refusedStream(error, config);
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
  refuseReplicas(found, wanted);
  try {
    return await jsm.streams.update(config.name, { ...found.config, ...wanted });
  } catch (error) {
    throw refusedStream(error, config);
  }
}

/** To fit a lower limit the server drops the oldest messages, no matter what the stream discards when it is full. */
function refuseToDrop({ config, state }: StreamInfo, { max_bytes }: Partial<StreamConfig>): void {
  if (config.discard !== DiscardPolicy.New || max_bytes === undefined || state.bytes <= max_bytes) return;
  throw new ConfigurationError(
    `stream ${config.name} holds ${state.bytes} bytes, the configuration allows ${max_bytes}: ` +
      'its oldest messages would be dropped',
  );
}

/** More replicas are added at once; fewer would make the system less safe because of a forgotten setting. */
function refuseReplicas({ config, cluster }: StreamInfo, { num_replicas }: Partial<StreamConfig>): void {
  if (num_replicas === undefined || num_replicas === config.num_replicas) return;
  if (num_replicas > config.num_replicas) {
    if (cluster !== undefined) return;
    // A single server of 2.9 takes the number and keeps one replica all the same.
    throw new ConfigurationError(
      `stream ${config.name} cannot have ${num_replicas} replicas: the server is not in a cluster. ` +
        'Set CONVERGE_REPLICAS to at most the number of its servers',
    );
  }
  throw new ConfigurationError(
    `stream ${config.name} has ${config.num_replicas} replicas, the configuration says ${num_replicas} ` +
      '(CONVERGE_REPLICAS): set it to what there is, or edit the streams first (nats stream edit --replicas)',
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
 * Closes the log to new messages shortly before it is full, and opens it when there is room again; returns whether it is
 * closed. Servers before 2.10.5 misjudge what a message takes: one that just does not fit any more is stored, and the
 * oldest messages of the log are dropped for it, though the stream is set to refuse.
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
  num_replicas,
}: Partial<StreamConfig>): Partial<StreamConfig> {
  return {
    ...defined({ num_replicas, max_bytes, max_age, max_msgs, duplicate_window }),
  };
}

const DESCRIPTION =
  /^converge layout (?<version>\d+), (?<shards>\d+) shards(, log (?<log>[A-Za-z0-9:.-]+))?((?<marked>, marked)|, trimmed below (?<below>\d+) on (?<trimmed>[\d,-]+))?$/;

/** `marked`: what was trimmed stands in the trim marks, and their absence says nothing. */
function describe({ version, shards, logIdentity }: Layout): string {
  return `converge layout ${version}, ${shards} shards, log ${logIdentity}, marked`;
}

/** Has it had trim marks from the beginning, or since they were made of its description? */
export function isMarked({ config }: Pick<StreamInfo, 'config'>): boolean {
  return DESCRIPTION.exec(config.description ?? '')?.groups?.marked !== undefined;
}

/**
 * Which log this is: a name that it was given when it was made. Logs from before that have only the time of their
 * creation, which servers (seen on 2.9.10) change: restarted, updated and restarted again, a stream was created when the server
 * first started again.
 */
export function logIdentityOf({ config, created }: Pick<StreamInfo, 'config' | 'created'>): string {
  return DESCRIPTION.exec(config.description ?? '')?.groups?.log ?? created;
}

const EVENTS_DESCRIPTION = /^converge events, protocol \d+, stream (?<stream>[A-Za-z0-9]+)$/;

/** Which stream of events this is, as {@link logIdentityOf}: positions in another one are others. */
export function eventsIdentityOf({ config, created }: Pick<StreamInfo, 'config' | 'created'>): string {
  return EVENTS_DESCRIPTION.exec(config.description ?? '')?.groups?.stream ?? created;
}

export function layoutOf(info: StreamInfo): Layout {
  const { config } = info;
  const { version, shards } = DESCRIPTION.exec(config.description ?? '')?.groups ?? {};
  if (version === undefined || shards === undefined) {
    throw new ConfigurationError(`stream ${config.name} exists but is not a Converge log`);
  }
  if (Number(version) !== PROTOCOL) {
    throw new ConfigurationError(otherProtocol(`stream ${config.name}`, Number(version)));
  }
  return { version: Number(version), shards: Number(shards), logIdentity: logIdentityOf(info) };
}

/** How far the log was trimmed, from the description of an older log. */
export interface DescribedTrim {
  /** No message at or above was ever trimmed. */
  readonly below: number;
  /** Shards of which something was. */
  readonly shards: ReadonlySet<number>;
}

export function trimMarkOf({ config }: Pick<StreamInfo, 'config'>): DescribedTrim {
  const { below, trimmed } = DESCRIPTION.exec(config.description ?? '')?.groups ?? {};
  if (below === undefined || trimmed === undefined) return { below: 1, shards: new Set() };
  return { below: Number(below), shards: new Set(trimmed.split(',').flatMap(numbersOf)) };
}

/** `3` or `3-5`. */
function numbersOf(range: string): number[] {
  const [first = 0, last = first] = range.split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/**
 * The least that servers take. Decisions carry no id for the server to know them by (the state knows them), and in its
 * window an id is unique for the whole stream: another sender's message could use it up.
 */
const LEAST_WINDOW_MS = 100;

/**
 * Every valid shard is a subject of its own, so that a decision for a shard that nobody reads is refused by the
 * broker at once and cannot lie in the log unseen.
 */
function decisionStream(
  subjects: Subjects,
  shards: number,
  limits: StreamLimits,
  logIdentity: string,
): Partial<StreamConfig> & { name: string } {
  return {
    name: subjects.streams.decisions,
    description: describe({ version: PROTOCOL, shards, logIdentity }),
    subjects: Array.from({ length: shards }, (_, shard) => subjects.shardLog(shard)),
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_bytes: limits.logMaxBytes,
    duplicate_window: nanos(LEAST_WINDOW_MS),
    num_replicas: limits.replicas,
    allow_direct: true,
  };
}

/** A full stream refuses here, too: a dropped event could never be distinguished from a lost one. */
function eventStream(
  subjects: Subjects,
  shards: number,
  limits: StreamLimits,
): Partial<StreamConfig> & { name: string } {
  return {
    name: subjects.streams.events,
    description: `converge events, protocol ${PROTOCOL}, stream ${nuid.next()}`,
    subjects: Array.from({ length: shards }, (_, shard) => subjects.shardEvents(shard)),
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

/** One message for each shard, replaced by the next one; answered by its leader only, because writers decide by it. */
function markStream(subjects: Subjects, limits: StreamLimits): Partial<StreamConfig> & { name: string } {
  return {
    name: subjects.streams.marks,
    description: 'converge trim marks',
    subjects: [subjects.allTrimMarks],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    num_replicas: limits.replicas,
    allow_direct: false,
  };
}

/** As JetStream's object stores are laid out, so that any client can read one. A full store accepts no further snapshots. */
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
