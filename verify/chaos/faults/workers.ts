/** Faults of worker processes. */
import { setTimeout as delay } from 'node:timers/promises';
import { shardKeys, systemKeys } from '../../../src/state/keys.ts';
import type { Cut } from '../system/link.ts';
import { LEASE_MS } from '../system/system.ts';
import type { WorkerProcess } from '../system/worker-process.ts';
import { type Fault, type Stricken, someWorker } from './fault.ts';

const RECOVERS_WITHIN_MS = 15_000;
/** How long to wait for the moment that was chosen: under load it comes at once. */
const MOMENT_WITHIN_MS = 5_000;
const HOUR_MS = 60 * 60 * 1_000;

/** Bytes of a commit on their way to Redis. */
function isCommit(piece: Buffer): boolean {
  return piece.includes('EVALSHA') && piece.includes(':s:meta');
}

/** Where the first pack of events in this piece ends; undefined when it holds none. */
function endOfFirstPack(piece: Buffer, subject: string): number | undefined {
  const first = piece.indexOf(`HPUB ${subject}`);
  if (first === -1) return undefined;
  const second = piece.indexOf('HPUB ', first + 1);
  // The only one of its commit: it arrives, and nobody hears that it did.
  return second === -1 ? piece.length : second;
}

/** Kills a worker at the moment when this passes between it and a server. */
function killAt(
  kind: string,
  link: 'toNats' | 'toRedis',
  cutFor: (stricken: Stricken) => Omit<Cut, 'onCut'>,
): Fault {
  return {
    kind,
    concern: 'worker',
    recoversWithinMs: RECOVERS_WITHIN_MS,
    async inject(stricken) {
      const worker = (await stricken.system.busiestWorker()) ?? (await someWorker(stricken));
      let killedAt: number | undefined;
      const killed = new Promise<void>((resolve) => {
        worker[link].cutAt({
          ...cutFor(stricken),
          onCut: () => {
            worker.killNow();
            killedAt = Date.now();
            resolve();
          },
        });
      });
      await Promise.race([killed, delay(MOMENT_WITHIN_MS)]);
      worker[link].uncut();
      if (killedAt === undefined) throw new Error(`the moment for ${kind} did not come`);
      return killedAt;
    },
  };
}

const killed: Fault = {
  kind: 'worker-kill',
  concern: 'worker',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject(stricken) {
    const worker = await someWorker(stricken);
    await delay(stricken.random.integer(300));
    worker.killNow();
    return Date.now();
  },
};

const beforeCommit = killAt('worker-kill-before-commit', 'toRedis', () => ({
  passes: (piece) => (isCommit(piece) ? 0 : undefined),
  losesReply: false,
}));

const afterCommit = killAt('worker-kill-after-commit', 'toRedis', () => ({
  passes: (piece) => (isCommit(piece) ? piece.length : undefined),
  losesReply: true,
}));

const midPublish = killAt('worker-kill-mid-publish', 'toNats', ({ system }) => {
  const subject = system.subjects.eventsOf().slice(0, -1);
  return { passes: (piece) => endOfFirstPack(piece, subject), losesReply: false };
});

/** It is stopped until its leases are long somebody else's, and goes on where it was: a zombie. */
const paused: Fault = {
  kind: 'worker-pause',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject(stricken) {
    const worker = await someWorker(stricken);
    worker.pause();
    const at = Date.now();
    await delay(LEASE_MS * 2 + stricken.random.integer(LEASE_MS));
    worker.resume();
    return at;
  },
};

const blocked: Fault = {
  kind: 'worker-blocked',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject(stricken) {
    const worker = await someWorker(stricken);
    const at = Date.now();
    const blockMs = LEASE_MS * 2 + stricken.random.integer(LEASE_MS);
    worker.order({ blockMs });
    await delay(blockMs);
    return at;
  },
};

/** Leases are taken away from those who believe in them: for a while two work on one shard. */
const twoOwners: Fault = {
  kind: 'two-owners',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject({ system, random }) {
    const { admin, namespace, shards } = system;
    const at = Date.now();
    // As they stand in leases, where every process has a name of its own.
    const holders = await admin.hkeys(systemKeys(namespace).heartbeats);
    for (let round = 0; round < 8; round++) {
      for (let shard = 0; shard < shards; shard++) {
        const { lease } = shardKeys(namespace, shard);
        const heir = holders[random.integer(holders.length)];
        if (random.chance(0.5) || heir === undefined) await admin.del(lease);
        else await admin.set(lease, heir, 'PX', LEASE_MS);
      }
      await delay(100);
    }
    return at;
  },
};

const terminated: Fault = {
  kind: 'worker-sigterm',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject(stricken) {
    const worker = await someWorker(stricken);
    const at = Date.now();
    if (!(await worker.stop())) throw new Error(`${worker.id} did not end after SIGTERM`);
    return at;
  },
};

function clockStep(kind: string, stepMs: number): Fault {
  return {
    kind,
    recoversWithinMs: RECOVERS_WITHIN_MS,
    stopsSweeps: true,
    async inject(stricken) {
      const worker = await someWorker(stricken);
      worker.order({ stepClockMs: stepMs });
      await delay(1_500);
      worker.order({ stepClockMs: -stepMs });
      return Date.now();
    },
  };
}

/** All of them at once, so that whoever sweeps is among them. */
function clocksStep(kind: string, stepMs: number): Fault {
  const step = (workers: readonly WorkerProcess[], by: number): void => {
    for (const worker of workers) worker.order({ stepClockMs: by });
  };
  return {
    kind,
    recoversWithinMs: RECOVERS_WITHIN_MS,
    stopsSweeps: true,
    async inject({ system: { workers } }) {
      step(workers, stepMs);
      await delay(1_500);
      step(workers, -stepMs);
      return Date.now();
    },
  };
}

export const WORKER_FAULTS: readonly Fault[] = [
  killed,
  beforeCommit,
  afterCommit,
  midPublish,
  paused,
  blocked,
  twoOwners,
  terminated,
  clockStep('clock-forward', HOUR_MS),
  clockStep('clock-back', -HOUR_MS),
  clocksStep('all-clocks-forward', HOUR_MS),
  clocksStep('all-clocks-back', -HOUR_MS),
];
