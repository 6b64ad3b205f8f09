/**
 * The three streams, and what is laid down for good when a system is created: the version of the layout and the
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
  readonly replicas: number;
}

/** What was laid down when the system was created, and which log this is. */
export interface Layout {
  readonly version: number;
  readonly shards: number;
  /** When the log was created (RFC 3339, as the server says it): another one is another log. */
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
  await ensure(jsm, eventStream(subjects, limits));
  await ensure(jsm, deadLetterStream(subjects, limits));
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
  return isAsWanted ? found : await jsm.streams.update(config.name, { ...found.config, ...wanted });
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

function layoutOf({ config, created }: StreamInfo): Layout {
  const found = /^converge layout (\d+), (\d+) shards$/.exec(config.description ?? '');
  const [, version, shards] = found ?? [];
  if (version === undefined || shards === undefined) {
    throw new ConfigurationError(`stream ${config.name} exists but is not a Converge log`);
  }
  if (Number(version) !== LAYOUT_VERSION) {
    throw new ConfigurationError(
      `stream ${config.name} has layout ${version}; this version knows ${LAYOUT_VERSION}`,
    );
  }
  return { version: Number(version), shards: Number(shards), logIdentity: created };
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
    description: `converge layout ${LAYOUT_VERSION}, ${shards} shards`,
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
    description: 'converge events',
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
