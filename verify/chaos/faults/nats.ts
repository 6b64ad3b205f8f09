/** Faults of NATS and of its streams that do not touch what the log holds. */
import { setTimeout as delay } from 'node:timers/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import type { ChaosSystem } from '../system/system.ts';
import type { Fault } from './fault.ts';

const HELD_MS = 3_000;
/** What workers keep free of a stream that is as small as these. */
const MARGIN_BYTES = 1024 * 1024;
const RECOVERS_WITHIN_MS = 20_000;
const CONSUMER_NOT_FOUND = 10014;

const killed: Fault = {
  kind: 'nats-kill',
  concern: 'nats',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  stopsSweeps: true,
  async inject({ system: { nats }, random }) {
    await nats.kill('SIGKILL');
    await delay(random.integer(1_000));
    await nats.restart();
    return Date.now();
  },
};

const consumersDeleted: Fault = {
  kind: 'consumers-deleted',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject({ system: { jsm, subjects } }) {
    const stream = subjects.streams.decisions;
    const at = Date.now();
    for await (const { name } of jsm.consumers.list(stream)) {
      // Some end by themselves between the two: whoever read with them has taken a new one.
      await jsm.consumers.delete(stream, name).catch((error: unknown) => {
        if (!(error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND)) throw error;
      });
    }
    return at;
  },
};

/**
 * There is room for a little more, which load fills within a second or two; later there is as much as before. Never for
 * less than what it holds: the server would drop the oldest.
 */
async function fill(system: ChaosSystem, stream: string, more: number): Promise<void> {
  const { config, state } = await system.jsm.streams.info(stream);
  await system.jsm.streams.update(stream, { ...config, max_bytes: state.bytes + more });
  await delay(HELD_MS);
  await system.jsm.streams.update(stream, { ...config, max_bytes: config.max_bytes });
}

const logFull: Fault = {
  kind: 'log-full',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject({ system, random }) {
    await fill(system, system.subjects.streams.decisions, MARGIN_BYTES + random.integer(20_000));
    return Date.now();
  },
};

const eventsFull: Fault = {
  kind: 'events-full',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject({ system, random }) {
    await fill(system, system.subjects.streams.events, MARGIN_BYTES + random.integer(40_000));
    return Date.now();
  },
};

export const NATS_FAULTS: readonly Fault[] = [killed, consumersDeleted, logFull, eventsFull];
