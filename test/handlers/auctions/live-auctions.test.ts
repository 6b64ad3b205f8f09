import { describe, expect, it } from 'vitest';
import { LiveAuctions } from '../../../src/handlers/auctions/live-auctions.ts';
import type { Auction } from '../../../src/protocol/auctions.ts';
import type { Task } from '../../../src/protocol/documents.ts';

const open = (id: string, order: number): Auction => ({
  kind: 'auction',
  pool: 'work',
  id,
  state: 'open',
  auctionKind: 'first_price_sealed',
  direction: 'forward',
  opener: 'ann',
  closesAt: 1_000,
  openedAt: 0,
  order,
  origin: { agent: 'ann', decisionId: 'd' },
  taskId: `task-of-${id}`,
  bids: [],
  bidBytes: 0,
  bidCount: 0,
});
const awarded = (id: string, order: number): Auction => ({
  ...open(id, order),
  state: 'awarded',
  closedAt: 5,
  winner: 'bob',
  price: '1',
});
const task = (state: Task['state']) => ({ state }) as Task;

function live(...auctions: readonly Auction[]): LiveAuctions {
  const all = new LiveAuctions();
  for (const auction of auctions) all.put(auction.id, auction);
  return all;
}

describe('auctions that have to be told what became of their tasks', () => {
  it.each(['a', 'b'])('the one that was opened first is first, whichever was looked at first', (first) => {
    const all = live(open('a', 2), open('b', 1));
    for (const id of [first, 'a', 'b']) all.look(id, undefined);
    expect(all.firstUntold()?.id).toBe('b');
    all.look('b', task('pending'));
    expect(all.firstUntold()?.id).toBe('a');
  });

  it.each([
    ['completed', true],
    ['failed', true],
    ['cancelled', true],
    ['pending', false],
  ] as const)('an open one whose task is %s: %s', (state, isUntold) => {
    expect(live(open('a', 1)).look('a', task(state))).toBe(isUntold);
  });

  it.each([
    ['assigned', false],
    ['running', true],
    ['pending', true],
    ['completed', true],
  ] as const)('an awarded one whose task is %s: %s', (state, isUntold) => {
    expect(live(awarded('a', 1)).look('a', task(state))).toBe(isUntold);
  });

  it('those of which the task is gone: it has ended and left the memory', () => {
    expect(live(open('a', 1)).look('a', undefined)).toBe(true);
    expect(live(awarded('a', 1)).look('a', undefined)).toBe(true);
  });

  it('none without a task, and none that has ended', () => {
    const { taskId: _, ...without } = open('a', 1);
    expect(live(without).look('a', undefined)).toBe(false);
    expect(live({ ...awarded('a', 1), finishedAt: 9 }).look('a', undefined)).toBe(false);
    expect(live().firstUntold()).toBeUndefined();
  });
});

describe('the auction that gives a task away', () => {
  it('is the one that is live', () => {
    expect(live(open('a', 1)).ofTask('task-of-a')?.id).toBe('a');
    expect(live(awarded('a', 1)).ofTask('task-of-a')?.state).toBe('awarded');
    expect(live(open('a', 1)).ofTask('another')).toBeUndefined();
  });

  it('is none once it has ended or is removed', () => {
    const all = live(open('a', 1), { ...awarded('a', 1), finishedAt: 9 });
    expect(all.ofTask('task-of-a')).toBeUndefined();
    expect(all.size).toBe(0);
    const removed = live(open('a', 1));
    removed.put('a', undefined);
    expect(removed.ofTask('task-of-a')).toBeUndefined();
  });
});
