/**
 * The log is not the one that was applied: rolled back, made anew, or gone. Nothing can be right then, so every shard has
 * to halt, within seconds, skipping nothing; and to go on when the right log is put back.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ChaosSystem } from '../system/system.ts';
import type { Fault, Stricken } from './fault.ts';

const RECOVERS_WITHIN_MS = 20_000;
const HALTS_WITHIN_MS = 5_000;
const APPLIED_WITHIN_MS = 15_000;
/** How long agents write into the wrong log while everything is halted. */
const HELD_MS = 1_500;
/** What was sent into the wrong log has been confirmed or given up by then. */
const SETTLED_MS = 1_300;
const POLL_MS = 100;

/** `replace` puts another log in its place, and answers where the right one is. */
function logFault(kind: string, replace: (stricken: Stricken) => Promise<string>): Fault {
  return {
    kind,
    breaksLog: true,
    recoversWithinMs: RECOVERS_WITHIN_MS,
    stopsSweeps: true,
    async inject(stricken) {
      const { system } = stricken;
      const right = await replace(stricken);
      const since = Date.now();
      stricken.pauseAll(false);
      await untilHalted(stricken, since);
      const before = await positions(system);
      await delay(HELD_MS);
      const after = await positions(system);
      if (after !== before)
        stricken.violate('skipped', `${kind}: positions moved from ${before} to ${after}`);
      stricken.pauseAll(true);
      await delay(SETTLED_MS);
      await system.restore(system.nats, right);
      stricken.wrongLog('end');
      stricken.pauseAll(false);
      return Date.now();
    },
  };
}

/** Nothing is under way: whatever the log holds is applied and published. */
async function quiet(stricken: Stricken): Promise<void> {
  stricken.pauseAll(true);
  await delay(SETTLED_MS);
  if (!(await stricken.system.applied(APPLIED_WITHIN_MS))) throw new Error('the shards did not come to rest');
}

async function untilHalted({ system, violate, halted }: Stricken, since: number): Promise<void> {
  let running: number[] = [];
  do {
    const stats = await system.stats().catch(() => undefined);
    if (stats !== undefined) {
      running = stats.shards.filter(({ halted: why }) => why === undefined).map(({ shard }) => shard);
      if (running.length === 0) return halted(system.shards, Date.now() - since);
    }
    await delay(POLL_MS);
  } while (Date.now() - since < HALTS_WITHIN_MS);
  violate(
    'did_not_halt',
    `shards ${running.join(', ')} still run ${HALTS_WITHIN_MS} ms after the log was replaced`,
  );
}

async function positions(system: ChaosSystem): Promise<string> {
  const { shards } = await system.stats(5_000);
  return shards.map(({ position }) => position).join(' ');
}

const rolledBack = logFault('log-rolled-back', async (stricken) => {
  const { system } = stricken;
  const older = await system.copyOf(system.nats);
  await delay(HELD_MS);
  await quiet(stricken);
  stricken.wrongLog('begin');
  return await system.restore(system.nats, older);
});

const recreated = logFault('log-recreated', async (stricken) => {
  const { system } = stricken;
  await quiet(stricken);
  const right = await system.copyOf(system.nats);
  stricken.wrongLog('begin');
  const stream = system.subjects.streams.decisions;
  const { config } = await system.jsm.streams.info(stream);
  await system.jsm.streams.delete(stream);
  await system.jsm.streams.add(config);
  return right;
});

const deleted = logFault('log-deleted', async (stricken) => {
  const { system } = stricken;
  await quiet(stricken);
  const right = await system.copyOf(system.nats);
  stricken.wrongLog('begin');
  await system.jsm.streams.delete(system.subjects.streams.decisions);
  return right;
});

export const LOG_FAULTS: readonly Fault[] = [rolledBack, recreated, deleted];
