/**
 * What every shard store has to do, whatever it keeps the shard in. The simulator's store passes the same tests as the
 * one on Redis; what a run of the simulator finds would otherwise say nothing about a real one.
 */
import { describe, expect, it } from 'vitest';
import { ShardLostError } from '../../src/lib/errors.ts';
import type { Member, Task } from '../../src/protocol/documents.ts';
import { type EntityRef, refOf } from '../../src/protocol/entities.ts';
import { DEFAULT_SETTINGS } from '../../src/protocol/settings.ts';
import { briefly } from '../../src/state/briefly.ts';
import { OLDEST_BYTES, type ShardStore } from '../../src/state/shard-store.ts';
import {
  BEGINNING,
  commitFrom,
  completedTask,
  OFFER,
  pendingTask,
  poolDoc,
  positionAfter,
} from '../support/commits.ts';

const MEMBER: Member = { pool: 'p', agent: 'ann', capabilities: ['x'], joinedAt: 3, order: 1 };

function blockedTask(taskId: string, waitingFor: readonly string[]): Task {
  const { origin, ...rest } = pendingTask('p', taskId, 9);
  return { ...rest, origin, state: 'blocked', dependsOn: waitingFor, waitingFor };
}

function put(task: Task): { kind: 'task'; pool: string; before: undefined; after: Task } {
  return { kind: 'task', pool: task.pool, before: undefined, after: task };
}

const FENCE = { place: 7, at: 7, why: 'banned', cause: 'd-1', actor: 'op' } as const;
const BAN = { agent: 'zed', at: 7, reason: 'loud' };

const taskRef = (id: string): EntityRef => ({ kind: 'task', id });

/** `newStore` makes one that holds nothing. */
export function shardStoreContract(newStore: () => Promise<ShardStore>): void {
  describe('what was committed', () => {
    it('is loaded: position, time, settings, pools with members, unfinished tasks, and how much else there is', async () => {
      const store = await newStore();
      const settings = { ...DEFAULT_SETTINGS, finalRetentionMs: 5 };
      const plain = commitFrom(BEGINNING);
      const commit = commitFrom(BEGINNING, {
        next: { ...plain.next, clock: { seq: 7, hash: 'hash-of-7' } },
        settings,
        changes: [
          { kind: 'pool', pool: 'p', before: undefined, after: poolDoc('p') },
          { kind: 'member', pool: 'p', before: undefined, after: MEMBER },
          { kind: 'offer', pool: 'p', before: undefined, after: OFFER },
          put(pendingTask('p', 'open')),
          put(completedTask('p', 'done', 2, 70)),
          put(completedTask('p', 'awaited', 3, 60)),
          put(blockedTask('waiting', ['awaited'])),
        ],
        sequences: new Map([['p', 12]]),
        outcomes: [
          { key: 'a.1', json: '{}', at: 40, created: 0 },
          { key: 'a.2', json: '{}', at: 50, created: 0 },
        ],
        bans: new Map([['zed', BAN]]),
        buckets: new Map([
          ['agent/ann', 1_700_000_000_000_001],
          ['pool/p', 5],
        ]),
        turns: new Map([
          ['p', 7],
          ['q', 9],
        ]),
        fences: new Map([
          ['p/ann', [FENCE]],
          ['*/zed', [FENCE, { ...FENCE, place: 8 }]],
        ]),
      });
      await store.commit(commit);
      const { pools, ...shard } = await store.load();
      expect(shard).toEqual({
        position: positionAfter(commit),
        now: 1_000,
        clock: { seq: 7, hash: 'hash-of-7' },
        settings,
        outcomes: { count: 2, bytes: 2 * ('a.1'.length + '{}'.length), oldestAt: 40 },
        bans: [BAN],
        buckets: new Map([
          ['agent/ann', 1_700_000_000_000_001],
          ['pool/p', 5],
        ]),
        turns: new Map([
          ['p', 7],
          ['q', 9],
        ]),
        endedBytes: 0,
        fences: new Map([
          ['p/ann', [FENCE]],
          ['*/zed', [FENCE, { ...FENCE, place: 8 }]],
        ]),
      });
      const ended = {
        bans: new Map([['zed', undefined]]),
        buckets: new Map([['pool/p', undefined]]),
        turns: new Map([['q', undefined]]),
        fences: new Map([['p/ann', []]]),
      };
      await store.commit(commitFrom(positionAfter(commit), ended));
      const left = await store.load();
      expect(left.bans).toEqual([]);
      expect([...left.buckets.keys()]).toEqual(['agent/ann']);
      expect([...left.turns]).toEqual([['p', 7]]);
      expect([...left.fences]).toEqual([['*/zed', [FENCE, { ...FENCE, place: 8 }]]]);
      expect(pools).toHaveLength(1);
      expect(pools[0]).toMatchObject({ doc: poolDoc('p'), sequence: 12, members: [MEMBER], offers: [OFFER] });
      expect(pools[0]?.retained.tasks).toEqual({ count: 2, oldestAt: 60 });
      expect(pools[0]?.entities.map((entity) => refOf(entity).id).sort()).toEqual([
        'awaited',
        'open',
        'waiting',
      ]);
    });

    it('is nothing at all before the first commit', async () => {
      const store = await newStore();
      expect(await store.load()).toEqual({
        position: { seq: 0, hash: undefined, logIdentity: undefined },
        now: 0,
        clock: undefined,
        settings: undefined,
        pools: [],
        outcomes: { count: 0, bytes: 0, oldestAt: undefined },
        bans: [],
        buckets: new Map(),
        turns: new Map(),
        endedBytes: 0,
        fences: new Map(),
      });
    });

    it('is loaded as of one position, although another worker goes on writing', async () => {
      const store = await newStore();
      let at = BEGINNING;
      let isWriting = true;
      const writer = (async () => {
        for (let n = 1; isWriting; n++) {
          const pools = ['p0', 'p1', 'p2', 'p3'];
          const commit = commitFrom(at, {
            changes: pools.map((pool) => ({
              kind: 'pool',
              pool,
              before: undefined,
              after: poolDoc(pool, { createdAt: n }),
            })),
            sequences: new Map(pools.map((pool) => [pool, n])),
          });
          await store.commit(commit);
          at = positionAfter(commit);
          // A writer that never rests would keep the reader from ever seeing the same position twice.
          for (let i = 0; i < n % 30; i++) await store.position();
        }
      })();
      for (let i = 0; i < 20; i++) {
        const { position, pools } = await store.load();
        expect(
          new Set(pools.map(({ doc, sequence }) => `${doc.createdAt} ${sequence}`)).size,
        ).toBeLessThanOrEqual(1);
        if (pools[0] !== undefined) expect(pools[0].doc.createdAt).toBe(position.seq);
      }
      isWriting = false;
      await writer;
    });

    it('is found again by key: recent outcomes, receipts, and final tasks', async () => {
      const store = await newStore();
      const done = completedTask('p', 'done');
      await store.commit(
        commitFrom(BEGINNING, {
          changes: [put(done)],
          outcomes: [
            { key: 'a.recent', json: '{"r":1}', at: 1, created: 0 },
            { key: 'a.receipt', json: '{"c":1}', at: 1, created: 1 },
          ],
        }),
      );
      const found = await store.lookup({
        outcomes: ['a.recent', 'a.receipt', 'a.unknown'],
        entities: new Map([
          ['p', [taskRef('done'), taskRef('unknown'), { kind: 'vote', id: 'done' }]],
          ['q', [taskRef('done')]],
        ]),
      });
      expect(found.outcomes).toEqual(
        new Map([
          ['a.recent', '{"r":1}'],
          ['a.receipt', '{"c":1}'],
        ]),
      );
      expect(found.entities).toEqual([briefly(done)]);
    });

    it('is given out oldest first, so many as asked for, with the documents of the tasks', async () => {
      const store = await newStore();
      const tasks = [30, 10, 20].map((at) => completedTask('p', `t${at}`, at, at));
      const outcomes = [1, 2, 3].map((at) => ({ key: `a.${at}`, json: '{}', at, created: 0 }));
      await store.commit(commitFrom(BEGINNING, { changes: tasks.map(put), outcomes }));
      const oldest = await store.oldest(['p', 'empty'], 2, 2);
      expect(oldest.ended.tasks).toEqual(
        new Map([
          [
            'p',
            [
              { kind: 'task', id: 't10', at: 10 },
              { kind: 'task', id: 't20', at: 20 },
            ],
          ],
          ['empty', []],
        ]),
      );
      expect(oldest.entities.map((entity) => refOf(entity).id)).toEqual(['t10', 't20']);
      expect(oldest.outcomes).toEqual([
        { id: 'a.1', at: 1, bytes: expect.any(Number) },
        { id: 'a.2', at: 2, bytes: expect.any(Number) },
      ]);
    });
  });

  describe('1.8 the oldest, of which no more is read than a worker can bear', () => {
    it('of several pools together, by time, pool, tasks before the rest; and when the next of each ended', async () => {
      const store = await newStore();
      const tasks = [
        completedTask('q', 'a', 20, 20),
        completedTask('p', 'b', 20, 20),
        completedTask('p', 'c', 10, 10),
        completedTask('q', 'd', 40, 40),
        completedTask('p', 'e', 30, 30),
      ];
      await store.commit(commitFrom(BEGINNING, { changes: tasks.map(put) }));
      const { ended, beyond, entities } = await store.oldest(['q', 'p'], 3, 0);
      expect(ended.tasks.get('p')?.map(({ id }) => id)).toEqual(['c', 'b']);
      expect(ended.tasks.get('q')?.map(({ id }) => id)).toEqual(['a']);
      expect([...ended.collective.values()].flat()).toEqual([]);
      expect(beyond).toEqual({
        tasks: new Map([
          ['p', 30],
          ['q', 40],
        ]),
        collective: new Map(),
      });
      expect(entities.map((entity) => refOf(entity).id)).toEqual(['c', 'b', 'a']);
    });

    it('a page ends before what would exceed the bytes, and holds one at least', async () => {
      const store = await newStore();
      const sized = (id: string, at: number, bytes: number): Task => {
        const task = completedTask('p', id, at, at);
        return task.state === 'completed' ? { ...task, result: 'x'.repeat(bytes) } : task;
      };
      const tasks = [sized('huge', 1, OLDEST_BYTES + 1), sized('half', 2, OLDEST_BYTES / 2 + 1)];
      const first = commitFrom(BEGINNING, { changes: tasks.map(put) });
      await store.commit(first);
      const page = await store.oldest(['p'], 100, 0);
      expect(page.ended.tasks.get('p')).toEqual([{ kind: 'task', id: 'huge', at: 1 }]);
      expect(page.beyond.tasks).toEqual(new Map([['p', 2]]));
      const [huge] = tasks;
      const second = commitFrom(positionAfter(first), {
        changes: [
          ...(huge === undefined
            ? []
            : [{ kind: 'task' as const, pool: 'p', before: huge, after: undefined }]),
          put(sized('other', 3, OLDEST_BYTES / 2)),
          put(sized('small', 4, 10)),
        ],
        endedBytes: 77,
      });
      await store.commit(second);
      const next = await store.oldest(['p'], 100, 0);
      expect(next.ended.tasks.get('p')).toEqual([{ kind: 'task', id: 'half', at: 2 }]);
      expect(next.entities.map((entity) => refOf(entity).id)).toEqual(['half']);
      expect(next.beyond.tasks).toEqual(new Map([['p', 3]]));
      expect((await store.load()).endedBytes).toBe(77);
    });
  });

  describe('a commit from elsewhere writes nothing', () => {
    it.each([
      ['another position', { seq: 7 }],
      ['another last message', { hash: 'hash-of-another' }],
      ['another log', { logIdentity: '2020-01-01T00:00:00Z' }],
      ['the beginning', { seq: 0, hash: undefined }],
    ])('%s', async (_what, wrong) => {
      const store = await newStore();
      const first = commitFrom(BEGINNING, { changes: [put(pendingTask('p', 't1'))], outbox: 'R a.1' });
      await store.commit(first);
      const [before, owed] = [await store.load(), await store.unpublished()];
      const stale = commitFrom(
        { ...positionAfter(first), ...wrong },
        { changes: [put(pendingTask('p', 't2'))], outbox: 'R a.2' },
      );
      await expect(store.commit(stale)).rejects.toThrow(ShardLostError);
      expect(await store.load()).toEqual(before);
      expect(await store.unpublished()).toEqual(owed);
    });

    it('also to an empty store, because it was emptied', async () => {
      const store = await newStore();
      await expect(store.commit(commitFrom({ ...BEGINNING, seq: 5, hash: 'hash-5' }))).rejects.toThrow(
        ShardLostError,
      );
      expect((await store.position()).seq).toBe(0);
    });

    it('a zombie, whose successor has applied the very same messages', async () => {
      const store = await newStore();
      await store.commit(commitFrom(BEGINNING));
      await expect(store.commit(commitFrom(BEGINNING))).rejects.toThrow(ShardLostError);
    });
  });

  it('a commit whose answer was lost is recognised when it is sent again, until another one has followed', async () => {
    const store = await newStore();
    const commit = commitFrom(BEGINNING, { outcomes: [{ key: 'a.d', json: '{}', at: 1, created: 0 }] });
    await store.commit(commit);
    await store.commit(commit);
    expect((await store.load()).outcomes).toEqual({ count: 1, bytes: 5, oldestAt: 1 });
    await store.commit(commitFrom(positionAfter(commit)));
    await expect(store.commit(commit)).rejects.toThrow(ShardLostError);
  });

  it('what is looked up says where the shard stood', async () => {
    const store = await newStore();
    const nothing = { outcomes: [], entities: new Map() };
    expect((await store.lookup(nothing)).position.seq).toBe(0);
    const commit = commitFrom(BEGINNING);
    await store.commit(commit);
    expect((await store.lookup({ ...nothing, outcomes: ['a.d'] })).position).toEqual(positionAfter(commit));
    expect((await store.oldest(['p'], 1, 1)).position).toEqual(positionAfter(commit));
  });

  it('outcomes that are forgotten are the oldest, and are found no more', async () => {
    const store = await newStore();
    const outcomes = [1, 2, 3].map((at) => ({ key: `a.${at}`, json: `{"n":${at}}`, at, created: 0 }));
    const first = commitFrom(BEGINNING, { outcomes });
    await store.commit(first);
    await store.commit(commitFrom(positionAfter(first), { forgotten: ['a.1', 'a.2'], outcomeBytes: 10 }));
    expect((await store.load()).outcomes).toEqual({ count: 1, bytes: 10, oldestAt: 3 });
    expect(await store.outcomes(['a.1', 'a.2', 'a.3'])).toEqual(new Map([['a.3', '{"n":3}']]));
  });

  it('the receipt of a decision that created several things stays until the last of them is removed', async () => {
    const store = await newStore();
    const [one, two] = [pendingTask('p', 't1', 1, 'batch'), pendingTask('p', 't2', 2, 'batch')];
    const first = commitFrom(BEGINNING, {
      changes: [put(one), put(two)],
      outcomes: [{ key: 'p.owner.batch', json: '{"both":true}', at: 1_000, created: 2 }],
    });
    await store.commit(first);
    const second = commitFrom(positionAfter(first), {
      changes: [{ kind: 'task', pool: 'p', before: one, after: undefined }],
      forgotten: ['p.owner.batch'],
    });
    await store.commit(second);
    expect(await store.outcomes(['p.owner.batch'])).toEqual(new Map([['p.owner.batch', '{"both":true}']]));
    await store.commit(
      commitFrom(positionAfter(second), {
        changes: [{ kind: 'task', pool: 'p', before: two, after: undefined }],
      }),
    );
    expect(await store.outcomes(['p.owner.batch'])).toEqual(new Map());
  });

  it('a receipt that a commit writes is not mixed up with one that it ends', async () => {
    const store = await newStore();
    const [old, fresh] = [pendingTask('p', 't1', 1, 'old'), pendingTask('p', 't1', 2, 'fresh')];
    const first = commitFrom(BEGINNING, {
      changes: [put(old)],
      outcomes: [{ key: 'p.owner.old', json: '{"old":1}', at: 1, created: 1 }],
    });
    await store.commit(first);
    await store.commit(
      commitFrom(positionAfter(first), {
        changes: [{ kind: 'task', pool: 'p', before: old, after: fresh }],
        outcomes: [{ key: 'p.owner.fresh', json: '{"fresh":1}', at: 2, created: 1 }],
        forgotten: ['p.owner.old'],
      }),
    );
    expect(await store.outcomes(['p.owner.old', 'p.owner.fresh'])).toEqual(
      new Map([['p.owner.fresh', '{"fresh":1}']]),
    );
  });

  it('the outbox is given out oldest first and cleared by position', async () => {
    const store = await newStore();
    let at = BEGINNING;
    for (let seq = 1; seq <= 11; seq++) {
      const commit = commitFrom(at, seq < 9 ? {} : { outbox: `R a.${seq}` });
      await store.commit(commit);
      at = positionAfter(commit);
    }
    expect((await store.unpublished()).map(({ seq }) => seq)).toEqual([9, 10, 11]);
    await store.clearPublished([9]);
    await store.commit(commitFrom(at, { published: [11] }));
    expect(await store.unpublished()).toEqual([{ seq: 10, payload: 'R a.10' }]);
  });
}
