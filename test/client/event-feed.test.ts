import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { expect, it, vi } from 'vitest';
import { DecisionPublisher } from '../../src/bus/decision-publisher.ts';
import { eventsIdentityOf } from '../../src/bus/layout.ts';
import { EventGaps } from '../../src/client/core/event-gaps.ts';
import { EventFeed, type EventOptions } from '../../src/client/index.ts';
import { ConfigurationError, LogDivergedError, UnavailableError } from '../../src/lib/errors.ts';
import { type ConvergeEvent, formatSequence } from '../../src/protocol/event.ts';
import { formatPosition } from '../../src/protocol/positions.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { type Subjects, subjects as subjectsOf } from '../../src/protocol/subjects.ts';
import { SHARDS, useBroker } from './system.ts';

const broker = useBroker();

interface Setup {
  readonly connection: NatsConnection;
  readonly names: Subjects;
  publish(name: string, pool?: string): Promise<void>;
  /** One pack. */
  publishAll(...names: string[]): Promise<void>;
  /** One that was cut elsewhere: whatever events it holds. */
  publishPack(events: readonly ConvergeEvent[]): Promise<void>;
  /** The position of the event at this place of a pack. */
  at(seq: number, index?: number): Promise<string>;
  feed(options?: EventOptions): EventFeed;
}

async function setup(): Promise<Setup> {
  const names = await broker.streams();
  const connection = await broker.connect();
  // Goes on trying while a server is down.
  const publisher = new DecisionPublisher({ connection: await broker.connect() });
  let n = 0;
  const numbers = new Map<string, number>();
  const next = (name: string, pool: string): ConvergeEvent => {
    const number = (numbers.get(pool) ?? 0) + 1;
    numbers.set(pool, number);
    return event(name, pool, ++n, number);
  };
  const publishPack = async (events: readonly ConvergeEvent[], pool = 'p'): Promise<void> => {
    const payload = Buffer.from(JSON.stringify(events));
    await publisher.publish({ subject: names.events(shardOf(pool, SHARDS), pool), payload });
  };
  return {
    connection,
    names,
    publish: (name, pool = 'p') => publishPack([next(name, pool)], pool),
    publishAll: (...all) => publishPack(all.map((name) => next(name, 'p'))),
    publishPack,
    at: async (seq, index = 0) => {
      const jsm = await jetstreamManager(connection);
      const stream = eventsIdentityOf(await jsm.streams.info(names.streams.events));
      return formatPosition({ stream, seq, index });
    },
    feed: (options = {}) => new EventFeed({ ...options, connection, subjects: names }),
  };
}

function event(name: string, pool: string, n: number, number = n): ConvergeEvent {
  return {
    specversion: '1.0',
    id: `0-${n}-0`,
    type: 'converge.task.submitted',
    source: `/pools/${pool}`,
    subject: `task/${name}`,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    sequence: formatSequence(number),
    causationid: `d-${n}`,
    actor: 'ada',
    data: {},
  };
}

/** The names of the next `count` events. */
async function take(events: AsyncIterator<ConvergeEvent>, count: number): Promise<string[]> {
  const names: string[] = [];
  while (names.length < count) {
    const { value, done } = await events.next();
    if (done === true) break;
    names.push(value.subject.slice('task/'.length));
  }
  return names;
}

it('gives out what happens after it was opened, in order', async () => {
  const { publish, feed, at } = await setup();
  await publish('before');
  const events = feed();
  await events.opened;
  for (const name of ['a', 'b', 'c']) await publish(name);
  expect(await take(events[Symbol.asyncIterator](), 3)).toEqual(['a', 'b', 'c']);
  expect(events.position).toBe(await at(5));
  events.close();
});

it('begins with the oldest, after a position, or at a time', async () => {
  const { publish, feed, at } = await setup();
  await publish('a');
  await publish('b');
  // The next millisecond, so that the time lies between the two.
  const second = Date.now();
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(second));
  const since = Date.now();
  await publish('c');
  const first = async (options: EventOptions) => take(feed(options)[Symbol.asyncIterator](), 1);
  expect(await first({ start: 'all' })).toEqual(['a']);
  expect(await first({ start: { after: await at(2) } })).toEqual(['b']);
  expect(await first({ start: { since } })).toEqual(['c']);
});

it('whoever was away reads on from the position where it stopped', async () => {
  const { publish, feed } = await setup();
  for (const name of ['a', 'b', 'c', 'd']) await publish(name);
  const before = feed({ start: 'all' });
  expect(await take(before[Symbol.asyncIterator](), 2)).toEqual(['a', 'b']);
  before.close();
  const after = feed({ start: { after: before.position ?? '' } });
  expect(await take(after[Symbol.asyncIterator](), 2)).toEqual(['c', 'd']);
});

it('gives out the events of one pool only, if it is told which', async () => {
  const { publish, feed } = await setup();
  const events = feed({ pool: 'p', start: 'all' });
  await publish('a', 'other');
  await publish('b', 'p');
  await publish('c', 'other');
  await publish('d', 'p');
  expect(await take(events[Symbol.asyncIterator](), 2)).toEqual(['b', 'd']);
});

it('passes over what is not an event', async () => {
  const { publish, feed, connection, names } = await setup();
  const events = feed({ start: 'all' });
  const js = jetstream(connection);
  for (const junk of ['not JSON', '[]', '{"id":1}', '[1, null, {"id":1}]'])
    await js.publish(names.events(shardOf('p', SHARDS), 'p'), junk);
  await publish('a');
  expect(await take(events[Symbol.asyncIterator](), 1)).toEqual(['a']);
});

it('loses and repeats nothing when the server is killed, also what happened before anything was read', async () => {
  const { publish, feed } = await setup();
  const unread = feed();
  const reading = feed();
  await Promise.all([unread.opened, reading.opened]);
  await publish('a');
  const iterator = reading[Symbol.asyncIterator]();
  expect(await take(iterator, 1)).toEqual(['a']);
  await broker.server.kill();
  await broker.server.restart();
  await publish('b');
  await publish('c');
  expect(await take(iterator, 2)).toEqual(['b', 'c']);
  expect(await take(unread[Symbol.asyncIterator](), 3)).toEqual(['a', 'b', 'c']);
});

it('a feed for new events that saw none does not begin at the oldest after a reconnect', async () => {
  const { publish, feed, connection } = await setup();
  await publish('old');
  const events = feed();
  await events.opened;
  const next = take(events[Symbol.asyncIterator](), 1);
  await connection.reconnect();
  await publish('new');
  expect(await next).toEqual(['new']);
});

it('goes on when the consumer is removed on the server', async () => {
  const { publish, feed, connection, names } = await setup();
  const events = feed({ start: 'all' });
  const iterator = events[Symbol.asyncIterator]();
  await publish('a');
  expect(await take(iterator, 1)).toEqual(['a']);
  const jsm = await jetstreamManager(connection);
  const stream = names.streams.events;
  for await (const { name } of jsm.consumers.list(stream)) await jsm.consumers.delete(stream, name);
  await publish('b');
  expect(await take(iterator, 1)).toEqual(['b']);
});

it('more events than one request brings arrive in order', async () => {
  const { feed, connection, names } = await setup();
  for (let n = 1; n <= 1_000; n++) {
    connection.publish(names.events(shardOf('p', SHARDS), 'p'), JSON.stringify([event(`t${n}`, 'p', n)]));
  }
  const got = await take(feed({ start: 'all' })[Symbol.asyncIterator](), 1_000);
  expect(got).toEqual(Array.from({ length: 1_000 }, (_, i) => `t${i + 1}`));
});

it('ends when it is closed, also while it waits', async () => {
  const { feed, publish } = await setup();
  const waiting = feed();
  const end = take(waiting[Symbol.asyncIterator](), 1);
  await waiting.opened;
  waiting.close();
  expect(await end).toEqual([]);

  const broken = feed({ start: 'all' });
  await publish('a');
  for await (const { subject } of broken) {
    expect(subject).toBe('task/a');
    break;
  }
  expect(broken.isClosed).toBe(true);
});

it('removes its consumer from the server when the iteration ends', async () => {
  const { feed, publish, connection, names } = await setup();
  await publish('a');
  for await (const _event of feed({ start: 'all' })) break;
  const jsm = await jetstreamManager(connection);
  await vi.waitFor(async () =>
    expect((await jsm.streams.info(names.streams.events)).state.consumer_count).toBe(0),
  );
});

it('is opened when there is a stream, and not before', async () => {
  const { feed, connection, names, publish } = await setup();
  const jsm = await jetstreamManager(connection);
  const { config } = await jsm.streams.info(names.streams.events);
  await jsm.streams.delete(names.streams.events);
  const events = feed({ start: 'all' });
  const next = take(events[Symbol.asyncIterator](), 1);
  await jsm.streams.add(config);
  await events.opened;
  await publish('a');
  expect(await next).toEqual(['a']);

  const never = new EventFeed({
    connection,
    subjects: subjectsOf('nobody-made-it'),
  });
  never.close();
  await expect(never.opened).rejects.toThrow(UnavailableError);
});

it('does not wait for ever on a stream that was made anew or rolled back', async () => {
  const { feed, connection, names, publish } = await setup();
  const events = feed({ start: 'all' });
  const iterator = events[Symbol.asyncIterator]();
  await publish('a');
  expect(await take(iterator, 1)).toEqual(['a']);
  const jsm = await jetstreamManager(connection);
  const { config } = await jsm.streams.info(names.streams.events);
  await jsm.streams.delete(names.streams.events);
  await jsm.streams.add(config);
  await expect(take(iterator, 1)).rejects.toThrow(LogDivergedError);
});

it('can be iterated once', async () => {
  const { feed } = await setup();
  const events = feed();
  const first = take(events[Symbol.asyncIterator](), 1);
  await expect(take(events[Symbol.asyncIterator](), 1)).rejects.toThrow('once');
  events.close();
  expect(await first).toEqual([]);
});

it.each([
  { since: Number.NaN },
  { since: -1 },
  { since: Number.POSITIVE_INFINITY },
  { since: 8.64e15 },
  { after: '' },
  { after: '12' },
  { after: 'stream:0:0' },
  { after: 'stream:1:-1' },
  { after: 'stream:99999999999999999:0' },
])('a start that is none is refused at once: %o', async (start) => {
  const { feed } = await setup();
  expect(() => feed({ start })).toThrow(ConfigurationError);
});

it.each(['no name', '', 'a.b', '*', '>'])('a pool that can never be is refused at once: %o', async (pool) => {
  const { feed } = await setup();
  expect(() => feed({ pool })).toThrow(ConfigurationError);
});

it('a feed that cannot be opened says so when its time is over, and ends', async () => {
  const { connection } = await setup();
  const subjects = subjectsOf('nobody-made-it');
  const ended = vi.fn();
  const never = new EventFeed({ connection, subjects, timeoutMs: 300, onEnd: ended });
  await expect(never.opened).rejects.toThrow(/within 300 ms: there is no system in namespace nobody-made-it/);
  expect(never.isClosed).toBe(true);
  expect(ended).toHaveBeenCalledOnce();
  await expect(take(never[Symbol.asyncIterator](), 1)).rejects.toThrow(UnavailableError);
});

it('a feed that is to begin beyond the end of the stream says so', async () => {
  const { feed, publish, at } = await setup();
  await publish('a');
  const atTheEnd = feed({ start: { after: await at(2) } });
  await atTheEnd.opened;
  atTheEnd.close();
  const beyond = feed({ start: { after: await at(3) } });
  await expect(beyond.opened).rejects.toThrow(LogDivergedError);
  expect(beyond.isClosed).toBe(true);
});

it('a feed that is to go on after what is no longer kept says so', async () => {
  const { feed, publish, connection, names, at } = await setup();
  for (const name of ['a', 'b', 'c', 'd']) await publish(name);
  const jsm = await jetstreamManager(connection);
  await jsm.streams.purge(names.streams.events, { seq: 3 });
  await expect(feed({ start: { after: await at(2) } }).opened).rejects.toThrow(
    /no longer keeps the packs of events 2 to 2/,
  );
  const rest = feed({ start: { after: await at(3) } });
  expect(await take(rest[Symbol.asyncIterator](), 2)).toEqual(['c', 'd']);
  // Whoever asks for all that there is misses nothing by that.
  expect(await take(feed({ start: 'all' })[Symbol.asyncIterator](), 2)).toEqual(['c', 'd']);
});

it('a feed that was away while events were lost says so when it is back', async () => {
  const { feed, publish, connection, names } = await setup();
  const jsm = await jetstreamManager(connection);
  await publish('a');
  const resumed = feed({ pool: 'p' });
  await resumed.opened;
  await publish('b');
  await publish('c');
  await jsm.streams.purge(names.streams.events, { seq: 3 });
  await connection.reconnect();
  await expect(take(resumed[Symbol.asyncIterator](), 1)).rejects.toThrow(
    /no longer keeps the packs of events 2 to 2/,
  );
  expect(resumed.isClosed).toBe(true);
});

it.each([
  ['of a pool', 'p', 'new'],
  ['of all pools', undefined, 'new'],
  ['that began at a position', 'p', 2],
  ['that began at a time', 'p', { since: 0 }],
] as const)(
  'a feed that nobody read while its first events expired says so: %s',
  async (_what, pool, start) => {
    const { feed, publish, connection, names, at } = await setup();
    const jsm = await jetstreamManager(connection);
    await publish('a');
    const unread = feed({ pool, start: typeof start === 'number' ? { after: await at(start) } : start });
    await unread.opened;
    for (const name of ['b', 'c', 'd']) await publish(name);
    await jsm.streams.purge(names.streams.events, { seq: 4 });
    await expect(take(unread[Symbol.asyncIterator](), 1)).rejects.toThrow(
      /no longer keeps the packs of events/,
    );
  },
);

it('a feed that nobody read for a while misses nothing when nothing of its pool is gone', async () => {
  const { feed, publish } = await setup();
  await publish('a');
  const unread = feed({ pool: 'p' });
  const fromTheFirst = feed({ pool: 'young' });
  await Promise.all([unread.opened, fromTheFirst.opened]);
  await publish('x', 'other');
  await publish('b');
  await publish('c', 'young');
  expect(await take(unread[Symbol.asyncIterator](), 1)).toEqual(['b']);
  expect(await take(fromTheFirst[Symbol.asyncIterator](), 1)).toEqual(['c']);
});

it('a feed of all that is kept begins with the first that is kept, also when it is opened again before that', async () => {
  const { feed, publish, connection, names, at } = await setup();
  for (const name of ['a', 'b', 'c']) await publish(name);
  const jsm = await jetstreamManager(connection);
  await jsm.streams.purge(names.streams.events, { seq: 3 });
  const all = feed({ pool: 'p', start: 'all' });
  await all.opened;
  expect(all.position).toBe(await at(3));
  await connection.reconnect();
  expect(await take(all[Symbol.asyncIterator](), 1)).toEqual(['c']);
});

const numbered = (number: number, cause = number): ConvergeEvent => ({
  ...event('t', 'p', cause, number),
  id: `0-${cause}-0`,
});

it('an event that is left out is noticed by its number; repeats, and a pool made again, are not taken for that', () => {
  const gaps = new EventGaps('p');
  const given: string[] = [];
  for (const [number, cause] of [
    [4, 40],
    [5, 50],
    [4, 40],
    [5, 50],
    [6, 60],
    [1, 10],
    [2, 20],
    [7, 70],
    [7, 70],
    [1, 80],
    [2, 90],
  ] as const)
    given.push(...(gaps.isRepeat(numbered(number, cause)) ? [] : [`${number} of ${cause}`]));
  expect(given).toEqual(['4 of 40', '5 of 50', '6 of 60', '7 of 70', '1 of 80', '2 of 90']);
  expect(() => gaps.isRepeat(numbered(4, 91))).toThrow(/numbers 3 to 3 are missing/);
});

it('of all pools together an event that is left out is noticed by its position', () => {
  const gaps = new EventGaps(undefined);
  gaps.checkPosition(7);
  gaps.checkPosition(8);
  expect(() => gaps.checkPosition(11)).toThrow(/positions 9 to 10 are missing/);
});
