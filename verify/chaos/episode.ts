/**
 * One episode: a system of its own, load, faults one after the other, each until every shard is at work again; then
 * everything comes to rest, the history is completed, and judged.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../src/lib/errors.ts';
import { within } from '../../src/lib/within.ts';
import { Random } from '../kit/chance/random.ts';
import type { Verdict } from './checker/judge.ts';
import { judge } from './checker/judge.ts';
import { type Concern, type Fault, SkippedFault, type Stricken } from './faults/index.ts';
import { askForMissing } from './history/ask-for-missing.ts';
import { readHistory } from './history/read-history.ts';
import { Recorder } from './history/recorder.ts';
import { takeStreams } from './history/take-streams.ts';
import { Load } from './load/load.ts';
import { OutcomeWatch } from './load/outcome-watch.ts';
import { Probes } from './load/probes.ts';
import { Sender } from './load/sender.ts';
import { compareWithRebuild } from './rebuild.ts';
import { ChaosSystem } from './system/system.ts';
import { haltsIn, logFaultsIn } from './system/worker-log.ts';
import { waitingInVain } from './waiting.ts';

export interface EpisodeOptions {
  readonly name: string;
  readonly folder: string;
  readonly seed: number;
  readonly workers: number;
  readonly rate: number;
  /** Of each worker, MiB. */
  readonly heapMb?: number;
  readonly leaseMs?: number;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  /** The next fault; undefined when it is time to end. */
  readonly nextFault: () => Fault | undefined;
  /** Told as soon as it is there, so that whoever is interrupted can end it. */
  readonly onSystem: (system: ChaosSystem) => void;
}

export interface Recovery {
  readonly kind: string;
  readonly concern: Concern | undefined;
  /** The slowest shard. */
  readonly ms: number;
}

/** What was broken besides what the history says. */
export interface RunViolation {
  readonly class: 'run';
  readonly rule: string;
  readonly about: string;
  readonly what: string;
}

export interface EpisodeResult {
  readonly injected: readonly string[];
  readonly skipped: ReadonlyMap<string, string>;
  readonly recoveries: readonly Recovery[];
  readonly sweepsResumedMs: readonly number[];
  readonly haltMs: readonly number[];
  readonly expectedHalts: number;
  readonly unexpectedHalts: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly verdict: Verdict;
  readonly isRebuildEqual: boolean;
  readonly maxWorkerRssMb: number;
  readonly violations: readonly RunViolation[];
}

const SHARDS = 8;
const INJECTED_WITHIN_MS = 60_000;
/** Whoever sends a little while others flood is answered in this time. */
const OTHERS_WITHIN_MS = 5_000;
const SWEEPS_AGAIN_WITHIN_MS = 10_000;
const ENDS_WITHIN_MS = 15_000;
const APPLIED_WITHIN_MS = 30_000;
const SAMPLE_MS = 500;
const POLL_MS = 100;
const WARM_UP_MS = 1_000;
/** Tasks that wait in vain are named up to this many. */
const MOST_PAIRS = 10;
const MOST_RSS_MB = 512;
/** Code, buffers, and what is on its way. */
const BESIDES_HEAP_MB = 300;

export async function runEpisode(options: EpisodeOptions): Promise<EpisodeResult> {
  const { name, folder, seed, workers, env, say } = options;
  const system = await ChaosSystem.start({
    dataDir: folder,
    namespace: name,
    shards: SHARDS,
    workers,
    heapMb: options.heapMb,
    leaseMs: options.leaseMs,
    env,
    say: () => undefined,
  });
  options.onSystem(system);
  try {
    say(
      `${name}: ${workers} workers on ${system.redis.product} ${system.redis.version} and nats-server ${system.nats.version}`,
    );
    return await new Episode(options, system, new Random(seed)).run();
  } finally {
    await system.destroy();
  }
}

class Episode {
  readonly #options: EpisodeOptions;
  readonly #system: ChaosSystem;
  readonly #random: Random;
  readonly #recorder: Recorder;
  readonly #historyFile: string;
  readonly #outcomes: OutcomeWatch;
  readonly #agents: Sender;
  readonly #direct: Sender;
  readonly #probes: Probes;
  readonly #load: Load;
  readonly #injected: string[] = [];
  readonly #skipped = new Map<string, string>();
  readonly #recoveries: Recovery[] = [];
  readonly #sweepsResumedMs: number[] = [];
  readonly #haltMs: number[] = [];
  readonly #wrongLog: { from: number; to: number }[] = [];
  readonly #violations: RunViolation[] = [];
  #expectedHalts = 0;
  #maxRssMb = 0;
  /** What every worker has waited for a processor, by when. */
  readonly #starved: { readonly at: number; readonly ms: ReadonlyMap<string, number> }[] = [];

  constructor(options: EpisodeOptions, system: ChaosSystem, random: Random) {
    this.#options = options;
    this.#system = system;
    this.#random = random;
    this.#historyFile = join(options.folder, 'history.jsonl');
    this.#recorder = new Recorder(this.#historyFile);
    const { connection, subjects, queries, shards } = system;
    const recorder = this.#recorder;
    this.#outcomes = new OutcomeWatch(connection, subjects, recorder, (key) => this.#probes.onOutcome(key));
    const common = { queries, subjects, shards, recorder, outcomes: this.#outcomes };
    this.#agents = new Sender({ ...common, connection: system.agentsConnection });
    this.#direct = new Sender({ ...common, connection });
    this.#probes = new Probes(this.#direct, shards);
    this.#load = new Load({
      sender: this.#agents,
      subjects,
      shards,
      recorder,
      seed: options.seed,
      rate: options.rate,
    });
  }

  async run(): Promise<EpisodeResult> {
    const sampling = setInterval(() => this.#sample(), SAMPLE_MS);
    try {
      await Promise.all([this.#probes.start(), this.#load.start()]);
      await delay(WARM_UP_MS);
      for (let fault = this.#options.nextFault(); fault !== undefined; fault = this.#options.nextFault())
        await this.#strike(fault);
      await this.#comeToRest();
    } finally {
      clearInterval(sampling);
      this.#probes.stop();
      this.#agents.end();
      this.#direct.end();
    }
    return await this.#judged();
  }

  async #strike(fault: Fault): Promise<void> {
    const { kind } = fault;
    this.#recorder.write({ t: 'fault', at: Date.now(), kind, phase: 'begin' });
    let since: number;
    try {
      since = await inTime(fault.inject(this.#stricken(kind)), fault.takesAtMostMs ?? INJECTED_WITHIN_MS);
    } catch (error) {
      if (error instanceof SkippedFault) {
        this.#skipped.set(kind, error.message);
        return;
      }
      return this.#violate('fault_failed', kind, messageOf(error));
    }
    this.#injected.push(kind);
    this.#recorder.write({ t: 'fault', at: Date.now(), kind, phase: 'end' });
    this.#noticeCrashes(kind);
    const sweeps = fault.stopsSweeps === true ? this.#sweepsAgain(kind, since) : undefined;
    await this.#recover(fault, since);
    await sweeps;
    await this.#system.refill();
    this.#noticeCrashes(kind);
  }

  async #recover({ kind, concern, recoversWithinMs }: Fault, since: number): Promise<void> {
    const recovered = await this.#probes.recovered(since, recoversWithinMs);
    const ms = Math.max(0, ...recovered.values());
    if (recovered.size < this.#system.shards) {
      const missing = Array.from({ length: this.#system.shards }, (_, i) => i).filter(
        (i) => !recovered.has(i),
      );
      this.#violate(
        'not_recovered',
        kind,
        `no new outcome from shards ${missing.join(', ')} after ${recoversWithinMs} ms`,
      );
    } else this.#recoveries.push({ kind, concern, ms });
    this.#recorder.write({ t: 'fault', at: Date.now(), kind, phase: 'recovered' });
    this.#options.say(`${kind}: every shard at work again after ${ms} ms`);
  }

  #othersWent(kind: string, since: number, exceptShard: number | undefined): void {
    const ms = this.#probes.slowest(since, exceptShard);
    this.#options.say(`${kind}: others waited ${ms} ms at most`);
    if (ms <= OTHERS_WITHIN_MS) return;
    const what = `a pool of somebody else waited ${ms} ms for an answer`;
    const starvedMs = this.#starvedSince(since);
    this.#violate('others_waited', kind, `${what}; a worker had no processor for ${starvedMs} ms meanwhile`);
  }

  /** Of the worker that had to wait for a processor longest: on a busy machine nobody answers in time. */
  #starvedSince(since: number): number {
    const before = this.#starved.findLast(({ at }) => at <= since)?.ms;
    let mostMs = 0;
    for (const worker of this.#system.workers) {
      const ms = (worker.waitedForCpuMs() ?? 0) - (before?.get(worker.id) ?? 0);
      mostMs = Math.max(mostMs, Math.round(ms));
    }
    return mostMs;
  }

  /** A sweep that succeeded after this moment says so: the newest one is another than it was. */
  async #sweepsAgain(kind: string, since: number): Promise<void> {
    let first: number | 'none' | undefined;
    while (Date.now() - since < SWEEPS_AGAIN_WITHIN_MS) {
      const stats = await this.#system.stats().catch(() => undefined);
      if (stats !== undefined) {
        const newest = stats.lastSweepAt ?? 'none';
        first ??= newest;
        if (newest !== first && newest !== 'none') {
          this.#sweepsResumedMs.push(Date.now() - since);
          return;
        }
      }
      await delay(POLL_MS);
    }
    this.#violate('no_sweeps', kind, `no sweep succeeded within ${SWEEPS_AGAIN_WITHIN_MS} ms`);
  }

  #stricken(kind: string): Stricken {
    return {
      system: this.#system,
      load: this.#load,
      sender: this.#direct,
      random: this.#random,
      pauseAll: (paused) => {
        this.#load.paused = paused;
        this.#probes.paused = paused;
      },
      wrongLog: (phase) => {
        const at = Date.now();
        this.#recorder.write({ t: 'wrong-log', at, phase });
        const open = this.#wrongLog.at(-1);
        if (phase === 'begin') this.#wrongLog.push({ from: at, to: Number.POSITIVE_INFINITY });
        else if (open !== undefined) open.to = at;
      },
      violate: (rule, what) => this.#violate(rule, kind, what),
      othersWent: (since, exceptShard) => this.#othersWent(kind, since, exceptShard),
      halted: (shards, ms) => {
        this.#expectedHalts += shards;
        this.#haltMs.push(ms);
      },
    };
  }

  /** Nothing new is sent; what was sent is answered, applied, published and asked for again. */
  async #comeToRest(): Promise<void> {
    this.#probes.stop();
    await inTime(this.#load.end(), ENDS_WITHIN_MS).catch(() =>
      this.#violate(
        'not_answered',
        'load',
        `${this.#load.underWay} decisions have no outcome ${ENDS_WITHIN_MS} ms after the last fault`,
      ),
    );
    this.#agents.end();
    if (!(await this.#system.applied(APPLIED_WITHIN_MS)))
      this.#violate(
        'not_applied',
        'log',
        `not everything was applied ${APPLIED_WITHIN_MS} ms after the last decision`,
      );
    await askForMissing(this.#system, this.#direct, this.#outcomes, this.#random);
  }

  async #judged(): Promise<EpisodeResult> {
    const { folder, heapMb } = this.#options;
    const { isEqual, what } = await compareWithRebuild(this.#system, folder).catch((error) => ({
      isEqual: false,
      what: messageOf(error),
    }));
    if (!isEqual) this.#violate('rebuild', 'digest', what);
    for (const { pool, taskId, agent, offerId } of (await waitingInVain(this.#system)).slice(0, MOST_PAIRS))
      this.#violate(
        'waits_in_vain',
        `${pool}/${taskId}`,
        `${agent} stands by for it with its offer ${offerId}`,
      );
    await takeStreams(this.#system.connection, this.#system.subjects, this.#recorder);
    await this.#recorder.close();
    const verdict = judge(await readHistory(this.#historyFile));
    const unexpectedHalts = this.#readWorkerLogs();
    const mostRssMb = heapMb === undefined ? MOST_RSS_MB : heapMb + BESIDES_HEAP_MB;
    if (this.#maxRssMb > mostRssMb) this.#violate('memory', 'workers', `${this.#maxRssMb} MiB resident`);
    return {
      injected: this.#injected,
      skipped: this.#skipped,
      recoveries: this.#recoveries,
      sweepsResumedMs: this.#sweepsResumedMs,
      haltMs: this.#haltMs,
      expectedHalts: this.#expectedHalts,
      unexpectedHalts,
      sent: this.#agents.sent + this.#direct.sent,
      acknowledged: this.#agents.acknowledged + this.#direct.acknowledged,
      verdict,
      isRebuildEqual: isEqual,
      maxWorkerRssMb: this.#maxRssMb,
      violations: this.#violations,
    };
  }

  /** Halts that nobody had given cause for. */
  #readWorkerLogs(): number {
    let unexpected = 0;
    for (const worker of this.#system.allWorkers) {
      const lines = worker.logLines();
      for (const { at, shard, reason } of haltsIn(lines)) {
        if (this.#wrongLog.some(({ from, to }) => at >= from && at <= to)) continue;
        unexpected++;
        this.#violate('halt', `shard ${shard}`, `${worker.id}: ${reason}`);
      }
      for (const line of logFaultsIn(lines)) this.#violate('worker_fault', worker.id, line);
    }
    return unexpected;
  }

  #noticeCrashes(kind: string): void {
    for (const worker of this.#system.takeCrashed())
      this.#violate('worker_died', worker.id, `during ${kind}:\n${worker.logTail()}`);
  }

  #sample(): void {
    for (const worker of this.#system.workers)
      this.#maxRssMb = Math.max(this.#maxRssMb, worker.residentMb() ?? 0);
    const ms = new Map(this.#system.workers.map((worker) => [worker.id, worker.waitedForCpuMs() ?? 0]));
    this.#starved.push({ at: Date.now(), ms });
  }

  #violate(rule: string, about: string, what: string): void {
    this.#violations.push({ class: 'run', rule, about, what });
    this.#options.say(`VIOLATION ${rule}, ${about}: ${what}`);
  }
}

async function inTime<T>(work: Promise<T>, withinMs: number): Promise<T> {
  return await within(withinMs, work, () => {
    throw new Error(`it took longer than ${withinMs} ms`);
  });
}
