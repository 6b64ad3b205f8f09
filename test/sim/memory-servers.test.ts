/** The simulator's servers pass the tests of the real ones. */
import { afterEach, describe, expect, it } from 'vitest';
import { genesisMark, trimmedBelow } from '../../src/bus/trim-marks.ts';
import { MemoryLeases, memoryLeaseStore } from '../../verify/sim/memory/leases.ts';
import { DIRECT_LINK } from '../../verify/sim/memory/link.ts';
import { MemoryMarks, memoryTrimMarks } from '../../verify/sim/memory/marks.ts';
import { MemoryShard } from '../../verify/sim/memory/shard.ts';
import { MemoryShardLog } from '../../verify/sim/memory/shard-log.ts';
import { memoryShardStore } from '../../verify/sim/memory/shard-store.ts';
import { MemoryStream } from '../../verify/sim/memory/stream.ts';
import { shardLogContract } from '../bus/shard-log.contract.ts';
import { failingCommitsContract } from '../state/failing-commits.contract.ts';
import { leaseStoreContract } from '../state/lease-store.contract.ts';
import { shardStoreContract } from '../state/shard-store.contract.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe('the store', () => {
  shardStoreContract(async () => memoryShardStore(DIRECT_LINK, new MemoryShard()));
});

describe('the store, failing', () => {
  failingCommitsContract(async () => {
    const shard = new MemoryShard();
    const fault = { isFull: false, breaks: false };
    const store = memoryShardStore(DIRECT_LINK, shard, undefined, (_commit, where) => {
      if (where !== 'at the store') return undefined;
      if (fault.isFull) return 'refused';
      const { breaks } = fault;
      fault.breaks = false;
      return breaks ? 'broken' : undefined;
    });
    return {
      store,
      refuse: async (isOn) => {
        fault.isFull = isOn;
      },
      breakNext: async () => {
        fault.breaks = true;
      },
    };
  });
});

describe('the leases', () => {
  const systems = new Map<string, MemoryLeases>();
  leaseStoreContract((workerId, system, leaseMs = 60_000) => {
    const leases = systems.get(system) ?? new MemoryLeases(() => performance.now());
    systems.set(system, leases);
    return memoryLeaseStore(DIRECT_LINK, leases, workerId, leaseMs);
  });
});

describe.each([true, false])('the log, of a server that clamps a start beyond the end: %s', (clampsStart) => {
  shardLogContract(
    async () => {
      const stream = new MemoryStream({ now: Date.now, dedupeWindowMs: 60_000, clampsStart });
      let appended = 0;
      return {
        log: new MemoryShardLog(DIRECT_LINK, stream, 'log.0.'),
        async append(count, shard = 0) {
          for (let i = 0; i < count; i++) {
            const text = `m${++appended}`;
            stream.publish(`log.${shard}.p.ann`, Buffer.from(text), text);
          }
        },
        async recreate() {
          stream.recreate();
        },
      };
    },
    (close) => closing.push(close),
  );
});

describe('the trim marks', () => {
  it('are written only over the one that was seen, also by who has read what is not the newest', async () => {
    const kept = new MemoryMarks(() => undefined);
    const marks = memoryTrimMarks(DIRECT_LINK, kept, () => false);
    const behind = memoryTrimMarks(DIRECT_LINK, kept, () => true);
    const first = genesisMark('log');
    expect(await marks.read(0)).toEqual({ mark: undefined, revision: 0 });
    expect(await marks.write(0, first, 0)).toBe(true);
    const { revision } = await marks.read(0);
    expect(await marks.write(0, trimmedBelow(first, 40), revision)).toBe(true);
    const stale = await behind.read(0);
    expect(stale).toEqual({ mark: first, revision });
    expect(await behind.write(0, first, stale.revision)).toBe(false);
    expect((await marks.read(0)).mark?.below).toBe(40);
    kept.lose();
    expect(await marks.read(0)).toEqual({ mark: undefined, revision: 0 });
  });
});

describe('a log that is trimmed', () => {
  it('holds and delivers the rest of that shard, and all of the others', () => {
    const stream = new MemoryStream({ now: Date.now, dedupeWindowMs: 60_000, clampsStart: false });
    for (const shard of [0, 1, 0, 0]) stream.publish(`log.${shard}.p.ann`, Buffer.from('m'), undefined);
    expect(stream.purge('log.0.', 4)).toBe(2);
    expect(stream.purge('log.0.', 4)).toBe(0);
    expect([1, 2, 3, 4].map((seq) => stream.read(seq)?.seq)).toEqual([undefined, 2, undefined, 4]);
    expect(stream.bounds()).toMatchObject({ firstSeq: 2, lastSeq: 4 });
    const delivered: number[] = [];
    stream.consume('log.0.', 1, ({ seq }) => delivered.push(seq));
    expect(delivered).toEqual([4]);
    expect([...stream.purgedBehind('log.0.', 1)]).toEqual([3]);
  });
});
