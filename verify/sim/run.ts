/** One run: one seed, one plan, one history; then the verdict. */

import type { TrimMarks } from '../../src/bus/trim-marks.ts';
import { defined } from '../../src/protocol/defined.ts';
import { isClaimed } from '../../src/protocol/documents.ts';
import { type Entity, isTask, refOf } from '../../src/protocol/entities.ts';
import { areInForce } from '../../src/protocol/settings.ts';
import type { LeaseStore } from '../../src/state/lease-store.ts';
import { Random } from '../kit/chance/random.ts';
import { Agents, type Named } from './agents.ts';
import { Chaos } from './chaos.ts';
import { checkEnd } from './checks/end.ts';
import { hasDiverged, isBeyondRecovery, isStranded } from './checks/standing.ts';
import { Findings, type Violation } from './findings.ts';
import type { StreamVersion } from './memory/stream.ts';
import { Monitor, ofShard } from './monitor.ts';
import { drawPlan, type Plan } from './plan.ts';
import { SimProcess } from './process.ts';
import { Scheduler } from './scheduler.ts';
import { Servers } from './servers.ts';
import { HEAP_BYTES } from './settings.ts';
import { Trace } from './trace.ts';
import { type Ports, SimWorker } from './worker.ts';

export interface RunOptions {
  /** Changes the ports of every shard worker: a bug, planted to see whether it is found. */
  readonly plant?: (ports: Ports, dice: Random) => Ports;
  /** The same of the leases. */
  readonly plantLeases?: (store: LeaseStore) => LeaseStore;
  readonly plantMarks?: (marks: TrimMarks) => TrimMarks;
  /** Gives decisions an id by which the log knows them again, as long as it knows ids of events: a bug as well. */
  readonly messageIdOf?: (named: Named) => string;
  readonly hashed?: boolean;
  readonly show?: (line: string) => void;
}

export interface RunResult {
  readonly seed: number;
  readonly steps: number;
  readonly decisions: number;
  readonly events: number;
  readonly simulatedMs: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly violations: readonly Violation[];
  /** SHA-256 of everything that happened, when it was asked for. */
  readonly trace: string | undefined;
}

/** How often a sweep comes with a word about memory. */
const PRESSURE = 0.05;
/** Longest that the system may need to come to rest when nothing disturbs it any more. */
const REST_WITHIN_MS = 120_000;
const LATE_MS = 2_500;
/** Of the log, for ids of messages: the least that servers take. */
const LEAST_WINDOW_MS = 100;
/** When all is right again, what is due may be so late: besides the time after which the owner of a shard sweeps itself. */
const LATE_AT_MOST_MS = 5_000;

export async function runSeed(seed: number, options: RunOptions = {}): Promise<RunResult> {
  return await new Run(seed, options).play();
}

class Run {
  readonly #dice: Random;
  readonly #plan: Plan;
  readonly #scheduler = new Scheduler();
  readonly #trace: Trace;
  readonly #findings: Findings;
  /** Told by all packs together. */
  #events = 0;
  readonly #servers: Servers;
  readonly #monitor: Monitor;
  readonly #agents: Agents;
  readonly #chaos: Chaos;
  readonly #faults = new Map<string, number>();
  readonly #plant: (ports: Ports) => Ports;
  readonly #plantLeases: (store: LeaseStore) => LeaseStore;
  readonly #plantMarks: (marks: TrimMarks) => TrimMarks;
  #workers: SimWorker[] = [];
  #started = 0;
  #ids = 0;
  #isActive = true;
  /** Every sweep leaves an outcome to be forgotten by another one: at some time the log has to be left alone. */
  #maySweep = true;
  #lasts: { readonly of: StreamVersion; readonly length: number; readonly seqs: readonly number[] } = {
    of: [],
    length: 0,
    seqs: [],
  };

  constructor(
    seed: number,
    { plant, plantLeases, plantMarks, messageIdOf, hashed = false, show }: RunOptions,
  ) {
    const now = (): number => this.#scheduler.now;
    this.#dice = new Random(seed);
    this.#plan = drawPlan(this.#dice);
    this.#trace = new Trace(now, { hashed, ...defined({ show }) });
    this.#trace.note('plan', JSON.stringify(this.#plan));
    this.#findings = new Findings(seed, now);
    const logWindowMs = messageIdOf === undefined ? LEAST_WINDOW_MS : this.#plan.dedupeWindowMs;
    this.#servers = new Servers(this.#plan, this.#scheduler, logWindowMs, {
      onPack: (id, count) => {
        this.#trace.note('events', id);
        this.#events += count;
        for (const one of id.split('_')) {
          const [shard, seq] = one.split('-');
          this.#monitor.told(Number(shard), Number(seq), `event ${one}`);
        }
      },
      onMark: (shard, before, after) => {
        this.#trace.note('marks', `shard ${shard}: ${before?.below} → ${after.below}`);
        if (before !== undefined) this.#monitor.marked(shard, before, after);
      },
    });
    this.#monitor = new Monitor(this.#findings, this.#plan.shards, () => this.#servers.trueNow());
    this.#plantLeases = plantLeases ?? ((store) => store);
    this.#plantMarks = plantMarks ?? ((marks) => marks);
    this.#plant = plant === undefined ? (ports) => ports : (ports) => plant(ports, this.#dice);
    const shared = {
      plan: this.#plan,
      dice: this.#dice,
      scheduler: this.#scheduler,
      servers: this.#servers,
      monitor: this.#monitor,
      trace: this.#trace,
      happens: (fault: string) => this.#happens(fault),
    };
    this.#agents = new Agents({ ...shared, messageIdOf });
    this.#chaos = new Chaos({ ...shared, workers: () => this.#workers });
  }

  async play(): Promise<RunResult> {
    const { activeMs, workers } = this.#plan;
    for (let i = 0; i < workers; i++) this.#startWorker();
    this.#sweepRegularly();
    this.#agents.start();
    this.#chaos.start();
    await this.#scheduler.run(() => false, activeMs);
    await this.#rest();
    const decisions = await checkEnd({
      plan: this.#plan,
      servers: this.#servers,
      monitor: this.#monitor,
      results: this.#agents.results,
      acknowledged: this.#agents.acknowledged,
      report: (invariant, what) => this.#findings.report(invariant, what),
    });
    const { violations } = this.#findings;
    for (const { invariant, what } of violations) this.#trace.note('check', `${invariant}: ${what}`);
    return {
      seed: this.#dice.seed,
      steps: this.#scheduler.steps,
      decisions,
      events: this.#events,
      simulatedMs: Math.round(this.#scheduler.now),
      faults: this.#faults,
      violations,
      trace: this.#trace.digest(),
    };
  }

  /** Nothing disturbs any more, and somebody is there to work: everything has to be applied and told. */
  async #rest(): Promise<void> {
    this.#trace.note('run', 'faults are over');
    this.#isActive = false;
    this.#agents.stop();
    this.#chaos.heal();
    if (this.#workers.length === 0) this.#startWorker();
    // Workers settle by themselves what earlier decisions owe; a Sweep would do so, too, and hide that they do not.
    this.#maySweep = false;
    if (!(await this.#scheduler.run(() => this.#isQuiet(), REST_WITHIN_MS))) return this.#restless();
    await this.#shutOut();
    if (!(await this.#scheduler.run(() => this.#isQuiet(), REST_WITHIN_MS))) return this.#restless();
    this.#maySweep = true;
    // Clocks are right: once all is applied, what is due ends as soon as the owner of its shard sweeps.
    if (!(await this.#scheduler.run(() => this.#isQuiet(), REST_WITHIN_MS))) return this.#restless();
    // One that stands still now may go on later, and is late then with good reason.
    const working = this.#servers.shards.map((_, shard) => !this.#standsStill(shard));
    await this.#scheduler.run(() => false, this.#plan.sweepOverdueMs + LATE_AT_MOST_MS);
    this.#judgeLateness(working);
    this.#maySweep = false;
    for (let times = 0; times < 2; times++) {
      const isQuiet = await this.#scheduler.run(() => this.#isQuiet(), REST_WITHIN_MS);
      if (!isQuiet) return this.#restless();
      // What was late may come still, and must change nothing any more.
      if (times === 0) await this.#scheduler.run(() => false, LATE_MS);
    }
  }

  /** In half of the runs the owners die while they settle what follows: their successors know of it by what is stored. */
  async #shutOut(): Promise<void> {
    this.#agents.shutOut();
    if (this.#dice.chance(0.5)) {
      await this.#scheduler.run(() => false, this.#dice.magnitude(30, 600));
      for (const { process } of this.#workers) process.kill('killed');
    }
    await this.#scheduler.run(() => false, LATE_MS);
  }

  #standsStill(shard: number): boolean {
    const isLost = hasDiverged(this.#servers, this.#monitor, shard) || isBeyondRecovery(this.#servers, shard);
    return isLost || this.#servers.shards[shard]?.halted !== undefined;
  }

  /** I9: what ends by itself has ended. */
  #judgeLateness(working: readonly boolean[]): void {
    const bound = this.#servers.trueNow() - this.#plan.sweepOverdueMs - LATE_AT_MOST_MS;
    for (const [shard, stored] of this.#servers.shards.entries()) {
      if (working[shard] !== true || this.#standsStill(shard)) continue;
      for (const { doc, entities } of stored.load().pools) {
        // An auction for a task hands out a claim: in a pool that is paused it waits.
        if (doc.pausedAt !== undefined) continue;
        const late = entities
          .map((entity) => ({ id: refOf(entity).id, at: endsByItself(entity) ?? Number.POSITIVE_INFINITY }))
          .filter(({ at }) => at < bound);
        for (const { id, at } of late) {
          this.#findings.report('I9', `shard ${shard}: ${doc.pool}/${id} is ${bound - at} ms too late`);
        }
      }
    }
  }

  #restless(): void {
    const where = this.#servers.shards.map((stored, shard) => {
      const owed = stored.unpublished().map(({ seq }) => seq);
      const halted = stored.halted === undefined ? '' : `, halted: ${stored.halted}`;
      return `shard ${shard} at ${stored.position().seq} of ${this.#lastOf(shard)}, outbox [${owed}], ${stored.owing} pools owe something${halted}`;
    });
    this.#findings.report('I7', `no rest after ${REST_WITHIN_MS} ms: ${where.join('; ')}`);
  }

  #isQuiet(): boolean {
    return this.#servers.shards.every((stored, shard) => {
      if (isStranded(this.#servers, shard)) return true;
      if (stored.outboxSize > 0) return false;
      if (hasDiverged(this.#servers, this.#monitor, shard)) return stored.halted !== undefined;
      if (stored.owing > 0) return false;
      return stored.position().seq === this.#lastOf(shard) && stored.halted === undefined;
    });
  }

  /** The last message of a shard: asked after every step, and the log seldom grows. */
  #lastOf(shard: number): number {
    const { version } = this.#servers.decisions;
    if (this.#lasts.of !== version || this.#lasts.length !== version.length) {
      const seqs = this.#servers.shards.map((_, i) => ofShard(version, i).at(-1)?.seq ?? 0);
      this.#lasts = { of: version, length: version.length, seqs };
    }
    return this.#lasts.seqs[shard] ?? 0;
  }

  #happens(fault: string): boolean {
    if (!this.#isActive) return false;
    this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
    return true;
  }

  #startWorker(): void {
    const plan = this.#plan;
    const number = this.#started++;
    const id = `w${plan.keepsWorkerIds ? number % plan.workers : number}`;
    const dice = this.#dice;
    const shared = { plan, dice, servers: this.#servers, trace: this.#trace };
    const process = new SimProcess({
      ...shared,
      id,
      scheduler: this.#scheduler,
      happens: (fault) => this.#happens(fault),
      onDeath: () => this.#onDeath(worker),
    });
    const worker: SimWorker = new SimWorker({
      ...shared,
      process,
      monitor: this.#monitor,
      happens: (fault) => this.#happens(fault),
      onResult: (key, outcome) => this.#onResult(key, outcome),
      newId: (prefix) => `${prefix}-${id}-${this.#ids++}`,
      maySweep: () => this.#maySweep,
      plant: this.#plant,
      plantLeases: this.#plantLeases,
      plantMarks: this.#plantMarks,
    });
    this.#workers.push(worker);
    worker.start();
  }

  /** Somebody starts it again: at once, or after a while. */
  #onDeath(worker: SimWorker): void {
    this.#workers = this.#workers.filter((other) => other !== worker);
    this.#scheduler.after(this.#dice.magnitude(10, 3_000), () => this.#startWorker());
  }

  #onResult(key: string, outcome: string): void {
    const { shard, seq } = JSON.parse(outcome);
    this.#monitor.told(Number(shard), Number(seq), `the outcome of ${key}`);
    this.#agents.onResult(key, outcome);
  }

  #sweepRegularly(): void {
    const { plan, servers } = { plan: this.#plan, servers: this.#servers };
    this.#scheduler.after(plan.sweepEveryMs, () => {
      this.#sweepRegularly();
      if (this.#chaos.isSweeperAbsent || !this.#isActive) return;
      const now = servers.trueNow();
      for (const [shard, stored] of servers.shards.entries()) {
        const isDue = stored.nextDue !== undefined && stored.nextDue <= now;
        const { settings } = stored;
        const isOutdated =
          settings !== undefined && !areInForce(JSON.stringify(settings), plan.settings, HEAP_BYTES);
        if (!isDue && !isOutdated) continue;
        this.#agents.sweep(shard);
        if (this.#dice.chance(PRESSURE)) this.#agents.pressure(shard);
        if (this.#dice.chance(plan.sweeperDoubled)) this.#agents.sweep(shard);
      }
    });
  }
}

/** When time ends it, or who holds it. */
function endsByItself(entity: Entity): number | undefined {
  if (isTask(entity)) return isClaimed(entity) ? entity.claim.expiresAt : undefined;
  return entity.dueAt;
}
