/** What becomes of a commit that fails, by how far it came. */
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UnavailableError } from '../../src/lib/errors.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { LOST, type ShardCommit, type ShardStore } from '../../src/state/shard-store.ts';
import { Alarms } from '../../src/workers/health/alarms.ts';
import { WorkerMetrics } from '../../src/workers/health/metrics.ts';
import { type Clock, SYSTEM_CLOCK } from '../../src/workers/shard/ports.ts';
import { ShardWorker } from '../../src/workers/shard/shard-worker.ts';
import { DIRECT_LINK } from '../../verify/sim/memory/link.ts';
import { MemoryShard } from '../../verify/sim/memory/shard.ts';
import { type CommitFault, memoryShardStore } from '../../verify/sim/memory/shard-store.ts';
import { MemoryLog, RecordingPublisher } from '../support/shard.ts';
import { until } from '../support/until.ts';

const NS = 'loop';
const SILENT = pino({ level: 'silent' });
const MESSAGES = 5;

/** A shard whose log holds some decisions; `faultOf` and `changed` say how commits fail. */
function startShard(faultOf: CommitFault, changed: (store: ShardStore) => Partial<ShardStore> = () => ({})) {
  const shard = new MemoryShard();
  const log = new MemoryLog();
  for (let i = 0; i < MESSAGES; i++) {
    const data = Buffer.from(
      JSON.stringify({ id: `d-${i}`, type: 'SubmitTask', taskId: `t${i}`, objective: 'o' }),
    );
    log.append({ at: 1_700_000_000_000, subject: `${NS}.decisions.0.commons.ann`, data });
  }
  const commits: ShardCommit[] = [];
  const kept = memoryShardStore(DIRECT_LINK, shard, undefined, (commit, where) => {
    if (where === 'before it is sent') commits.push(commit);
    return faultOf(commit, where);
  });
  const waits: number[] = [];
  const clock: Clock = {
    ...SYSTEM_CLOCK,
    now: () => 0,
    sleep: (ms, signal) => {
      waits.push(ms);
      return SYSTEM_CLOCK.sleep(Math.min(ms, 5), signal);
    },
  };
  const metrics = new WorkerMetrics();
  const alarms = new Alarms({ logger: SILENT, clock: SYSTEM_CLOCK, registry: metrics.registry });
  const recovered = { times: 0 };
  const worker = new ShardWorker({
    namespace: NS,
    shard: 0,
    shards: 1,
    subjects: subjects(NS),
    store: { ...kept, ...changed(kept) },
    log,
    publisher: new RecordingPublisher(),
    clock,
    logger: SILENT,
    metrics,
    alarms,
    maxBatch: 64,
    maxBatchBytes: 1_000_000,
    sweepOverdueMs: 1_000_000,
    holdsLease: () => true,
    recover: async () => {
      if (shard.position().seq !== LOST) return;
      recovered.times++;
      shard.empty();
    },
    newCommitId: () => `c-${commits.length}`,
  });
  onTestFinished(() => worker.stop());
  const applied = () => until('all to be applied', () => shard.position().seq === log.lastSeq, 10_000);
  const failures = async (failure: string) => {
    const { values } = await metrics.commitFailures.get();
    return values.find(({ labels }) => labels.class === failure)?.value ?? 0;
  };
  return { shard, log, commits, waits, worker, alarms, recovered, applied, failures };
}

describe('a commit that was never sent', () => {
  it('is not sent again: its messages are committed one by one', async () => {
    const { applied, commits, failures } = startShard(({ outcomes }, where) =>
      where === 'before it is sent' && outcomes.length > 1 ? 'unsent' : undefined,
    );
    await applied();
    expect(commits.map(({ outcomes }) => outcomes.length)).toEqual([MESSAGES, 1, 1, 1, 1, 1]);
    expect(await failures('unsent')).toBe(1);
  });

  it('because of one message halts the shard at that message, and says which', async () => {
    const { log, shard, worker, alarms } = startShard(({ outcomes }, where) =>
      where === 'before it is sent' && outcomes.some(({ key }) => key.endsWith('d-3')) ? 'unsent' : undefined,
    );
    await until('the halt', () => worker.status === 'halted');
    const [, , , bad] = log.messages;
    expect(shard.position().seq).toBe(log.messages[2]?.seq);
    expect(alarms.active).toMatchObject([{ alarm: 'cannot_commit', shard: 0, detail: { seq: bad?.seq } }]);
    expect(alarms.notReady()).toHaveLength(1);
    await until('the store to know', () => shard.halted?.includes(`message ${bad?.seq}`) === true);
  });

  it('also when our own code throws what it should not', async () => {
    const { worker, alarms } = startShard(
      () => undefined,
      () => ({ commit: () => Promise.reject(new RangeError('Maximum call stack size exceeded')) }),
    );
    await until('the halt', () => worker.status === 'halted');
    expect(alarms.active).toMatchObject([
      { alarm: 'cannot_commit', detail: { reason: 'Maximum call stack size exceeded' } },
    ]);
  });
});

describe('a commit that was refused', () => {
  it('is sent again as it is, after waits that double up to 5 s', async () => {
    let refusals = 7;
    const { applied, commits, waits, failures } = startShard((_commit, where) =>
      where === 'at the store' && refusals-- > 0 ? 'refused' : undefined,
    );
    await applied();
    expect(new Set(commits.map(({ id }) => id)).size).toBe(1);
    expect(waits.filter((ms) => ms >= 250)).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    expect(await failures('refused')).toBe(7);
  });

  it('does not keep the worker from stopping', async () => {
    const { worker, failures } = startShard((_commit, where) =>
      where === 'at the store' ? 'refused' : undefined,
    );
    await until('some refusals', async () => (await failures('refused')) > 4);
    const started = performance.now();
    await worker.stop();
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

it('a commit without an answer is sent again with its id until it is answered', async () => {
  let lost = 6;
  const { applied, commits, failures } = startShard(
    () => undefined,
    (store) => ({
      async commit(commit) {
        const size = await store.commit(commit);
        if (lost-- > 0) throw new UnavailableError('the connection was reset');
        return size;
      },
    }),
  );
  await applied();
  await until('the answer', () => lost < 0);
  expect(new Set(commits.map(({ id }) => id)).size).toBe(1);
  expect(await failures('unanswered')).toBe(6);
});

describe('a commit that breaks off', () => {
  it('loses the shard, which is brought back and goes on', async () => {
    let breaks = 1;
    const { applied, recovered, failures } = startShard((_commit, where) =>
      where === 'at the store' && breaks-- > 0 ? 'broken' : undefined,
    );
    await applied();
    expect(recovered.times).toBe(1);
    expect(await failures('broken')).toBe(1);
  });

  it('again and again because of one message halts the shard there', async () => {
    const { worker, alarms, log } = startShard(({ outcomes }, where) =>
      where === 'at the store' && outcomes.some(({ key }) => key.endsWith('d-2')) ? 'broken' : undefined,
    );
    await until('the halt', () => worker.status === 'halted', 10_000);
    expect(alarms.active).toMatchObject([{ alarm: 'cannot_commit', detail: { seq: log.messages[2]?.seq } }]);
  });
});
