/**
 * The summary of a snapshot is the last line of its content and, once the content has been read back,
 * stands next to it as the seal: a snapshot without a seal, or with one that says something else than the content, does
 * not count.
 */
import { z } from 'zod';

export const SNAPSHOT_FORMAT = 1;

const seq = z.int().min(1);

export const snapshotSummarySchema = z.strictObject({
  format: z.literal(SNAPSHOT_FORMAT),
  namespace: z.string(),
  shard: z.int().min(0),
  shards: z.int().min(1),
  /** The state is that after this message of this log. */
  position: z.strictObject({ seq, hash: z.string(), logIdentity: z.string() }),
  /** The first message of the shard's log that is needed to go on from here: the position, or what the outbox quotes. */
  logNeededFrom: seq,
  /** Log time at the position, milliseconds since the epoch. */
  now: z.int().min(0),
  /** Lines of the content without this one. */
  lines: z.int().min(0),
  /** How many there must be of each kind in the end, as far as that was counted. */
  counts: z.record(z.string(), z.int().min(0)),
  /** The fields of the shard's own hash, as they stand in the store. */
  meta: z.record(z.string(), z.string()),
});

export type SnapshotSummary = z.output<typeof snapshotSummarySchema>;

export const snapshotSealSchema = z.strictObject({
  /** Which content is sealed: the id that the object store gave it. */
  of: z.string(),
  /** SHA-256 of the content before it was compressed, hexadecimal. */
  sha256: z.string(),
  summary: snapshotSummarySchema,
});

export type SnapshotSeal = z.output<typeof snapshotSealSchema>;
