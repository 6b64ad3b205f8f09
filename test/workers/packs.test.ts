/** FLEET §1: events of one pool and one commit travel together. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { eventsIn, MAX_PACK_BYTES, MAX_PACK_EVENTS } from '../../src/protocol/packs.ts';
import { packMessage } from '../../src/workers/shard/nats-ports.ts';
import { packsOf, roundsOf } from '../../src/workers/shard/packs.ts';
import type { RenderedEvent } from '../../src/workers/shard/render.ts';

/** The n-th event of the log, of a pool in which it has a number, and so many bytes large. */
function event(n: number, pool: string, sequence: number, bytes = 0): RenderedEvent {
  const body = { id: `0-${n}-0`, type: 'x', source: `/pools/${pool}`, subject: 's/1', time: 't', pad: '' };
  const pad = 'x'.repeat(Math.max(0, bytes - JSON.stringify(body).length));
  const json = JSON.stringify({ ...body, pad });
  return { subject: `ns.events.0.${pool}`, sequence, id: body.id, json };
}

function numbered(pools: readonly string[], bytes: (n: number) => number = () => 0): RenderedEvent[] {
  const last = new Map<string, number>();
  return pools.map((pool, i) => {
    const sequence = (last.get(pool) ?? 0) + 1;
    last.set(pool, sequence);
    return event(i + 1, pool, sequence, bytes(i));
  });
}

it('a pack never spans pools, and holds the events of one in their order', () => {
  const packs = packsOf(numbered(['a', 'b', 'a', 'c', 'a', 'b']));
  expect(packs.map(({ subject, id, count }) => [subject, id, count])).toEqual([
    ['ns.events.0.a', '0-1-0_0-5-0', 3],
    ['ns.events.0.b', '0-2-0_0-6-0', 2],
    ['ns.events.0.c', '0-4-0_0-4-0', 1],
  ]);
});

it('also a single event is an array, in the format that the header names', () => {
  const [pack] = packsOf([event(7, 'a', 4)]);
  if (pack === undefined) throw new Error('no pack');
  const { subject, id, payload, headers } = packMessage(pack);
  expect({ subject, id, headers }).toEqual({
    subject: 'ns.events.0.a',
    id: '0-7-0_0-7-0',
    headers: {
      'Content-Type': 'application/cloudevents-batch+json',
      'Converge-First': '0000000000000004',
      'Converge-Last': '0000000000000004',
      'Converge-Events': '1',
    },
  });
  expect(JSON.parse(String(payload))).toEqual([expect.objectContaining({ id: '0-7-0' })]);
});

it('M54: a pack holds at most 1,000 events and 512 KiB, or one event that is larger', () => {
  const many = packsOf(numbered(Array.from({ length: 2_500 }, () => 'a')));
  expect(many.map(({ count }) => count)).toEqual([MAX_PACK_EVENTS, MAX_PACK_EVENTS, 500]);
  const sizes = [300_000, 200_000, 30_000, 700_000, 10];
  const large = packsOf(numbered(['a', 'a', 'a', 'a', 'a'], (n) => sizes[n] ?? 0));
  expect(large.map(({ count }) => count)).toEqual([2, 1, 1, 1]);
  expect(large.map(({ json }) => json.length <= MAX_PACK_BYTES)).toEqual([true, true, false, true]);
});

it('S50: the same id has the same bytes, wherever a replay has cut its commits', () => {
  const pool = fc.constantFrom('a', 'b', 'c');
  const bytes = fc.constantFrom(0, 60_000, 300_000);
  const logs = fc.array(fc.tuple(pool, bytes), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(logs, fc.array(fc.nat(40)), fc.array(fc.nat(40)), (log, first, second) => {
      const events = numbered(
        log.map(([name]) => name),
        (n) => log[n]?.[1] ?? 0,
      );
      const cutAt = (places: readonly number[]) =>
        [...new Set([0, ...places, events.length])]
          .sort((x, y) => x - y)
          .flatMap((from, i, all) => packsOf(events.slice(from, all[i + 1] ?? events.length)));
      const byId = new Map<string, string>();
      for (const { id, json } of [...cutAt(first), ...cutAt(second)]) {
        expect(byId.get(id) ?? json).toBe(json);
        byId.set(id, json);
      }
      const told = cutAt(first).flatMap(({ json }) => eventsIn(Buffer.from(json)));
      expect(new Set(told.map((one) => one?.id)).size).toBe(events.length);
    }),
    { numRuns: 60 },
  );
});

it('S52: of the packs of one pool each is published when the one before it is stored', () => {
  const packs = packsOf(numbered([...Array.from({ length: 2_100 }, () => 'a'), 'b', 'b']));
  const rounds = roundsOf(packs).map((round) =>
    round.map(({ subject, first }) => `${subject} ${Number(first)}`),
  );
  expect(rounds).toEqual([
    ['ns.events.0.a 1', 'ns.events.0.b 1'],
    ['ns.events.0.a 1001'],
    ['ns.events.0.a 2001'],
  ]);
});
