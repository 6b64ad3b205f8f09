/** The state is a function of the log and of nothing else: not of batches, takeovers, or what was there before (I3). */
import { describe, expect, it, vi } from 'vitest';
import { Random } from '../../verify/kit/chance/random.ts';
import { dumpState } from '../support/dump-state.ts';
import { firstDifference } from '../support/first-difference.ts';
import { impliedIndexes, indexesOf } from '../support/implied-indexes.ts';
import { faultsIn } from '../support/legal-history.ts';
import { MemoryLog, RecordingPublisher, startShard } from '../support/shard.ts';
import { useSystem } from '../support/system.ts';
import { type Traffic, workload } from '../support/workload.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem({ redis: { appendOnly: false } });
const COUNT = 1_200;

interface Run {
  readonly state: unknown;
  /** By pool: only the events of one have an order. */
  readonly events: ReadonlyMap<string, readonly string[]>;
  readonly outcomes: unknown;
  readonly deadLetters: unknown;
}

/** Applies the traffic with changing owners: each applies some messages and hands over. */
async function run(ns: string, traffic: readonly Traffic[], batch: number, owners = 1): Promise<Run> {
  const keys = await system.redis.keys(`${ns}:*`);
  if (keys.length > 0) await system.redis.del(...keys);
  const log = new MemoryLog();
  const publisher = new RecordingPublisher();
  const random = new Random(owners);
  const ends = Array.from({ length: owners - 1 }, () => random.integer(traffic.length)).sort((a, b) => a - b);
  for (const end of [...ends, traffic.length]) {
    for (const message of traffic.slice(log.messages.length, end)) log.append(message);
    const shard = await startShard(system, { ns, log, publisher, maxBatch: batch });
    await shard.applied();
    await shard.stop();
  }
  return {
    outcomes: publisher.results,
    events: publisher.byPool(),
    state: await dumpState(system.redis, ns),
    deadLetters: publisher.deadLetters,
  };
}

describe.each([
  [1, false],
  [2, false],
  [3, false],
  [4, false],
  [5, true],
  [6, true],
])('random workload %i, with operators and quotas: %s', (seed, operated) => {
  const ns = `replay-${seed}`;
  const sweeps = [0.06, 0.02, 0.005][seed % 3] ?? 0;
  const traffic = workload({ ns, seed, count: COUNT, sweeps, operated });

  it('gives the same state, events and outcomes in batches of any size and with any takeovers', async () => {
    const expected = await run(ns, traffic, 256);
    for (const [batch, owners] of [
      [1, 2],
      [7, 20],
      [256, 40],
    ] as const) {
      const difference = firstDifference(expected, await run(ns, traffic, batch, owners));
      expect(difference, `batches of ${batch}, ${owners} owners`).toBeUndefined();
    }
  });

  it('leaves indexes that say what the documents say, and a history that the rules allow', async () => {
    const { events } = await run(ns, traffic, 50, 3);
    const dump = await dumpState(system.redis, ns);
    expect(firstDifference(impliedIndexes(dump), indexesOf(dump))).toBeUndefined();
    expect(faultsIn([...events.values()].flat().map((json) => JSON.parse(json)))).toEqual([]);
  });
});
