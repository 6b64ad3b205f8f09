/** When the owner of a shard appends a Settle. */
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { World } from '../../src/handlers/world/world.ts';
import { WorkerMetrics } from '../../src/workers/health/metrics.ts';
import { Settler } from '../../src/workers/shard/settler.ts';
import { RecordingPublisher } from '../support/shard.ts';

let now = 0;
let publisher: RecordingPublisher;
let settler: Settler;
let metrics: WorkerMetrics;

const CLOCK = { now: () => now, monotonic: () => now, sleep: async () => undefined };

function owing(pools: number): World {
  const world = World.genesis(0, 1);
  for (let i = 0; i < pools; i++) world.loadTurn(`p${i}`, i + 1);
  return world;
}

const batchWith = (decisionId: string, settled = 1) => ({
  decisions: [{ applied: { decisionId }, result: { events: Array.from({ length: settled }) } }],
});

beforeEach(() => {
  now = 0;
  let ids = 0;
  publisher = new RecordingPublisher();
  metrics = new WorkerMetrics();
  const logger = pino({ level: 'silent' });
  const newCommitId = () => `w-1#c-${ids++}`;
  settler = new Settler({ shard: 0, publisher, clock: CLOCK, logger, metrics, newCommitId });
});

describe('the owner of a shard', () => {
  it('appends nothing when nothing is owed', () => {
    settler.settleIfOwed(owing(0));
    expect(publisher.settles).toEqual([]);
  });

  it('appends one Settle when something is owed, and the next when that one is applied', () => {
    settler.settleIfOwed(owing(2));
    settler.settleIfOwed(owing(2));
    expect(publisher.settles).toEqual(['settle-w-1-c-0']);
    settler.applied(batchWith('somebody-elses'), owing(2));
    settler.settleIfOwed(owing(2));
    expect(publisher.settles).toHaveLength(1);
    settler.applied(batchWith('settle-w-1-c-0'), owing(1));
    settler.settleIfOwed(owing(1));
    expect(publisher.settles).toHaveLength(2);
  });

  it('unconfirmed: appends another after a second, doubling to ten', () => {
    const at: number[] = [];
    for (now = 0; now < 40_000; now += 100) {
      const before = publisher.settles.length;
      settler.settleIfOwed(owing(1));
      if (publisher.settles.length > before) at.push(now / 1_000);
    }
    expect(at).toEqual([0, 1, 3, 7, 15, 25, 35]);
  });

  it('of one that settled nothing, although something is owed, waits as of one that was lost', () => {
    settler.settleIfOwed(owing(1));
    settler.applied(batchWith('settle-w-1-c-0', 0), owing(1));
    now = 999;
    settler.settleIfOwed(owing(1));
    expect(publisher.settles).toHaveLength(1);
    now = 1_000;
    settler.settleIfOwed(owing(1));
    expect(publisher.settles).toHaveLength(2);
    settler.applied(batchWith('settle-w-1-c-1', 0), owing(0));
    settler.settleIfOwed(owing(1));
    expect(publisher.settles).toHaveLength(3);
  });

  it('tells how many pools owe something', async () => {
    settler.settleIfOwed(owing(3));
    expect(await metrics.registry.getSingleMetricAsString('converge_owed')).toContain(
      'converge_owed{shard="0"} 3',
    );
    settler.settleIfOwed(owing(0));
    expect(await metrics.registry.getSingleMetricAsString('converge_owed')).toContain(
      'converge_owed{shard="0"} 0',
    );
  });
});
