import { expect, it } from 'vitest';
import { StreamPublisher } from '../../src/bus/stream-publisher.ts';
import { PublishError } from '../../src/lib/errors.ts';
import { useSystem } from '../support/system.ts';

const system = useSystem();
let streams = 0;

async function newStream(config: object = {}): Promise<{ name: string; publisher: StreamPublisher }> {
  const name = `pub${streams++}`;
  await system.jsm.streams.add({ name, subjects: [`${name}.>`], ...config });
  const publisher = new StreamPublisher(system.nats);
  system.onEndOfTest(async () => publisher.close());
  return { name, publisher };
}

async function stored(name: string): Promise<string[]> {
  const { state } = await system.jsm.streams.info(name);
  const texts: string[] = [];
  for (let seq = 1; seq <= state.last_seq; seq++) {
    texts.push((await system.jsm.streams.getMessage(name, { seq }))?.string() ?? '');
  }
  return texts;
}

const messages = (name: string, ids: readonly string[]): { subject: string; payload: string; id: string }[] =>
  ids.map((id) => ({ subject: `${name}.x`, payload: id, id }));

it('resolves when the stream holds all messages, in their order', async () => {
  const { name, publisher } = await newStream();
  const ids = Array.from({ length: 500 }, (_, i) => `e${i}`);
  await publisher.publish(messages(name, ids));
  expect(await stored(name)).toEqual(ids);
});

it('published again is stored once', async () => {
  const { name, publisher } = await newStream();
  await publisher.publish(messages(name, ['a', 'b']));
  await publisher.publish(messages(name, ['a', 'b', 'c']));
  expect(await stored(name)).toEqual(['a', 'b', 'c']);
});

it('nothing is nothing', async () => {
  const { name, publisher } = await newStream();
  await publisher.publish([]);
  expect(await stored(name)).toEqual([]);
});

it('headers travel with the message', async () => {
  const { name, publisher } = await newStream();
  await publisher.publish([
    { subject: `${name}.x`, payload: Buffer.from([1, 2]), id: 'h', headers: { 'X-Why': 'because' } },
  ]);
  await publisher.publish(messages(name, ['plain']));
  const [first, second] = await Promise.all(
    [1, 2].map((seq) => system.jsm.streams.getMessage(name, { seq })),
  );
  expect(first?.header.get('X-Why')).toBe('because');
  expect(first?.header.get('Nats-Msg-Id')).toBe('h');
  expect(second?.header.get('X-Why')).toBe('');
});

it('rejects when no stream listens, when it is full, and when it is closed', async () => {
  const { publisher } = await newStream();
  await expect(publisher.publish(messages('nobody', ['a']))).rejects.toThrow(PublishError);
  const full = await newStream({ max_msgs: 1, discard: 'new' });
  await expect(full.publisher.publish(messages(full.name, ['a', 'b']))).rejects.toThrow(/maximum messages/);
  expect(await stored(full.name)).toEqual(['a']);
});

it('rejects a message that is too large for the server, and takes the next', async () => {
  const { name, publisher } = await newStream();
  const large = { subject: `${name}.x`, payload: 'x'.repeat(2 * 1024 * 1024), id: 'large' };
  await expect(publisher.publish([large])).rejects.toThrow(PublishError);
  await publisher.publish(messages(name, ['small']));
  expect(await stored(name)).toEqual(['small']);
});
