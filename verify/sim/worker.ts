/** One worker process of a run: the real leases and the real shard workers, on servers that fail. */
import { pino } from 'pino';
import type { TrimMarks } from '../../src/bus/trim-marks.ts';
import { messageOf, UnavailableError } from '../../src/lib/errors.ts';
import { SHARD_POOL, SWEEPER } from '../../src/protocol/names.ts';
import type { LeaseStore } from '../../src/state/lease-store.ts';
import { LOST, type ShardCommit, type ShardStore } from '../../src/state/shard-store.ts';
import { Alarms } from '../../src/workers/health/alarms.ts';
import { WorkerMetrics } from '../../src/workers/health/metrics.ts';
import { LeaseHolder } from '../../src/workers/process/leases.ts';
import type { ShardLog, ShardPublisher } from '../../src/workers/shard/ports.ts';
import { ShardWorker } from '../../src/workers/shard/shard-worker.ts';
import type { TimeSource } from '../../src/workers/time/log-time.ts';
import { TrueTime } from '../../src/workers/time/true-time.ts';
import { clocksOf } from '../../src/workers/time/worker-clocks.ts';
import type { Random } from '../kit/chance/random.ts';
import { memoryLeaseStore } from './memory/leases.ts';
import { MemoryPublisher } from './memory/publisher.ts';
import type { MemoryShard } from './memory/shard.ts';
import { MemoryShardLog } from './memory/shard-log.ts';
import { type CommitFault, memoryShardStore } from './memory/shard-store.ts';
import { type Monitor, prefixOf } from './monitor.ts';
import type { Plan, Trimming } from './plan.ts';
import type { SimProcess } from './process.ts';
import { type Servers, SUBJECTS } from './servers.ts';
import type { Trace } from './trace.ts';
import { SimTrimming } from './trimming.ts';

/** The ports of one shard worker: what a planted bug can change. */
export interface Ports {
  readonly time: TimeSource;
  readonly store: ShardStore;
  readonly log: ShardLog;
  readonly publisher: ShardPublisher;
}

export interface SimWorkerOptions {
  readonly process: SimProcess;
  readonly plan: Plan;
  readonly dice: Random;
  readonly servers: Servers;
  readonly monitor: Monitor;
  readonly trace: Trace;
  readonly onResult: (key: string, outcome: string) => void;
  /** Counts a fault; false when faults are over. */
  readonly happens: (fault: string) => boolean;
  readonly newId: (prefix: string) => string;
  readonly maySweep: () => boolean;
  readonly plant: (ports: Ports) => Ports;
  readonly plantLeases: (store: LeaseStore) => LeaseStore;
  readonly plantMarks: (marks: TrimMarks) => TrimMarks;
}

const LOG_CHECK_MS = 1_000;
const SHUTDOWN_MS = 10_000;
const METRICS = new WorkerMetrics();

export class SimWorker {
  readonly #options: SimWorkerOptions;
  readonly #leases: LeaseHolder;
  readonly #time: TrueTime;
  readonly #alarms: Alarms;
  readonly #shards = new Map<number, ShardWorker>();
  /** Undefined in runs whose log is never trimmed. */
  readonly #trimming: SimTrimming | undefined;
  readonly #logger;
  #eventsAreFull = false;
  /** Commits that cannot be sent. */
  readonly #unsent = new Set<string>();

  constructor(options: SimWorkerOptions) {
    const { process, plan, dice, servers } = options;
    this.#options = options;
    this.#logger = loggerOf(options.trace, process.id);
    this.#alarms = new Alarms({ logger: this.#logger, clock: process.clock });
    this.#time = this.#trueTime();
    this.#trimming = plan.trimming && this.#trimmingOf(plan.trimming);
    this.#leases = new LeaseHolder({
      store: options.plantLeases(
        memoryLeaseStore(process, servers.leases, process.id, plan.leaseMs, () => process.clock.now()),
      ),
      holder: process.id,
      shards: plan.shards,
      leaseMs: plan.leaseMs,
      clock: process.clock,
      random: () => dice.next(),
      logger: this.#logger,
      onAcquired: (shard) => this.#begin(shard),
      onReleased: (shard) => this.#end(shard),
    });
  }

  get process(): SimProcess {
    return this.#options.process;
  }

  start(): void {
    this.process.enter(() => {
      void this.#time.start().then(() => this.#leases.start());
      void this.#watch();
      void this.#trimming?.run();
    });
  }

  /** SIGTERM: gives everything back, within a bound, and ends. */
  stop(): void {
    const { process } = this.#options;
    process.enter(() => {
      void this.#leases.stop().then(() => process.kill('it has stopped'));
      void process.clock.sleep(SHUTDOWN_MS).then(() => process.kill('it could not stop in time'));
    });
  }

  /** The connection to NATS was lost, or is there again. */
  interrupt(why: string): void {
    this.process.enter(() => {
      for (const shard of this.#shards.values()) shard.interrupt(why);
    });
  }

  /** On one machine with everything else: each process has one vote. */
  #trueTime(): TrueTime {
    const { process, servers, maySweep, newId } = this.#options;
    const others = {
      redis: () => process.request('read', () => ({ now: servers.redisNow(), acceptedUntil: 0 })),
      log: () =>
        process.request('publish', () => {
          if (!maySweep()) throw new UnavailableError('the log is to grow no more');
          const id = newId('stamp');
          const subject = SUBJECTS.shardDecision(0, SWEEPER, SHARD_POOL);
          const body = Buffer.from(JSON.stringify({ id, type: 'Settle' }));
          const { seq } = servers.decisions.publish(subject, body);
          return servers.decisions.read(seq)?.at ?? Number.NaN;
        }),
      listen: () => this.#leases.listen(),
      workers: () => clocksOf(this.#leases.heartbeats, process.id, process.clock.monotonic()),
      machines: () => ({ own: 'sim', redis: 'sim', log: 'sim' }),
    };
    return new TrueTime({ clock: process.clock, others, alarms: this.#alarms, logger: this.#logger });
  }

  #trimmingOf(trimming: Trimming): SimTrimming {
    return new SimTrimming({
      ...this.#options,
      trimming,
      alarms: this.#alarms,
      logger: this.#logger,
      metrics: METRICS,
      running: () =>
        [...this.#shards].flatMap(([shard, { status }]) => (status === 'running' ? [shard] : [])),
    });
  }

  #begin(shard: number): void {
    const { process, plan, servers, monitor, trace, newId, plant } = this.#options;
    trace.note(process.id, `begins to work on shard ${shard}`);
    const trimming = this.#trimming;
    const { shards } = plan;
    const log = new MemoryShardLog(
      process,
      servers.decisions,
      prefixOf(shard),
      trimming && { shard, shards, marks: trimming.marks },
    );
    const stored = servers.shards[shard];
    if (stored === undefined) throw new Error(`there is no shard ${shard}`);
    const store = memoryShardStore(
      process,
      stored,
      (commit) => {
        const { version, missed } = log;
        return (before) => {
          trace.note(
            'redis',
            `${process.id} commits ${commit.expected.seq} → ${commit.next.seq} of shard ${shard}`,
          );
          monitor.committed(shard, commit, before, version, stored.outboxSize, missed);
        };
      },
      (commit, where) => this.#commitFault(commit, where),
    );
    const publisher = new MemoryPublisher({
      link: process,
      subjects: SUBJECTS,
      decisions: servers.decisions,
      events: servers.events,
      deadLetters: servers.deadLetters,
      eventsAreFull: () => this.#eventsAreFull,
      onResult: this.#options.onResult,
      newId: () => newId('own'),
      maySweep: this.#options.maySweep,
    });
    const { maxBatch, maxBatchBytes, sweepOverdueMs } = plan;
    const worker = new ShardWorker({
      namespace: SUBJECTS.namespace,
      shard,
      shards,
      subjects: SUBJECTS,
      ...plant({ store, log: trimming?.watched(shard, log) ?? log, publisher, time: this.#time }),
      clock: process.clock,
      logger: this.#logger,
      metrics: METRICS,
      alarms: this.#alarms,
      maxBatch,
      maxBatchBytes,
      sweepOverdueMs,
      holdsLease: () => this.#leases.holds(shard),
      newCommitId: () => newId('commit'),
      commitCut: plan.commitCut,
      recover: () => trimming?.recover(shard, stored, log) ?? this.#recover(shard, stored),
    });
    this.#shards.set(shard, worker);
  }

  #commitFault({ id, outcomes }: ShardCommit, where: Parameters<CommitFault>[1]): ReturnType<CommitFault> {
    const { plan, dice, servers, happens } = this.#options;
    if (where === 'before it is sent') {
      // Alone it can always be sent, and what could not be sent once never can.
      const isUnsent = outcomes.length > 1 && dice.chance(plan.commitUnsent) && happens('commit_unsent');
      if (isUnsent) this.#unsent.add(id);
      return this.#unsent.has(id) ? 'unsent' : undefined;
    }
    if (servers.isRedisFull) return 'refused';
    return dice.chance(plan.commitBroken) && happens('commit_broken') ? 'broken' : undefined;
  }

  /** Without snapshots what is lost is made again from the log. */
  async #recover(shard: number, stored: MemoryShard): Promise<void> {
    const { process, monitor, trace } = this.#options;
    await process.request('read', () => {
      if (stored.position().seq !== LOST) return;
      trace.note('redis', `shard ${shard} was lost in the middle of a commit: it begins again`);
      stored.empty();
      monitor.restored(shard, []);
    });
  }

  async #end(shard: number): Promise<void> {
    const worker = this.#shards.get(shard);
    this.#shards.delete(shard);
    await worker?.stop();
  }

  /** What the process around the shard workers does every second: is the log still the one, is there room for events? */
  async #watch(): Promise<void> {
    const { process, servers } = this.#options;
    for (;;) {
      await process.clock.sleep(LOG_CHECK_MS);
      try {
        const full = await process.request('log', () => servers.eventsAreFull);
        this.#eventsAreFull = full;
        const positions = [...this.#shards.values()]
          .filter(({ status }) => status === 'running')
          .map((shard) => ({ shard, position: shard.position ?? 0, log: shard.logIdentity }));
        const { identity, lastSeq } = await process.request('log', () => servers.decisions.bounds());
        for (const { shard, position, log } of positions) {
          const isSame = log === undefined || identity === log;
          if (!isSame || lastSeq < position) shard.interrupt('the log was replaced or rolled back');
        }
      } catch (error) {
        this.#logger.debug({ reason: messageOf(error) }, 'could not check the log');
      }
    }
  }
}

const SILENT = pino({ level: 'silent' });

function loggerOf(trace: Trace, who: string) {
  if (!trace.isOn) return SILENT;
  const write = (line: string): void => {
    const { msg, reason, err } = JSON.parse(line);
    trace.note(who, [msg, reason ?? '', err?.message ?? ''].filter((part) => part !== '').join(': '));
  };
  return pino({ level: 'info', base: null, timestamp: false }, { write });
}
