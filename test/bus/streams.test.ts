import { StorageType, type StreamConfig } from '@nats-io/jetstream';
import { describe, expect, it } from 'vitest';
import { closeWhenNearlyFull, ensureStreams, findLayout, findStream } from '../../src/bus/streams.ts';
import { ConfigurationError } from '../../src/lib/errors.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { PROTOCOL } from '../../src/protocol/version.ts';
import { useSystem } from '../support/system.ts';

const system = useSystem();
let spaces = 0;

const MEBIBYTE = 1024 * 1024;
const LIMITS = {
  logMaxBytes: 8 * MEBIBYTE,
  eventsMaxBytes: 8 * MEBIBYTE,
  snapshotsMaxBytes: 8 * MEBIBYTE,
  eventsMaxAgeMs: 60_000,
  deadLettersMaxCount: 10,
  deadLettersMaxAgeMs: 60_000,
  dedupeWindowMs: 5_000,
  replicas: 1,
};

function names(): ReturnType<typeof subjects> {
  return subjects(`streams-${spaces++}`);
}

describe('the streams of a system', () => {
  it('are created once, however many workers start at the same time', async () => {
    const ns = names();
    const layouts = await Promise.all(
      Array.from({ length: 8 }, () => ensureStreams(system.jsm, ns, 4, LIMITS)),
    );
    expect(new Set(layouts.map((layout) => JSON.stringify(layout))).size).toBe(1);
    expect(layouts[0]).toMatchObject({ version: PROTOCOL, shards: 4 });
    expect(await findLayout(system.jsm, ns)).toEqual(layouts[0]);
  });

  it('refuse when they are full, and keep everything on disk', async () => {
    const ns = names();
    await ensureStreams(system.jsm, ns, 2, LIMITS);
    const log = (await findStream(system.jsm, ns.streams.decisions))?.config as StreamConfig;
    expect(log).toMatchObject({ discard: 'new', storage: StorageType.File, max_age: 0, max_msgs: -1 });
    expect(log.subjects).toEqual([`${ns.namespace}.decisions.0.>`, `${ns.namespace}.decisions.1.>`]);
    const events = (await findStream(system.jsm, ns.streams.events))?.config as StreamConfig;
    expect(events).toMatchObject({ discard: 'new', storage: StorageType.File });
  });

  it('take other limits, and keep what they hold', async () => {
    const ns = names();
    const before = await ensureStreams(system.jsm, ns, 2, LIMITS);
    await system.nats.request(`${ns.namespace}.decisions.1.p.a`, 'kept');
    const after = await ensureStreams(system.jsm, ns, 2, {
      ...LIMITS,
      logMaxBytes: 9 * MEBIBYTE,
      dedupeWindowMs: 7_000,
    });
    expect(after).toEqual(before);
    const info = await findStream(system.jsm, ns.streams.decisions);
    expect(info?.config).toMatchObject({ max_bytes: 9 * MEBIBYTE });
    expect(info?.state.messages).toBe(1);
    const events = await findStream(system.jsm, ns.streams.events);
    expect(events?.config).toMatchObject({ duplicate_window: 7_000_000_000 });
  });

  it('the log knows ids of messages for no longer than servers insist on, also one that was made before', async () => {
    const ns = names();
    await ensureStreams(system.jsm, ns, 2, LIMITS);
    const made = await findStream(system.jsm, ns.streams.decisions);
    expect(made?.config.duplicate_window).toBe(100_000_000);
    if (made === undefined) return;
    const former = { ...made.config, duplicate_window: 120_000_000_000 };
    await system.jsm.streams.update(ns.streams.decisions, former);
    await ensureStreams(system.jsm, ns, 2, LIMITS);
    const after = await findStream(system.jsm, ns.streams.decisions);
    expect(after?.config.duplicate_window).toBe(100_000_000);
    const shorter = system.jsm.streams.update(ns.streams.decisions, {
      ...former,
      duplicate_window: 99_000_000,
    });
    await expect(shorter).rejects.toThrow();
  });

  it('are not made smaller than what they hold: the server would drop the oldest of it', async () => {
    const ns = names();
    await ensureStreams(system.jsm, ns, 2, LIMITS);
    const payload = 'x'.repeat(MEBIBYTE / 2);
    for (let i = 0; i < 3; i++) await system.nats.request(`${ns.namespace}.decisions.1.p.a`, payload);
    const smaller = ensureStreams(system.jsm, ns, 2, { ...LIMITS, logMaxBytes: MEBIBYTE });
    await expect(smaller).rejects.toThrow(ConfigurationError);
    expect((await findStream(system.jsm, ns.streams.decisions))?.state.messages).toBe(3);
  });

  it('close the log shortly before it is full, dropping nothing, and open it when there is room', async () => {
    const ns = names();
    const name = ns.streams.decisions;
    await ensureStreams(system.jsm, ns, 2, { ...LIMITS, logMaxBytes: 2 * MEBIBYTE });
    const publish = async (bytes: number): Promise<boolean> => {
      const ack = await system.nats.request(`${ns.namespace}.decisions.1.p.a`, 'x'.repeat(bytes));
      return !('error' in ack.json<object>());
    };
    const look = async (): Promise<boolean> => {
      const info = await findStream(system.jsm, name);
      return info !== undefined && (await closeWhenNearlyFull(system.jsm, info));
    };
    expect(await look()).toBe(false);
    for (let i = 0; i < 3; i++) expect(await publish(MEBIBYTE / 2)).toBe(true);
    expect(await look()).toBe(true);
    expect(await publish(10)).toBe(false);
    expect((await findStream(system.jsm, name))?.state).toMatchObject({ first_seq: 1, messages: 3 });
    await ensureStreams(system.jsm, ns, 2, { ...LIMITS, logMaxBytes: 4 * MEBIBYTE });
    expect(await publish(10)).toBe(true);
    expect(await look()).toBe(false);
  });

  it('keep the number of shards for good', async () => {
    const ns = names();
    await ensureStreams(system.jsm, ns, 2, LIMITS);
    await expect(ensureStreams(system.jsm, ns, 3, LIMITS)).rejects.toThrow(ConfigurationError);
    await expect(ensureStreams(system.jsm, ns, 3, LIMITS)).rejects.toThrow(/created with 2 shards/);
  });

  it('are not confused with a stream of somebody else that has the name', async () => {
    const ns = names();
    await system.jsm.streams.add({ name: ns.streams.decisions, subjects: [`${ns.namespace}.other`] });
    await expect(ensureStreams(system.jsm, ns, 2, LIMITS)).rejects.toThrow('is not a Converge log');
  });

  it('take no decision for a shard that does not exist', async () => {
    const ns = names();
    await ensureStreams(system.jsm, ns, 2, LIMITS);
    await expect(system.nats.request(`${ns.namespace}.decisions.2.p.a`, '{}')).rejects.toThrow(
      /no responders/i,
    );
  });

  it('do not exist before', async () => {
    expect(await findLayout(system.jsm, names())).toBeUndefined();
  });
});

it.each([1, 3])('S53: a log of protocol %i is refused by whoever looks, with what to do', async (version) => {
  const ns = names();
  await system.jsm.streams.add({
    name: ns.streams.decisions,
    description: `converge layout ${version}, 2 shards, log x, marked`,
    subjects: [ns.shardLog(0), ns.shardLog(1)],
  });
  const sentence = `has protocol ${version}, and this version of Converge reads protocol ${PROTOCOL} only: use the version that made it`;
  await expect(findLayout(system.jsm, ns)).rejects.toThrow(sentence);
  await expect(ensureStreams(system.jsm, ns, 2, LIMITS)).rejects.toThrow(ConfigurationError);
  expect(await findStream(system.jsm, ns.streams.events)).toBeUndefined();
});
