/** How each stream is laid out. */
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { nuid } from 'nats';
import type { Subjects } from '../protocol/subjects.ts';
import { PROTOCOL } from '../protocol/version.ts';
import { describe, type LogStream, shardsIn } from './layout.ts';

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

const nanos = (ms: number): number => ms * 1_000_000;

/**
 * The least that servers take. Decisions carry no id for the server to know them by (the state knows them), and in its
 * window an id is unique for the whole stream: another sender's message could use it up.
 */
const LEAST_WINDOW_MS = 100;

/**
 * Every valid shard is a subject of its own, so that a decision for a shard that nobody reads is refused by the
 * broker at once and cannot lie in the log unseen.
 */
export function decisionStream(
  subjects: Subjects,
  which: LogStream,
  limits: StreamLimits,
): Partial<StreamConfig> & { name: string } {
  return {
    name: subjects.logOf(which.index),
    description: describe(which),
    subjects: shardsIn(which.index, which.streams, which.shards).map((shard) => subjects.shardLog(shard)),
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_bytes: Math.floor(limits.logMaxBytes / which.streams),
    duplicate_window: nanos(LEAST_WINDOW_MS),
    num_replicas: limits.replicas,
    allow_direct: true,
  };
}

/** A full stream refuses here, too: a dropped event could never be distinguished from a lost one. */
export function eventStream(
  subjects: Subjects,
  { index, streams, shards }: Omit<LogStream, 'logIdentity'>,
  limits: StreamLimits,
): Partial<StreamConfig> & { name: string } {
  return {
    name: subjects.eventsStreamOf(index),
    description: `converge events, protocol ${PROTOCOL}, stream ${nuid.next()}`,
    subjects: shardsIn(index, streams, shards).map((shard) => subjects.shardEvents(shard)),
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_bytes: Math.floor(limits.eventsMaxBytes / streams),
    max_age: nanos(limits.eventsMaxAgeMs),
    duplicate_window: nanos(Math.min(limits.dedupeWindowMs, limits.eventsMaxAgeMs)),
    num_replicas: limits.replicas,
    allow_direct: true,
  };
}

export function deadLetterStream(
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
export function markStream(
  subjects: Subjects,
  limits: StreamLimits,
): Partial<StreamConfig> & { name: string } {
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
export function snapshotStream(
  subjects: Subjects,
  limits: StreamLimits,
): Partial<StreamConfig> & { name: string } {
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
