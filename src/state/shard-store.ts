/**
 * The store port of a shard worker, in its own words. Redis implements it; a simulator may implement it in memory, and must
 * then pass the same tests.
 */
import type { DocumentChange } from '../protocol/document-change.ts';
import type { Ban, Member, Pool } from '../protocol/documents.ts';
import type { Entity, EntityRef, Group, RetainedByGroup } from '../protocol/entities.ts';
import type { Fence } from '../protocol/marks.ts';
import type { Offer } from '../protocol/offers.ts';
import type { Standing } from '../protocol/settings.ts';
import type { KnownClock } from './known-clock.ts';
import type { WriteSize } from './script-writer.ts';

/**
 * Position of a shard whose state is incomplete: a restore is under way or broke off, or a commit broke off. It must be
 * restored before anything is applied to it.
 */
export const LOST = -1;

/** How far the state has come, and which message of which log brought it there. */
export interface StoredPosition {
  readonly seq: number;
  readonly hash: string | undefined;
  readonly logIdentity: string | undefined;
}

export interface StoredPool {
  readonly doc: Pool;
  readonly sequence: number;
  readonly members: readonly Member[];
  readonly offers: readonly Offer[];
  /** Those that have not ended, and what they still name. */
  readonly entities: readonly Entity[];
  readonly retained: RetainedByGroup;
}

export interface StoredShard {
  readonly position: StoredPosition;
  /** Log time of the last decision; 0 before the first. */
  readonly now: number;
  /** The newest Clock that was known when that was applied; undefined when none was. Not part of the state. */
  readonly clock: KnownClock | undefined;
  readonly settings: Standing | undefined;
  readonly pools: readonly StoredPool[];
  readonly outcomes: {
    readonly count: number;
    readonly bytes: number;
    readonly oldestAt: number | undefined;
  };
  /** Agents that are banned from the whole system. */
  readonly bans: readonly Ban[];
  /** Buckets of rates that may not be full: the time at which they will be, microseconds. */
  readonly buckets: ReadonlyMap<string, number>;
  /** Pools that owe consequences, and their order. */
  readonly turns: ReadonlyMap<string, number>;
  /** What all that has ended takes, as the world counts it. */
  readonly endedBytes: number;
  /** Fences that void something, of an agent in a pool (`pool/agent`) or everywhere. */
  readonly fences: ReadonlyMap<string, readonly Fence[]>;
}

/** Most bytes of documents that {@link ShardStore.oldest} reads, unless the first alone is larger. */
export const OLDEST_BYTES = 8 * 1024 * 1024;

export interface Remembered extends EntityRef {
  /** When it ended. */
  readonly at: number;
}

export interface RememberedOutcome {
  readonly id: string;
  readonly at: number;
  /** Its size: `outcomeBytes` of its key and text. */
  readonly bytes: number;
}

export interface Lookup {
  /** `pool.agent.decisionId` of decisions that may already be known. */
  readonly outcomes: readonly string[];
  /** By pool, those that are not in memory and may have ended. */
  readonly entities: ReadonlyMap<string, readonly EntityRef[]>;
}

export interface Found {
  /** Position of the shard when the last of it was read: data read at another position belongs to another state. */
  readonly position: StoredPosition;
  /** `pool.agent.decisionId` → the outcome, as the JSON text that was sent. */
  readonly outcomes: ReadonlyMap<string, string>;
  readonly entities: readonly Entity[];
}

export interface OutcomeRecord {
  readonly key: string;
  readonly json: string;
  readonly at: number;
  /** How many pools and entities the decision created: the outcome is stored for as long as one of them exists. */
  readonly created: number;
}

export interface ShardCommit {
  readonly id: string;
  readonly expected: StoredPosition;
  readonly next: {
    readonly seq: number;
    readonly hash: string;
    readonly logIdentity: string;
    readonly now: number;
    /** As in {@link StoredShard}. */
    readonly clock: KnownClock | undefined;
  };
  readonly settings: Standing;
  readonly nextDue: number | undefined;
  /** Size of the live documents in memory after it. */
  readonly bytes: number;
  readonly changes: readonly DocumentChange[];
  /** The JSON of documents after it, if already known. */
  readonly texts?: ReadonlyMap<DocumentChange, string>;
  readonly sequences: ReadonlyMap<string, number>;
  /** Claim classes of which tasks came or went: pool → class → whether it still has pending tasks. */
  readonly classes: ReadonlyMap<string, ReadonlyMap<string, boolean>>;
  /** Bans from the whole system that came, changed, or (undefined) ended. */
  readonly bans: ReadonlyMap<string, Ban | undefined>;
  readonly buckets: ReadonlyMap<string, number | undefined>;
  readonly turns: ReadonlyMap<string, number | undefined>;
  /** By their keys, as they are then; empty where there are none any more. */
  readonly fences: ReadonlyMap<string, readonly Fence[]>;
  readonly outcomes: readonly OutcomeRecord[];
  /** Size of all stored outcomes after this commit. */
  readonly outcomeBytes: number;
  /** The same of all that has ended and is kept. */
  readonly endedBytes: number;
  /** The oldest stored outcomes, which are removed. */
  readonly forgotten: readonly string[];
  /** The outbox of this batch; undefined when there is nothing to publish. */
  readonly outbox: string | undefined;
  /** Batches (by their position) that are published by now. */
  readonly published: readonly number[];
}

export interface OldestFound {
  /** As of {@link Found}; undefined when nothing was asked for. */
  readonly position: StoredPosition | undefined;
  /** Of each pool that was asked for, oldest first: as many as {@link OLDEST_BYTES} have room for. */
  readonly ended: Readonly<Record<Group, ReadonlyMap<string, readonly Remembered[]>>>;
  /** When the first of each pool ended that is not among them, where there are more. */
  readonly beyond: Readonly<Record<Group, ReadonlyMap<string, number>>>;
  readonly outcomes: readonly RememberedOutcome[];
  /** The documents of all of them. */
  readonly entities: readonly Entity[];
}

/** Called while a shard is loaded, because its memory grows bit by bit. */
export interface LoadGuard {
  /** Before anything is read: its size in memory, as its last commit counted it. */
  expect(bytes: number): void;
  /** After each page. */
  page(): void;
}

export interface ShardStore {
  /** Reads everything. Any error that `guard` throws ends it. */
  load(guard?: LoadGuard): Promise<StoredShard>;
  lookup(wanted: Lookup): Promise<Found>;
  /** The oldest of what is kept, for a Sweep. */
  oldest(
    /** Of these pools together the first `most` things that have ended: by time, pool, tasks before the rest, id. */
    pools: readonly string[],
    most: number,
    outcomes: number,
  ): Promise<OldestFound>;
  /**
   * Returns its size. Throws ShardLostError when the shard is not at the expected position, and WriteFailedError when it
   * could not be written.
   */
  commit(commit: ShardCommit): Promise<WriteSize>;
  position(): Promise<StoredPosition>;
  /** Batches whose publication is not confirmed, oldest first. */
  unpublished(): Promise<readonly { readonly seq: number; readonly payload: string }[]>;
  clearPublished(positions: readonly number[]): Promise<void>;
  /** Outcomes by their keys, for publishing them again. */
  outcomes(keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  setHalted(reason: string | undefined): Promise<void>;
}
