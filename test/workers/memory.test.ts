/** What a worker does about its memory: when it says Pressure, what it refuses to load, and how it meets poison. */
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { Deliveries, MAX_TAKEN_BYTES } from '../../src/bus/deliveries.ts';
import type { TakenNote, TakenStore } from '../../src/state/taken-store.ts';
import { Alarms } from '../../src/workers/health/alarms.ts';
import { loadGuard, ShardTooLargeError } from '../../src/workers/memory/load-limits.ts';
import { batchBytesOf, pressureWords } from '../../src/workers/memory/pressure.ts';
import { Quarantine } from '../../src/workers/memory/quarantine.ts';
import { SYSTEM_CLOCK } from '../../src/workers/shard/ports.ts';

const MIB = 1024 * 1024;
const HEAP = { limitBytes: 400 * MIB, heldBytes: 0 };
const shard = (number: number, mib: number, isPressed = false) => ({
  shard: number,
  bytes: mib * MIB,
  isPressed,
});

describe('4.3 a worker says Pressure', () => {
  it('to nobody while its shards take no more than 40 % of its heap', () => {
    expect(pressureWords([shard(0, 100), shard(1, 60)], HEAP)).toEqual([]);
  });

  it('to the largest beyond that, until the others together are under it', () => {
    const shards = [shard(0, 60), shard(1, 90), shard(2, 30)];
    expect(pressureWords(shards, HEAP)).toEqual([{ shard: 1, on: true }]);
    expect(
      pressureWords([shard(0, 110), shard(1, 100), shard(2, 100)], HEAP).map((word) => word.shard),
    ).toEqual([0, 1]);
  });

  it('once, and takes it back only below 30 %', () => {
    expect(pressureWords([shard(0, 170, true)], HEAP)).toEqual([]);
    expect(pressureWords([shard(0, 130, true)], HEAP)).toEqual([]);
    expect(pressureWords([shard(0, 110, true), shard(1, 5)], HEAP)).toEqual([{ shard: 0, on: false }]);
  });

  it('when the heap itself is nearly full, whatever was counted', () => {
    const heap = { ...HEAP, heldBytes: 300 * MIB };
    expect(pressureWords([shard(0, 20), shard(1, 5)], heap)).toEqual([{ shard: 0, on: true }]);
    expect(pressureWords([shard(0, 20, true)], { ...HEAP, heldBytes: 240 * MIB })).toEqual([]);
  });
});

describe('4.4 a worker loads', () => {
  const guard = (others: number, used = 0) =>
    loadGuard({
      shard: 3,
      heapBytes: 400 * MIB,
      othersBytes: () => others * MIB,
      expected: () => undefined,
      heapUsedBytes: () => used * MIB,
    });

  it('what fits 60 % of its heap together with the rest, and refuses what does not before it reads it', () => {
    expect(() => guard(100).expect(139 * MIB)).not.toThrow();
    expect(() => guard(100).expect(141 * MIB)).toThrow(ShardTooLargeError);
    expect(() => guard(0).expect(241 * MIB)).toThrow(/shard 3 needs 241 MiB/);
  });

  it('page by page, and lets go when the heap is nearly full', () => {
    expect(() => guard(0, 339).page()).not.toThrow();
    expect(() => guard(0, 341).page()).toThrow(ShardTooLargeError);
  });
});

describe('what is read of a log at once', () => {
  it('is bounded by bytes, one message at least', async () => {
    const deliveries = new Deliveries(1_024, () => undefined);
    const data = Buffer.alloc(400 * 1024);
    for (let number = 1; number <= 5; number++) {
      deliveries.accept({ number, message: { seq: number, at: 0, subject: 'x', data } });
    }
    expect(deliveries.isFull).toBe(false);
    deliveries.accept({
      number: 6,
      message: { seq: 6, at: 0, subject: 'x', data: Buffer.alloc(2 * MAX_TAKEN_BYTES) },
    });
    expect(deliveries.isFull).toBe(true);
    const taken = [];
    for (let i = 0; i < 4; i++) taken.push((await deliveries.take(256, 10)).map(({ seq }) => seq));
    expect(taken).toEqual([[1, 2], [3, 4], [5], [6]]);
    expect(deliveries.isFull).toBe(false);
  });

  it('and a batch is smaller in a smaller heap', () => {
    expect(batchBytesOf(4_096 * MIB)).toBe(8 * MIB);
    expect(batchBytesOf(64 * MIB)).toBe(256 * 1024);
  });
});

/** What Redis keeps. Workers come and go; it stays. */
class Kept implements TakenStore {
  notes = new Map<number, TakenNote>();
  runId = 'redis-1';
  trial: number | undefined;
  pauses: number[] = [];
  isPaused = false;

  async read(of: number): Promise<TakenNote> {
    const none = {
      holder: undefined,
      run: '',
      isSuspicious: false,
      strikes: 0,
      blamed: undefined,
      trials: 0,
    };
    return this.notes.get(of) ?? none;
  }
  async write(of: number, note: TakenNote): Promise<void> {
    this.notes.set(of, note);
  }
  async clear(of: number): Promise<void> {
    this.notes.delete(of);
  }
  async takeBack(of: number, holder: string): Promise<void> {
    const note = this.notes.get(of);
    if (note === undefined) return;
    const isBlamed = note.blamed === holder;
    this.notes.set(of, {
      ...note,
      holder: note.holder === holder ? undefined : note.holder,
      blamed: isBlamed ? undefined : note.blamed,
      strikes: note.strikes - (isBlamed ? 1 : 0),
    });
  }
  async run(): Promise<string> {
    return this.runId;
  }
  async beginTrial(of: number, pauseMs: number): Promise<boolean> {
    if (this.isPaused || this.trial !== undefined) return false;
    this.trial = of;
    this.pauses.push(pauseMs);
    return true;
  }
  async endTrial(): Promise<void> {
    this.trial = undefined;
  }
}

describe('4.5 a shard that ends its owners', () => {
  const logger = pino({ level: 'silent' });
  const workers = (store: Kept) => {
    let count = 0;
    return () => {
      const alarms = new Alarms({ logger, clock: SYSTEM_CLOCK });
      const quarantine = new Quarantine({
        store,
        holder: `w${count++}`,
        alarms,
        logger,
        heapShare: () => 0.1,
      });
      return { alarms, quarantine };
    };
  };

  it('is taken as any other twice, then only alone, with pauses that double, and says so', async () => {
    const store = new Kept();
    const next = workers(store);
    expect(await next().quarantine.admit(7)).toBe('begin');
    expect(await next().quarantine.admit(7)).toBe('begin');
    const third = next();
    expect(await third.quarantine.admit(7)).toBe('alone');
    expect(third.quarantine.alone).toBe(7);
    expect(third.alarms.active.map(({ alarm }) => alarm)).toEqual(['shard_poison']);
    store.trial = undefined;
    expect(await next().quarantine.admit(7)).toBe('alone');
    store.trial = undefined;
    for (let i = 0; i < 5; i++) {
      await next().quarantine.admit(7);
      store.trial = undefined;
    }
    expect(store.pauses.map((ms) => ms / 60_000)).toEqual([1, 2, 4, 8, 15, 15, 15]);
  });

  it('is left while another is tried, or while its pause lasts', async () => {
    const store = new Kept();
    const next = workers(store);
    for (const of of [1, 2]) {
      await next().quarantine.admit(of);
      await next().quarantine.admit(of);
    }
    expect(await next().quarantine.admit(1)).toBe('alone');
    expect(await next().quarantine.admit(2)).toBe('leave');
    store.trial = undefined;
    store.isPaused = true;
    expect(await next().quarantine.admit(2)).toBe('leave');
  });

  it('is not one that was given back, or worked on for ten seconds', async () => {
    vi.useFakeTimers();
    try {
      const store = new Kept();
      const next = workers(store);
      for (let i = 0; i < 5; i++) {
        const { quarantine } = next();
        expect(await quarantine.admit(7)).toBe('begin');
        if (i % 2 === 0) await quarantine.released(7);
        else await vi.advanceTimersByTimeAsync(10_000);
        expect(store.notes.has(7)).toBe(false);
      }
    } finally {
      vi.useRealTimers();
    }
  });

  it('three power losses in a row are no poison: neither of workers that had begun to work, nor together with Redis', async () => {
    const store = new Kept();
    const next = workers(store);
    for (let i = 0; i < 4; i++) {
      const { quarantine } = next();
      expect(await quarantine.admit(7)).toBe('begin');
      quarantine.worked(7);
    }
    const other = new Kept();
    const later = workers(other);
    for (let i = 0; i < 4; i++) {
      other.runId = `redis-${i}`;
      expect(await later().quarantine.admit(7)).toBe('begin');
    }
  });

  it('a worker that lives and has only lost its lease is no strike, also when it was too slow to say so', async () => {
    const store = new Kept();
    const next = workers(store);
    for (let i = 0; i < 6; i++) {
      const { quarantine } = next();
      expect(await quarantine.admit(7, [])).toBe('begin');
      // Every other time the next one comes before this one has noticed.
      if (i % 2 === 0) quarantine.lost(7);
      else {
        const later = next();
        expect(await later.quarantine.admit(7, [])).toBe('begin');
        quarantine.lost(7);
        later.quarantine.lost(7);
      }
    }
    const slow = next();
    expect(await slow.quarantine.admit(7)).toBe('begin');
    const holder = store.notes.get(7)?.holder ?? '';
    expect(await next().quarantine.admit(7, [holder])).toBe('begin');
    expect(store.notes.get(7)?.strikes).toBe(0);
  });

  it('also one that fills the heap while it is worked on', async () => {
    const store = new Kept();
    for (const holder of ['w1', 'w2']) {
      const alarms = new Alarms({ logger, clock: SYSTEM_CLOCK });
      const quarantine = new Quarantine({ store, holder, alarms, logger, heapShare: () => 0.9 });
      expect(await quarantine.admit(7)).toBe('begin');
      quarantine.worked(7);
    }
    expect(await workers(store)().quarantine.admit(7)).toBe('alone');
  });
});
