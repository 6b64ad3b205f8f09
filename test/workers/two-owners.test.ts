/**
 * Two workers that both believe in their lease, on one shard in memory: what the second reads of the store may be what
 * the first has just written. Found by the simulator; the commits that get lost on the way are lost here, too.
 */
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { UnavailableError } from '../../src/lib/errors.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import type { ShardStore } from '../../src/state/shard-store.ts';
import { Alarms } from '../../src/workers/health/alarms.ts';
import { WorkerMetrics } from '../../src/workers/health/metrics.ts';
import { SYSTEM_CLOCK } from '../../src/workers/shard/ports.ts';
import { ShardWorker } from '../../src/workers/shard/shard-worker.ts';
import { DIRECT_LINK } from '../../verify/sim/memory/link.ts';
import { MemoryShard } from '../../verify/sim/memory/shard.ts';
import { memoryShardStore } from '../../verify/sim/memory/shard-store.ts';
import { MemoryLog, RecordingPublisher } from '../support/shard.ts';
import { until } from '../support/until.ts';
import { START } from '../support/workload.ts';

const NS = 'two';
const METRICS = new WorkerMetrics();

class TwoOwners {
  readonly shard = new MemoryShard();
  readonly log = new MemoryLog();
  #workers = 0;

  get store(): ShardStore {
    return memoryShardStore(DIRECT_LINK, this.shard);
  }

  submit(taskId: string): void {
    const data = Buffer.from(
      JSON.stringify({ id: `d-${taskId}`, type: 'SubmitTask', taskId, objective: 'o' }),
    );
    this.log.append({ at: START, subject: `${NS}.decisions.0.commons.ann`, data });
  }

  start(store: ShardStore): { readonly worker: ShardWorker; readonly publisher: RecordingPublisher } {
    const publisher = new RecordingPublisher();
    const [number, commits] = [this.#workers++, { count: 0 }];
    const worker = new ShardWorker({
      namespace: NS,
      shard: 0,
      shards: 1,
      subjects: subjects(NS),
      store,
      log: this.log,
      publisher,
      clock: { ...SYSTEM_CLOCK, now: () => 0 },
      logger: pino({ level: 'silent' }),
      metrics: METRICS,
      alarms: new Alarms({ logger: pino({ level: 'silent' }), clock: SYSTEM_CLOCK }),
      maxBatch: 256,
      maxBatchBytes: 1_000_000,
      sweepOverdueMs: 1_000,
      holdsLease: () => true,
      newCommitId: () => `${number}-${commits.count++}`,
    });
    return { worker, publisher };
  }

  async applied(): Promise<void> {
    await until('everything to be applied', () => this.shard.position().seq === this.log.lastSeq);
  }
}

function numbersOf({ published }: RecordingPublisher): number[] {
  return published.map(({ json }) => Number(JSON.parse(json).sequence));
}

it('a lost commit of what another worker has applied meanwhile is not taken for this one’s own', async () => {
  const both = new TwoOwners();
  const { store, shard } = both;
  let losing = true;
  const second = both.start({
    ...store,
    async lookup(wanted) {
      // The other worker commits between what this one decides on and what it asks.
      if (losing && shard.position().seq === 0) {
        const first = both.start(both.store);
        await both.applied();
        await first.worker.stop();
      }
      const found = await store.lookup(wanted);
      // As if it had been read where this worker stands: the commit must be a fence of its own.
      return losing ? { ...found, position: { seq: 0, hash: undefined, logIdentity: undefined } } : found;
    },
    async commit(commit) {
      if (!losing) return await store.commit(commit);
      losing = false;
      throw new UnavailableError('lost on the way');
    },
  });
  both.submit('t1');
  await until('the commit to be lost, or not to be made', () => shard.position().seq > 0 && !losing);
  both.submit('t2');
  await both.applied();
  await second.worker.stop();
  expect(numbersOf(second.publisher).at(-1)).toBe(2);
  expect(shard.load().pools[0]).toMatchObject({
    sequence: 2,
    entities: [{ taskId: 't1' }, { taskId: 't2' }],
  });
});

it('what was looked up in another state decides nothing, though the store goes back before the commit', async () => {
  const both = new TwoOwners();
  const { store, shard } = both;
  const before = shard.copy();
  let isFirst = true;
  let hasGoneBack = false;
  const second = both.start({
    ...store,
    async lookup(wanted) {
      if (!isFirst) return await store.lookup(wanted);
      isFirst = false;
      const first = both.start(both.store);
      await both.applied();
      await first.worker.stop();
      const found = await store.lookup(wanted);
      shard.restore(before);
      hasGoneBack = true;
      return found;
    },
  });
  both.submit('t1');
  await until('the store to have gone back', () => hasGoneBack);
  await both.applied();
  await second.worker.stop();
  expect(shard.outcomes(['commons.ann.d-t1']).size).toBe(1);
});

it('batches that come back to the outbox of an idle shard are published and cleared again', async () => {
  const both = new TwoOwners();
  const { shard } = both;
  const owner = both.start(both.store);
  both.submit('t1');
  await both.applied();
  const before = shard.copy();
  await until('the outbox to be cleared', () => shard.outboxSize === 0);
  shard.restore(before);
  expect(shard.outboxSize).toBe(1);
  await until('the outbox to be cleared again', () => shard.outboxSize === 0);
  await owner.worker.stop();
});

it('a halt is told to the store until it has heard of it', async () => {
  const both = new TwoOwners();
  const { store, shard, log } = both;
  let refusals = 0;
  const owner = both.start({
    ...store,
    async setHalted(reason) {
      if (reason !== undefined && refusals++ === 0) throw new UnavailableError('not now');
      await store.setHalted(reason);
    },
  });
  both.submit('t1');
  await both.applied();
  log.name = 'another log';
  owner.worker.interrupt('the log is another one');
  await until('the store to know', () => shard.halted !== undefined);
  expect(refusals).toBeGreaterThan(1);
  await owner.worker.stop();
});
