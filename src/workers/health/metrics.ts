import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { within } from '../../lib/within.ts';
import { isSingleType } from '../../protocol/decisions/index.ts';
import type { WriteSize } from '../../state/script-writer.ts';
import type { DecidedBatch } from '../shard/decide-batch.ts';

const READ_WITHIN_MS = 1_000;

/** The metrics of a worker, for `/metrics` in Prometheus' format. One registry per worker, so that tests can run several. */
export class WorkerMetrics {
  readonly registry = new Registry();
  readonly decisions = this.#counter('converge_decisions_total', 'Decisions applied', [
    'type',
    'status',
    'code',
  ]);
  readonly repeated = this.#counter(
    'converge_repeated_decisions_total',
    'Repeated decisions, answered with their first outcome',
  );
  readonly events = this.#counter('converge_events_total', 'Events published or about to be');
  readonly deadLetters = this.#counter('converge_dead_letters_total', 'Messages that could not be decoded');
  readonly faults = this.#counter('converge_handler_faults_total', 'Handlers that threw: bugs');
  readonly commits = this.#counter('converge_commits_total', 'Commits of a batch');
  readonly commitFailures = this.#counter(
    'converge_commit_failures_total',
    'Commits that failed, by how far they came: unsent, refused, unanswered, broken',
    ['class'],
  );
  readonly commitArguments = new Histogram({
    name: 'converge_commit_arguments',
    help: 'Keys and arguments of a commit',
    buckets: [100, 1_000, 10_000, 25_000, 50_000, 100_000],
    registers: [this.registry],
  });
  readonly commitBytes = new Histogram({
    name: 'converge_commit_bytes',
    help: 'Bytes of a commit',
    buckets: [1_024, 16_384, 131_072, 1_048_576, 8_388_608, 16_777_216],
    registers: [this.registry],
  });
  readonly publishFailures = this.#counter(
    'converge_publish_failures_total',
    'Batches whose events had to be sent again',
  );
  readonly halts = this.#counter('converge_shard_halts_total', 'Times that a shard was halted');
  readonly ownSweeps = this.#counter(
    'converge_own_sweeps_total',
    'Sweeps by the owner of a shard because no sweep arrived',
  );
  readonly settles = this.#counter('converge_settles_total', 'Settles applied: owed consequences, in steps');
  readonly owed = new Gauge({
    name: 'converge_owed',
    help: 'Pools of the shard that owe consequences of what was decided',
    labelNames: ['shard'],
    registers: [this.registry],
  });
  readonly sweeps = this.#counter('converge_sweeps_total', 'Sweeps run by the scheduled job', ['result']);
  readonly forgotten = this.#counter('converge_outcomes_forgotten_total', 'Outcomes removed by the sweep');
  readonly retentionCut = this.#counter(
    'converge_outcome_retention_cut_total',
    'Outcomes removed before their time because there were too many',
  );
  readonly snapshots = this.#counter('converge_snapshots_total', 'Snapshots of shards', ['result']);
  readonly snapshotsRefused = this.#counter(
    'converge_snapshots_refused_total',
    'Snapshots that were damaged or of another log when they were needed',
  );
  readonly trimmed = this.#counter('converge_log_trimmed_total', 'Decisions that were trimmed from the log');
  readonly snapshotPause = new Histogram({
    name: 'converge_snapshot_pause_seconds',
    help: 'How long the commits of a shard waited for its snapshot',
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2],
    registers: [this.registry],
  });
  readonly snapshotTime = new Gauge({
    name: 'converge_snapshot_timestamp_seconds',
    help: 'When this worker last took a snapshot of the shard',
    labelNames: ['shard'],
    registers: [this.registry],
  });
  readonly snapshotBytes = new Gauge({
    name: 'converge_snapshot_bytes',
    help: 'Stored size of that snapshot',
    labelNames: ['shard'],
    registers: [this.registry],
  });
  readonly halted = new Gauge({
    name: 'converge_shard_halted',
    help: 'The shard is halted because its log does not continue what was applied',
    labelNames: ['shard'],
    registers: [this.registry],
  });
  readonly shardBytes = new Gauge({
    name: 'converge_shard_bytes',
    help: 'Bytes of the live documents of the shard, as its quotas count them',
    labelNames: ['shard'],
    registers: [this.registry],
  });
  readonly shardPressure = new Gauge({
    name: 'converge_shard_pressure',
    help: 'Decisions that add to the shard are rejected because its worker is short of memory',
    labelNames: ['shard'],
    registers: [this.registry],
  });
  readonly endedBytes = new Gauge({
    name: 'converge_ended_bytes',
    help: 'Bytes of ended entities that the shard keeps in Redis, as its quota counts them',
    labelNames: ['shard'],
    registers: [this.registry],
  });
  readonly batchSize = new Histogram({
    name: 'converge_batch_decisions',
    help: 'Decisions per commit',
    buckets: [1, 4, 16, 64, 256, 1024],
    registers: [this.registry],
  });

  readonly packSize = new Histogram({
    name: 'converge_pack_events',
    help: 'Events per pack: of one pool and one commit',
    buckets: [1, 4, 16, 64, 256, 1000],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  countBatch(batch: DecidedBatch): void {
    this.commits.inc();
    this.batchSize.observe(batch.results.length + batch.deadLetters.length);
    this.events.inc(batch.events.length);
    for (const { count } of batch.packs) this.packSize.observe(count);
    if (batch.repeated > 0) this.repeated.inc(batch.repeated);
    if (batch.deadLetters.length > 0) this.deadLetters.inc(batch.deadLetters.length);
    if (batch.forgottenOutcomes > 0) this.forgotten.inc(batch.forgottenOutcomes);
    const counts = new Map<string, { labels: Record<string, string>; count: number }>();
    for (const { applied, result } of batch.decisions) {
      if (applied.type === 'Settle') this.settles.inc();
      const labels = { type: knownType(applied.type), status: result.status, code: result.code ?? '' };
      const key = `${labels.type} ${labels.status} ${labels.code}`;
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { labels, count: 1 });
      else known.count++;
      if (result.fault !== undefined) this.faults.inc();
    }
    for (const { labels, count } of counts.values()) this.decisions.inc(labels, count);
  }

  countCommit({ bytes, arguments: count }: WriteSize): void {
    this.commitArguments.observe(count);
    this.commitBytes.observe(bytes);
  }

  countSnapshot(shard: number, { pauseMs, storedBytes }: { pauseMs: number; storedBytes: number }): void {
    this.snapshots.inc({ result: 'taken' });
    this.snapshotPause.observe(pauseMs / 1_000);
    this.snapshotTime.set({ shard }, Date.now() / 1_000);
    this.snapshotBytes.set({ shard }, storedBytes);
  }

  /** How far each clock is from the true time. */
  offerSkews(read: () => Readonly<Record<string, number | undefined>>): void {
    new Gauge({
      name: 'converge_clock_skew_seconds',
      help: 'How far a clock is ahead of the true time: of this worker, of Redis, of the log',
      labelNames: ['clock'],
      registers: [this.registry],
      collect() {
        for (const [clock, ms] of Object.entries(read())) {
          if (ms !== undefined) this.set({ clock }, ms / 1_000);
        }
      },
    });
  }

  /** A number that is read on request; NaN when it cannot be read in time. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      async collect() {
        this.set(await inTime(read).catch(() => Number.NaN));
      },
    });
  }

  #counter<Label extends string = never>(
    name: string,
    help: string,
    labelNames: Label[] = [],
  ): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}

/** One figure that cannot be had, because Redis does not answer, must not cost all the others. */
async function inTime(read: () => number | Promise<number>): Promise<number> {
  const reading = async (): Promise<number> => await read();
  return await within(READ_WITHIN_MS, reading(), () => Number.NaN);
}

const SYSTEM_TYPES: ReadonlySet<string> = new Set(['Batch', 'Sweep', 'Settle', 'Pressure', 'Clock']);

/** Anyone can name a type that does not exist; each would be a time series of its own. */
function knownType(type: string): string {
  return isSingleType(type) || SYSTEM_TYPES.has(type) ? type : 'unknown';
}
