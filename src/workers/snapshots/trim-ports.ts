/** The ports of trimming. The real ones are NATS and Redis; a simulator has its own. */
import type { TrimMarks } from '../../bus/trim-marks.ts';
import type { SnapshotSummary } from '../../protocol/snapshots.ts';
import type { StoredPosition } from '../../state/shard-store.ts';

export interface TrimmableLog {
  /** Which log the shard is in; undefined when there is none. */
  identity(shard: number): Promise<string | undefined>;
  /** Removes the messages of one shard below a position; returns how many there were. */
  trim(shard: number, below: number): Promise<number>;
}

/** A snapshot that is sealed. */
export interface SealedSnapshot {
  /** Its very content: another one of the same name has another. */
  readonly content: string;
  readonly summary: Pick<SnapshotSummary, 'position' | 'logNeededFrom' | 'now'>;
}

export interface TrimSnapshots {
  list(shard: number): Promise<readonly SealedSnapshot[]>;
  /** Reads all of it; answers why it is no good, or undefined when it is what its seal says. */
  fault(shard: number, snapshot: SealedSnapshot): Promise<string | undefined>;
}

export interface Progress extends StoredPosition {
  /** Log time at the position. */
  readonly now: number;
}

export interface TrimPorts {
  readonly log: TrimmableLog;
  readonly marks: TrimMarks;
  readonly snapshots: TrimSnapshots;
  /** Where the stored state of a shard stands. */
  readonly progressOf: (shard: number) => Promise<Progress>;
}
