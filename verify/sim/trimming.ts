/**
 * Snapshots, trimming and recovery of one worker. What decides is the real code: the trimmer with its rule, the marks and how they are changed,
 * whether a state is lost, whether the log continues a snapshot. A snapshot is a copy of what the store holds at one moment.
 */
import type { Logger } from 'pino';
import { changeMark, type TrimMarks, withSnapshot } from '../../src/bus/trim-marks.ts';
import { verifyLog } from '../../src/bus/verify-log.ts';
import { LogDivergedError, messageOf, ShardLostError } from '../../src/lib/errors.ts';
import { least } from '../../src/protocol/lists.ts';
import type { StoredPosition } from '../../src/state/shard-store.ts';
import type { Alarms } from '../../src/workers/health/alarms.ts';
import type { WorkerMetrics } from '../../src/workers/health/metrics.ts';
import type { ShardLog } from '../../src/workers/shard/ports.ts';
import { lateClock } from '../../src/workers/snapshots/late-clock.ts';
import { LogTrimmer } from '../../src/workers/snapshots/log-trimmer.ts';
import { lossOf } from '../../src/workers/snapshots/loss.ts';
import { quotedFrom } from '../../src/workers/snapshots/take-snapshot.ts';
import { expectKnownClock } from '../../src/workers/time/known-clock.ts';
import type { Random } from '../kit/chance/random.ts';
import { memoryTrimMarks } from './memory/marks.ts';
import type { MemoryShard } from './memory/shard.ts';
import type { MemoryShardLog } from './memory/shard-log.ts';
import type { MemorySnapshot } from './memory/snapshots.ts';
import { type Monitor, prefixOf } from './monitor.ts';
import type { Trimming } from './plan.ts';
import type { SimProcess } from './process.ts';
import { type Servers, SUBJECTS } from './servers.ts';
import type { Trace } from './trace.ts';

export interface SimTrimmingOptions {
  readonly process: SimProcess;
  readonly trimming: Trimming;
  readonly dice: Random;
  readonly servers: Servers;
  readonly monitor: Monitor;
  readonly trace: Trace;
  readonly alarms: Alarms;
  readonly logger: Logger;
  readonly metrics: WorkerMetrics;
  /** Shards of this worker that are loaded and whose log was verified. */
  readonly running: () => readonly number[];
  readonly happens: (fault: string) => boolean;
  readonly newId: (prefix: string) => string;
  readonly plantMarks: (marks: TrimMarks) => TrimMarks;
}

const LEAST_SNAPSHOTS = 2;

export class SimTrimming {
  /** As whoever recovers a shard reads them. */
  readonly marks: TrimMarks;
  readonly #options: SimTrimmingOptions;
  /** As whoever writes them does: what it reads first may be behind. */
  readonly #written: TrimMarks;
  readonly #trimmer: LogTrimmer;
  /** Shard → the snapshots that were kept when the trimmer last looked. */
  readonly #seen = new Map<number, ReadonlySet<string>>();

  constructor(options: SimTrimmingOptions) {
    const { process, servers, trimming, dice, happens, plantMarks, logger, metrics } = options;
    const isStale = (): boolean => dice.chance(trimming.staleReads) && happens('mark_stale');
    this.#options = options;
    this.marks = plantMarks(memoryTrimMarks(process, servers.marks, () => false));
    this.#written = plantMarks(memoryTrimMarks(process, servers.marks, isStale));
    this.#trimmer = new LogTrimmer({
      ports: {
        log: { identity: () => this.#identity(), trim: (shard, below) => this.#trim(shard, below) },
        marks: this.#written,
        snapshots: {
          list: (shard) => process.request('log', () => this.#list(shard)),
          fault: (shard, { content }) =>
            process.request('log', () =>
              servers.snapshots.list(shard).some((kept) => kept.content === content)
                ? undefined
                : 'it was replaced',
            ),
        },
        progressOf: (shard) => process.request('read', () => progressOf(servers.shards[shard])),
      },
      shards: servers.shards.length,
      logRetentionMs: trimming.logRetentionMs,
      logger,
      metrics,
    });
  }

  /** Every worker trims, whoever else does at the same time. */
  async run(): Promise<void> {
    const { process, trimming, running, logger } = this.#options;
    for (;;) {
      await process.clock.sleep(trimming.everyMs);
      for (const shard of running()) {
        await this.#snapshot(shard).catch((error) =>
          logger.info({ reason: messageOf(error) }, 'could not take a snapshot'),
        );
      }
      await this.#trimmer
        .runOnce()
        .catch((error) => logger.info({ reason: messageOf(error) }, 'could not trim the log'));
    }
  }

  async #snapshot(shard: number): Promise<void> {
    const { process, servers, trace } = this.#options;
    const taken = await process.request('read', () => this.#copy(shard));
    if (taken === undefined) return;
    const { position, now } = taken.summary;
    await process.request('publish', () => {
      trace.note('log', `${process.id} keeps a snapshot of shard ${shard} at ${position.seq}`);
      servers.snapshots.put(shard, taken);
    });
    await changeMark(this.#written, shard, (mark) =>
      mark?.log === position.logIdentity ? withSnapshot(mark, position.seq, now) : undefined,
    );
  }

  #copy(shard: number): MemorySnapshot | undefined {
    const { servers, monitor, newId } = this.#options;
    const stored = servers.shards[shard];
    const { seq, hash, logIdentity } = progressOf(stored);
    if (stored === undefined || seq <= 0 || hash === undefined || logIdentity === undefined) return undefined;
    const kept = servers.snapshots.list(shard);
    if (kept.length >= LEAST_SNAPSHOTS && kept[0]?.summary.position.seq === seq) return undefined;
    const quoted = stored.unpublished().flatMap(({ payload }) => quotedFrom(payload) ?? []);
    return {
      content: newId('snapshot'),
      summary: {
        position: { seq, hash, logIdentity },
        logNeededFrom: least([seq, ...quoted]) ?? seq,
        now: stored.now,
      },
      clock: stored.clock,
      copy: stored.copy(),
      applied: [...monitor.appliedTo(shard)],
    };
  }

  #list(shard: number): readonly MemorySnapshot[] {
    const kept = this.#options.servers.snapshots.list(shard);
    this.#seen.set(shard, new Set(kept.map(({ content }) => content)));
    return kept;
  }

  #identity(): Promise<string> {
    const { process, servers } = this.#options;
    return process.request('log', () => servers.decisions.bounds().identity);
  }

  #trim(shard: number, below: number): Promise<number> {
    const { process, servers, monitor, trace } = this.#options;
    const seen = this.#seen.get(shard);
    return process.request('publish', () => {
      const { mark } = servers.marks.read(shard);
      const kept = servers.snapshots.list(shard).filter(({ content }) => seen?.has(content) === true);
      monitor.trims(
        shard,
        below,
        mark,
        kept.map(({ summary }) => summary),
      );
      trace.note('log', `${process.id} trims shard ${shard} below ${below}`);
      return servers.decisions.purge(prefixOf(shard), below);
    });
  }

  /** Brings a shard back whose state is lost: from the newest snapshot that the log continues, or from its beginning. */
  async recover(shard: number, stored: MemoryShard, log: MemoryShardLog): Promise<void> {
    const { process, servers, alarms, logger } = this.#options;
    const at = await process.request('read', () => stored.position());
    const identity = (): Promise<string> => this.#identity();
    const loss = await lossOf(
      { shard, marks: this.marks, identity, read: (seq) => log.read(seq), alarms },
      at,
    );
    if (!loss.isLost) return;
    for (const snapshot of await process.request('log', () => servers.snapshots.list(shard))) {
      const why = await this.#refusal(shard, snapshot, log);
      if (why === undefined && snapshot.summary.position.seq > at.seq) {
        await this.#restore(shard, stored, at, snapshot);
        return;
      }
      logger.info({ reason: why ?? 'it is older' }, 'a snapshot is no good');
    }
    if (!loss.isLogWhole) throw new LogDivergedError('the log has been trimmed and no snapshot is usable');
    await this.#begin(shard, stored);
  }

  async #refusal(
    shard: number,
    { summary, clock }: MemorySnapshot,
    log: MemoryShardLog,
  ): Promise<string | undefined> {
    const { servers } = this.#options;
    const { position } = summary;
    const place = { namespace: SUBJECTS.namespace, shard, shards: servers.shards.length };
    const clocks = await log.clocks(position.seq);
    const late = lateClock(clocks, place, position.seq, clock);
    if (late !== undefined) return late;
    await verifyLog(log.verifiable(), position);
    expectKnownClock(clock, clocks, position.seq);
    return undefined;
  }

  async #restore(
    shard: number,
    stored: MemoryShard,
    seen: StoredPosition,
    { copy, applied, summary }: MemorySnapshot,
  ): Promise<void> {
    const { process, monitor, trace } = this.#options;
    await process.request('commit', () => {
      const { seq, hash } = stored.position();
      if (seq !== seen.seq || hash !== seen.hash) {
        throw new ShardLostError('another worker is writing or restoring the shard');
      }
      trace.note('redis', `shard ${shard} is restored from the snapshot at ${summary.position.seq}`);
      stored.restore(copy);
      monitor.restored(shard, applied);
    });
  }

  async #begin(shard: number, stored: MemoryShard): Promise<void> {
    const { process, monitor, trace } = this.#options;
    await process.request('read', () => {
      if (!stored.isLost) return;
      trace.note('redis', `shard ${shard} was lost in the middle of a commit: it begins again`);
      stored.empty();
      monitor.restored(shard, []);
    });
  }

  /** Says when a shard begins at the beginning of its log, although nothing says whether that is still there. */
  watched(shard: number, log: MemoryShardLog): ShardLog {
    const { servers, monitor } = this.#options;
    const isUnmarked = (): boolean => servers.marks.read(shard).mark === undefined;
    return {
      open: async (position) => {
        const wasUnmarked = isUnmarked();
        const reader = await log.open(position);
        if (position.seq === 0 && wasUnmarked && isUnmarked()) monitor.beganUnmarked(shard);
        return reader;
      },
      read: (seq) => log.read(seq),
      clocks: (after) => log.clocks(after),
      identity: () => log.identity(),
    };
  }
}

function progressOf(stored: MemoryShard | undefined): StoredPosition & { readonly now: number } {
  if (stored === undefined) throw new Error('there is no such shard');
  return { ...stored.position(), now: stored.now };
}
