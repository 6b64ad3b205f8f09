/**
 * What one run is like: how large, and which faults with which rates. Swarm testing: every seed leaves most kinds of
 * faults out, because what some of them do together, others would hide.
 */

import type { Settings } from '../../src/protocol/settings.ts';
import type { WriteBounds } from '../../src/state/script-writer.ts';
import { Random } from '../kit/chance/random.ts';
import type { Purpose } from './memory/link.ts';
import { SETTINGS_OF_RUNS } from './settings.ts';

/** Chances, per request, of what can go wrong with it. */
export interface RequestFaults {
  /** It never arrives. */
  readonly lost: number;
  /** It is done, and nobody is told. */
  readonly answerLost: number;
  /** It counts as failed, and is done afterwards. */
  readonly late: number;
  readonly slow: number;
  /** The worker dies before it is sent, or when it is done. */
  readonly crash: number;
}

/** What happens to the whole system now and then. */
export const MISHAPS = [
  'crash',
  'pause',
  'restart',
  'connections_reset',
  'redis_down',
  'redis_full',
  'nats_down',
  'lease_stolen',
  'store_rolled_back',
  'store_emptied',
  'consumers_deleted',
  'redis_clock_step',
  'log_clock_step',
  'worker_clock_step',
  'clock_pair_step',
  'events_full',
  'log_full',
  'sweeper_absent',
] as const;
export type Mishap = (typeof MISHAPS)[number] | (typeof TRIM_MISHAPS)[number];

/** And where the log is trimmed: losses that have to be mended from snapshots, or must not be taken for a beginning. */
export const TRIM_MISHAPS = ['marks_lost', 'snapshots_lost', 'store_emptied', 'store_rolled_back'] as const;

/** Of runs that take snapshots and trim the log by them. */
export interface Trimming {
  /** Between snapshots, and between turns of trimming, of each worker. */
  readonly everyMs: number;
  readonly logRetentionMs: number;
  /** How often whoever is about to write a mark reads one that is not the newest. */
  readonly staleReads: number;
  /** Somebody makes marks that were lost from what the log still holds. */
  readonly renewsMarks: boolean;
}

/** A log that lost something ends what can be expected of a run: at most one of them, and late. */
export type LogLoss = 'log_rolled_back' | 'log_recreated';

export interface Plan {
  readonly shards: number;
  readonly workers: number;
  readonly pools: readonly string[];
  readonly agents: readonly string[];
  readonly decisions: number;
  /** How long agents decide and faults happen, simulated milliseconds. */
  readonly activeMs: number;
  readonly leaseMs: number;
  readonly maxBatch: number;
  readonly maxBatchBytes: number;
  /** Where batches are cut: most often so soon that it happens all the time. */
  readonly commitCut: WriteBounds;
  /** Chances, per commit: it cannot be sent with others; it breaks off at the store, which loses the shard. */
  readonly commitUnsent: number;
  readonly commitBroken: number;
  readonly sweepEveryMs: number;
  readonly sweepOverdueMs: number;
  readonly latencyMs: number;
  readonly dedupeWindowMs: number;
  readonly clampsStart: boolean;
  readonly keepsWorkerIds: boolean;
  readonly settings: Settings;
  readonly requests: Readonly<Record<Purpose, RequestFaults>>;
  readonly deliveries: { readonly lost: number; readonly doubled: number; readonly delayed: number };
  readonly resultsLost: number;
  readonly resent: number;
  readonly malformed: number;
  readonly sweeperDoubled: number;
  /** What may happen, and how far apart on average. */
  readonly mishaps: readonly Mishap[];
  readonly mishapEveryMs: number;
  readonly logLoss: LogLoss | undefined;
  readonly trimming: Trimming | undefined;
}

export const AGENTS = ['ann', 'bob', 'cyd', 'dan'] as const;
const OF_TRIMMING = 0x7472696d;
const POOLS = ['commons', 'work', 'side', 'hall', 'yard'] as const;

export function drawPlan(dice: Random): Plan {
  const isRough = dice.chance(0.9);
  const activeMs = dice.magnitude(3_000, 20_000);
  const mishaps = isRough ? MISHAPS.filter(() => dice.chance(0.35)) : [];
  const logLoss: LogLoss | undefined =
    isRough && dice.chance(0.15)
      ? dice.pick(['log_rolled_back', 'log_rolled_back', 'log_recreated'])
      : undefined;
  // From dice of its own: what is drawn here changes nothing in runs without it.
  const ofTrimming = new Random(dice.seed ^ OF_TRIMMING);
  const trimming = logLoss === undefined && ofTrimming.chance(0.5) ? drawTrimming(ofTrimming) : undefined;
  const losses = isRough && trimming !== undefined ? TRIM_MISHAPS.filter(() => ofTrimming.chance(0.5)) : [];
  return {
    shards: dice.between(1, 3),
    workers: dice.between(1, 3),
    pools: POOLS.slice(0, dice.between(1, POOLS.length)),
    agents: AGENTS.slice(0, dice.between(2, AGENTS.length)),
    decisions: dice.magnitude(30, 160),
    activeMs,
    leaseMs: dice.magnitude(400, 3_000),
    maxBatch: dice.magnitude(1, 32),
    maxBatchBytes: dice.magnitude(300, 100_000),
    commitCut: { bytes: dice.magnitude(40_000, 1_000_000), arguments: dice.magnitude(400, 20_000) },
    commitUnsent: rate(dice, isRough, 0.2),
    commitBroken: logLoss === undefined ? rate(dice, isRough, 0.02) : 0,
    sweepEveryMs: dice.magnitude(200, 2_000),
    sweepOverdueMs: dice.magnitude(500, 5_000),
    latencyMs: dice.magnitude(1, 60),
    dedupeWindowMs: dice.magnitude(100, 120_000),
    clampsStart: dice.chance(0.5),
    keepsWorkerIds: dice.chance(0.3),
    settings: SETTINGS_OF_RUNS[dice.integer(SETTINGS_OF_RUNS.length)] ?? SETTINGS_OF_RUNS[0],
    requests: {
      commit: requestFaults(dice, isRough),
      read: requestFaults(dice, isRough),
      lease: requestFaults(dice, isRough),
      log: requestFaults(dice, isRough),
      publish: requestFaults(dice, isRough),
    },
    deliveries: {
      lost: rate(dice, isRough, 0.05),
      doubled: rate(dice, isRough, 0.05),
      delayed: rate(dice, isRough, 0.05),
    },
    resultsLost: rate(dice, isRough, 0.3),
    resent: rate(dice, true, 0.4),
    malformed: rate(dice, true, 0.1),
    sweeperDoubled: rate(dice, true, 0.5),
    mishaps: [...mishaps, ...losses],
    mishapEveryMs: dice.magnitude(300, 5_000),
    logLoss,
    trimming,
  };
}

function drawTrimming(dice: Random): Trimming {
  return {
    everyMs: dice.magnitude(150, 1_500),
    logRetentionMs: dice.magnitude(50, 3_000),
    staleReads: dice.chance(0.5) ? dice.next() * 0.3 : 0,
    renewsMarks: dice.chance(0.5),
  };
}

function requestFaults(dice: Random, isRough: boolean): RequestFaults {
  return {
    lost: rate(dice, isRough, 0.1),
    answerLost: rate(dice, isRough, 0.1),
    late: rate(dice, isRough, 0.05),
    slow: rate(dice, isRough, 0.1),
    crash: rate(dice, isRough, 0.03),
  };
}

/** Off more often than not; else anything up to `most`. */
function rate(dice: Random, isRough: boolean, most: number): number {
  return isRough && dice.chance(0.3) ? dice.next() * most : 0;
}
