import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DocumentChange } from '../../src/protocol/document-change.ts';
import type { PendingTask, Task } from '../../src/protocol/documents.ts';
import { writeChange } from '../../src/state/documents-to-writes.ts';
import { Operations } from '../../src/state/operations.ts';
import { RUNS, randomLog } from '../handlers/properties/random-log.ts';
import { Shard } from '../handlers/properties/shard.ts';
import { OFFER } from '../support/commits.ts';
import { impliedIndexes, indexesOf } from '../support/implied-indexes.ts';
import { KEYS, WrittenKeys } from './writes.ts';

/** What is kept of claim classes and receipts is not of the documents alone: the store adds it. */
const OF_THE_STORE = /:(pending-classes|receipt-counts)/;

function ofDocuments(dump: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(Object.entries(dump).filter(([key]) => !OF_THE_STORE.test(key)));
}

function writesOf(...changes: readonly DocumentChange[]): { keys: string[]; args: string[] } {
  const writes = new Operations();
  for (const change of changes) writeChange(KEYS, change, undefined, writes);
  return writes.encode([]);
}

describe('over random logs', () => {
  it('the indexes that commits write are those that the documents imply, wherever the log was cut', () => {
    fc.assert(
      fc.property(randomLog, fc.infiniteStream(fc.integer({ min: 1, max: 12 })), (log, cuts) => {
        const written = new WrittenKeys();
        const shard = new Shard((changes) => {
          const writes = new Operations();
          for (const change of changes) writeChange(KEYS, change, undefined, writes);
          written.apply(writes);
        });
        let left = cuts.next().value;
        for (const entry of log) {
          shard.apply(entry);
          if (--left > 0) continue;
          shard.commit();
          left = cuts.next().value;
          const dump = written.asDump();
          expect(ofDocuments(indexesOf(dump))).toEqual(ofDocuments(impliedIndexes(dump)));
        }
      }),
      RUNS,
    );
  });
});

const origin = { agent: 'ann', decisionId: 'd-1' };

function pendingTask(fields: Partial<PendingTask> = {}): PendingTask {
  return {
    pool: 'p',
    taskId: 't-1',
    objective: 'o',
    requiredCapabilities: [],
    priority: 3,
    dependsOn: [],
    constraints: { claimTtlMs: 1, maxAttempts: 1, backoffMs: 0, maxExpiries: 1, maxUnstarted: 10 },
    submitter: 'ann',
    submittedAt: 1,
    order: 7,
    epoch: 0,
    failures: 0,
    expiries: 0,
    origin,
    state: 'pending',
    ...fields,
  };
}

function taskChange(before: Task | undefined, after: Task | undefined): DocumentChange {
  return { kind: 'task', pool: 'p', before, after };
}

describe('the writes of a change', () => {
  it('of a new document are the document and its index entries', () => {
    const task = pendingTask();
    expect(writesOf(taskChange(undefined, task))).toEqual({
      keys: [KEYS.entities('p', 'task'), KEYS.entitiesIn('p', 'task', 'pending'), KEYS.pending('p', '-')],
      args: [
        ...['HSET', '1', '2', 't-1', JSON.stringify(task)],
        ...['ZADD', '2', '2', '7', 't-1'],
        ...['ZADD', '3', '2', '-3', '0000000000000007:1:t-1'],
      ],
    });
  });

  it('leave index entries alone that stay as they were', () => {
    const task = pendingTask();
    const renoted = pendingTask({ failures: 1 });
    expect(writesOf(taskChange(task, renoted))).toEqual({
      keys: [KEYS.entities('p', 'task')],
      args: ['HSET', '1', '2', 't-1', JSON.stringify(renoted)],
    });
  });

  it('move an entry whose score changes without removing it first', () => {
    const { keys, args } = writesOf(taskChange(pendingTask(), pendingTask({ priority: 9 })));
    expect(keys).toEqual([KEYS.entities('p', 'task'), KEYS.pending('p', '-')]);
    expect(args.slice(5)).toEqual(['ZADD', '2', '2', '-9', '0000000000000007:1:t-1']);
  });

  it('of a document that goes remove all of it, and give back the receipt of who created it', () => {
    expect(writesOf(taskChange(pendingTask(), undefined))).toEqual({
      keys: [
        KEYS.entities('p', 'task'),
        KEYS.entitiesIn('p', 'task', 'pending'),
        KEYS.pending('p', '-'),
        KEYS.receipts,
      ],
      args: [
        ...['HDEL', '1', '1', 't-1'],
        ...['ZREM', '2', '1', 't-1'],
        ...['ZREM', '3', '1', '0000000000000007:1:t-1'],
        ...['UNREF', '4', '1', 'p.ann.d-1'],
      ],
    });
  });

  it('of what came and went between two commits are none', () => {
    expect(writesOf(taskChange(undefined, undefined))).toEqual({ keys: [], args: [] });
  });

  it('of a task that was removed and submitted anew give back the receipt of the one before only', () => {
    const anew = (agent: string, decisionId: string): DocumentChange =>
      taskChange(pendingTask(), pendingTask({ origin: { agent, decisionId } }));
    expect(writesOf(anew('ann', 'd-2')).args.slice(-2)).toEqual(['1', 'p.ann.d-1']);
    expect(writesOf(anew('bob', 'd-1')).args.slice(-2)).toEqual(['1', 'p.ann.d-1']);
    expect(writesOf(anew('ann', 'd-1')).args).not.toContain('UNREF');
  });

  it('of a member that leaves give nothing back: nobody remembers a receipt for it', () => {
    const member = { pool: 'p', agent: 'bob', capabilities: [], order: 0, joinedAt: 1 };
    const { keys, args } = writesOf({ kind: 'member', pool: 'p', before: member, after: undefined });
    expect(keys).toEqual([KEYS.members('p'), KEYS.memberNames('p'), KEYS.poolsOf('bob')]);
    expect(args).toEqual(['HDEL', '1', '1', 'bob', 'ZREM', '2', '1', 'bob', 'ZREM', '3', '1', 'p']);
  });
});

describe('a standing offer', () => {
  it('is a document and a name to page by, and has no receipt', () => {
    const change = { kind: 'offer', pool: 'p' } as const;
    expect(writesOf({ ...change, before: undefined, after: OFFER })).toEqual({
      keys: [KEYS.offers('p'), KEYS.offerNames('p')],
      args: ['HSET', '1', '2', 'bob/main', JSON.stringify(OFFER), 'ZADD', '2', '2', '0', 'bob/main'],
    });
    expect(writesOf({ ...change, before: OFFER, after: undefined })).toEqual({
      keys: [KEYS.offers('p'), KEYS.offerNames('p')],
      args: ['HDEL', '1', '1', 'bob/main', 'ZREM', '2', '1', 'bob/main'],
    });
  });
});

describe('operations', () => {
  it('are one for each command and key, in the order in which keys were first named', () => {
    const writes = new Operations();
    writes.addPair('HSET', 'b', 'x', '1');
    writes.add('ZREM', 'a', 'm');
    writes.add('HSET', 'b', 'y', '2', 'z', '3');
    writes.add('HDEL', 'b', 'w');
    expect(writes.encode([])).toEqual({
      keys: ['b', 'a'],
      args: [
        ...['HSET', '1', '6', 'x', '1', 'y', '2', 'z', '3'],
        ...['HDEL', '1', '1', 'w'],
        ...['ZREM', '2', '1', 'm'],
      ],
    });
  });

  it('use a key that the script has a place for where it stands', () => {
    const writes = new Operations();
    writes.addPair('HSET', 'meta', 'seq', '1');
    writes.add('HDEL', 'other', 'f');
    expect(writes.encode(['commit', 'meta'])).toEqual({
      keys: ['commit', 'meta', 'other'],
      args: ['HSET', '2', '2', 'seq', '1', 'HDEL', '3', '1', 'f'],
    });
  });

  it.each([
    ['HSET', 4_000, 1],
    ['HSET', 4_002, 2],
    ['HDEL', 4_000, 1],
    ['HDEL', 4_001, 2],
    ['HDEL', 12_001, 4],
  ] as const)(
    '%s of %i arguments come in %i, because Lua unpacks no more at once',
    (command, count, parts) => {
      const writes = new Operations();
      const all = Array.from({ length: count }, (_, i) => String(i));
      writes.add(command, 'k', ...all);
      const { args } = writes.encode([]);
      const sizes: number[] = [];
      const seen: string[] = [];
      for (let at = 0; at < args.length; ) {
        expect(args.slice(at, at + 2)).toEqual([command, '1']);
        const size = Number(args[at + 2]);
        sizes.push(size);
        seen.push(...args.slice(at + 3, at + 3 + size));
        at += 3 + size;
      }
      expect(sizes).toHaveLength(parts);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(4_000);
      expect(sizes.every((size) => command !== 'HSET' || size % 2 === 0)).toBe(true);
      expect(seen).toEqual(all);
    },
  );
});
