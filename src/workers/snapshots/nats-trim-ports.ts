/** Trimming on NATS and Redis. */
import { isDeepStrictEqual } from 'node:util';
import type { JetStreamManager } from '@nats-io/jetstream';
import { logIdentityOf } from '../../bus/layout.ts';
import { NatsTrimMarks } from '../../bus/nats-trim-marks.ts';
import type { SnapshotBucket } from '../../bus/snapshot-bucket.ts';
import { findStream } from '../../bus/streams.ts';
import { SnapshotDamagedError } from '../../lib/errors.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { readBack } from './take-snapshot.ts';
import type { TrimmableLog, TrimPorts, TrimSnapshots } from './trim-ports.ts';

export interface NatsTrimOptions {
  readonly jsm: JetStreamManager;
  readonly subjects: Subjects;
  readonly bucket: SnapshotBucket;
  readonly progressOf: TrimPorts['progressOf'];
}

export function natsTrimPorts({ jsm, subjects, bucket, progressOf }: NatsTrimOptions): TrimPorts {
  return {
    log: trimmableLog(jsm, subjects),
    marks: new NatsTrimMarks(jsm, subjects),
    snapshots: trimSnapshots(bucket),
    progressOf,
  };
}

function trimmableLog(jsm: JetStreamManager, subjects: Subjects): TrimmableLog {
  return {
    async identity(shard) {
      const info = await findStream(jsm, subjects.logOf(shard));
      return info === undefined ? undefined : logIdentityOf(info);
    },
    async trim(shard, below) {
      const { purged } = await jsm.streams.purge(subjects.logOf(shard), {
        filter: subjects.shardLog(shard),
        seq: below,
      });
      return purged;
    },
  };
}

function trimSnapshots(bucket: SnapshotBucket): TrimSnapshots {
  return {
    async list(shard) {
      return (await bucket.list(shard)).flatMap(({ content, seal }) =>
        seal === undefined ? [] : [{ content, summary: seal.summary }],
      );
    },
    async fault(shard, { content }) {
      const stored = (await bucket.list(shard)).find((snapshot) => snapshot.content === content);
      if (stored?.seal === undefined) return 'it was replaced';
      try {
        const { sha256, summary } = await readBack(bucket, stored);
        const { seal } = stored;
        if (sha256 === seal.sha256 && isDeepStrictEqual(summary, seal.summary)) return undefined;
        return 'its content does not match its seal';
      } catch (error) {
        if (error instanceof SnapshotDamagedError) return error.message;
        throw error;
      }
    },
  };
}
