/** Packs as a reader meets them: read on within one, cut elsewhere by a replay, filtered where they are read. */
import { jetstreamManager } from '@nats-io/jetstream';
import { expect, it } from 'vitest';
import { EventFeed, type EventOptions } from '../../src/client/index.ts';
import { ConfigurationError } from '../../src/lib/errors.ts';
import { type ConvergeEvent, formatSequence } from '../../src/protocol/event.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { SHARDS, useBroker } from './system.ts';

const broker = useBroker();

/** The n-th event of pool p; `minute` is when it happened. */
function event(
  n: number,
  { type = 'task.submitted', subject = `task/t${n}`, minute = n } = {},
): ConvergeEvent {
  return {
    specversion: '1.0',
    id: `0-${n}-0`,
    type: `converge.${type}`,
    source: '/pools/p',
    subject,
    time: new Date(Date.now() - 3_600_000 + minute * 60_000).toISOString(),
    datacontenttype: 'application/json',
    sequence: formatSequence(n),
    causationid: `d-${n}`,
    actor: 'ada',
    data: {},
  };
}

async function setup() {
  const names = await broker.streams();
  const connection = await broker.connect();
  const js = (await jetstreamManager(connection)).jetstream();
  const pack = async (...events: ConvergeEvent[]): Promise<void> =>
    void (await js.publish(names.events(shardOf('p', SHARDS), 'p'), JSON.stringify(events)));
  const feed = (options: EventOptions = {}): EventFeed =>
    new EventFeed({ start: 'all', ...options, connection, subjects: names });
  return { pack, feed, connection };
}

async function numbers(feed: EventFeed, count: number): Promise<number[]> {
  const found: number[] = [];
  for await (const { sequence } of feed) {
    found.push(Number(sequence));
    if (found.length === count) break;
  }
  return found;
}

it('S51: a reader that stops within a pack goes on within it, in the same feed and in a later one', async () => {
  const { pack, feed, connection } = await setup();
  await pack(event(1), event(2), event(3));
  await pack(event(4));
  await pack(event(5));
  const before = feed({ pool: 'p' });
  const positions: (string | undefined)[] = [];
  for await (const _event of before) {
    positions.push(before.position);
    // From the same position, while it stands within the pack.
    if (positions.length === 2) await connection.reconnect();
    if (positions.length === 4) break;
  }
  expect(new Set(positions).size).toBe(4);
  for (const [i, after] of positions.entries()) {
    const rest = feed({ pool: 'p', start: { after: after ?? '' } });
    const expected = [2, 3, 4, 5].slice(i);
    expect(await numbers(rest, expected.length)).toEqual(expected);
  }
});

it('S50: where packs overlap, because a replay has cut its commits elsewhere, every event is given out once', async () => {
  const { pack, feed } = await setup();
  await pack(event(1), event(2), event(3));
  await pack(event(1), event(2), event(3), event(4), event(5));
  await pack(event(4), event(5), event(6));
  await pack(event(2));
  await pack(event(7));
  for (const pool of ['p', undefined])
    expect(await numbers(feed({ pool }), 7)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

it('S51: a feed from a time on begins within a pack, by the times of its events', async () => {
  const { pack, feed } = await setup();
  await pack(
    event(1, { minute: 58 }),
    event(2, { minute: 59 }),
    event(3, { minute: 60 }),
    event(4, { minute: 60 }),
  );
  const since = Date.parse(event(3, { minute: 60 }).time) - 30_000;
  expect(await numbers(feed({ start: { since } }), 2)).toEqual([3, 4]);
});

it.each<[EventOptions, number[]]>([
  [{ types: ['task.completed'] }, [3]],
  [{ types: ['task.*'] }, [1, 2, 3]],
  [{ types: ['task.claimed', 'vote.*'] }, [2, 4]],
  [{ subject: 'task/a' }, [1, 3]],
  [{ subject: 'vote' }, [4]],
  [{ subject: 'task', types: ['task.claimed'] }, [2]],
])('gives out what is chosen by %o, and goes on behind the rest', async (choice, expected) => {
  const { pack, feed } = await setup();
  await pack(
    event(1, { subject: 'task/a' }),
    event(2, { subject: 'task/b', type: 'task.claimed' }),
    event(3, { subject: 'task/a', type: 'task.completed' }),
  );
  await pack(event(4, { subject: 'vote/a', type: 'vote.opened' }));
  expect(await numbers(feed({ pool: 'p', ...choice }), expected.length)).toEqual(expected);
});

it.each<EventOptions>([
  { types: ['completed'] },
  { types: ['task.completed', 'Task.Completed'] },
  { types: ['converge.task.completed'] },
  { subject: '' },
  { subject: 'task/' },
  { subject: 'task/a/b' },
  { subject: 'tasks/*' },
])('a choice that nothing can meet is refused at once: %o', async (choice) => {
  const { feed } = await setup();
  expect(() => feed(choice)).toThrow(ConfigurationError);
});
