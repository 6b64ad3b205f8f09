/** What is closed leaves nothing behind: no listener, no timer, no subscription, no consumer, nobody who waits. */
import { jetstreamManager } from '@nats-io/jetstream';
import { expect, it, vi } from 'vitest';
import { watchersOf } from '../../src/bus/watch-connection.ts';
import { Endings } from '../../src/client/core/endings.ts';
import { BiddingProtocol, PoolManager } from '../../src/client/index.ts';
import { ConfigurationError, UnavailableError } from '../../src/lib/errors.ts';
import { fresh, useSystem } from './system.ts';

const system = useSystem();

async function feedConsumers(agent: string): Promise<number> {
  const jsm = await jetstreamManager(await system.connect());
  let count = 0;
  for await (const { config } of jsm.consumers.list(system.subjects.streams.events))
    if (config.deliver_subject?.includes(`.feeds.${agent}.`) === true) count++;
  return count;
}

const subscriptions = (connection: object): number => {
  const protocol: unknown = Reflect.get(connection, 'protocol');
  const table: unknown = Reflect.get(Object(protocol), 'subscriptions');
  return (Reflect.get(Object(table), 'subs') as Map<number, unknown>).size;
};

it('a client of another agent that is closed leaves nothing at the connection, and is made again when asked for', async () => {
  const connection = await system.connect();
  const gateway = await system.client(fresh('gateway'), { connection });
  await gateway.shards();
  const [watchers, open] = [watchersOf(connection), subscriptions(connection)];
  for (let i = 0; i < 50; i++) {
    const other = gateway.withAgent(`other-${i}`);
    await other.decide('commons', { type: 'Heartbeat' });
    await other.close();
    expect(gateway.withAgent(`other-${i}`)).not.toBe(other);
    await gateway.withAgent(`other-${i}`).close();
  }
  expect([watchersOf(connection), subscriptions(connection)]).toEqual([watchers, open]);
});

it.each([
  ['by an agent with a consumer of its own', undefined],
  ['through a worker', 'agent' as const],
])('feeds that are closed before anybody reads them leave nothing behind: %s', async (_how, role) => {
  const connection = await system.connect();
  const agent = fresh('agent');
  const client = await system.client(agent, { connection, role });
  await client.shards();
  const [watchers, open] = [watchersOf(connection), subscriptions(connection)];
  for (let i = 0; i < 10; i++) {
    const feed = client.events({ pool: 'commons' });
    // Some before they are open, some after.
    if (i % 2 === 0) await feed.opened;
    feed.close();
    await feed.opened.catch(() => undefined);
  }
  await vi.waitFor(() => expect(subscriptions(connection)).toBeLessThanOrEqual(open + 2), {
    timeout: 60_000,
  });
  expect(watchersOf(connection)).toBe(watchers);
  // The server forgets consumers that nobody listens to after five seconds.
  await vi.waitFor(async () => expect(await feedConsumers(agent)).toBe(0), {
    timeout: 15_000,
    interval: 250,
  });
});

it('a contract net that was refused leaves no feed behind', async () => {
  const connection = await system.connect();
  const agent = fresh('agent');
  const client = await system.client(agent, { connection, role: 'agent' });
  const pool = fresh('pool');
  await new PoolManager(client).createPool(pool);
  const watchers = watchersOf(connection);
  const net = { pool, task: { objective: 'o' }, bidMs: -60_000 };
  expect(await new BiddingProtocol(client).contractNet(net)).toMatchObject({ state: 'rejected' });
  expect(watchersOf(connection)).toBe(watchers);
  await vi.waitFor(async () => expect(await feedConsumers(agent)).toBe(0), {
    timeout: 15_000,
    interval: 250,
  });
});

it('closing a client rejects at once whatever waits on a connection that it has borrowed', async () => {
  const connection = await system.connect();
  const alone = await system.client(fresh('agent'), { connection, namespace: 'nobody-here' });
  const other = alone.withAgent(fresh('agent'));
  const waiting = [
    alone.decide('p', { type: 'Heartbeat' }),
    alone.publish('p', { type: 'Heartbeat' }),
    alone.send('p', { type: 'Heartbeat' }),
    alone.query('stats', {}),
    alone.shards(),
    alone.events({ pool: 'p' }).opened,
    other.decide('p', { type: 'Heartbeat' }),
    other.query('stats', {}),
  ].map((each) =>
    Promise.resolve(each).then(
      () => 'answered',
      (error) => (error instanceof UnavailableError ? error.message : error),
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = performance.now();
  await alone.close();
  for (const each of waiting) expect(String(await each)).toMatch(/closed/);
  expect(performance.now() - before).toBeLessThan(1_000);
  expect(connection.isClosed()).toBe(false);
  await expect(other.query('stats', {})).rejects.toThrow('closed');
});

it('closing a client of another agent rejects what waits there, and nothing else', async () => {
  const connection = await system.connect();
  const alone = await system.client(fresh('agent'), { connection, namespace: 'nobody-here', shards: 4 });
  const other = alone.withAgent(fresh('agent'));
  let isWaiting = true;
  const own = alone.query('stats', {}, { timeoutMs: 60_000 }).finally(() => {
    isWaiting = false;
  });
  own.catch(() => undefined);
  const theirs = [other.query('stats', {}), other.publish('p', { type: 'Heartbeat' })];
  await other.close();
  for (const each of theirs) await expect(each).rejects.toThrow('closed');
  expect(isWaiting).toBe(true);
});

it('everyone waits for the number of shards with a timeout of its own', async () => {
  const alone = await system.client(fresh('agent'), { namespace: 'nobody-here' });
  const order: string[] = [];
  const ask = (name: string, timeoutMs: number): Promise<unknown> =>
    alone.decide('p', { type: 'Heartbeat' }, { timeoutMs }).catch(() => order.push(name));
  const patient = ask('patient', 60_000);
  await ask('hasty', 100);
  expect(order).toEqual(['hasty']);
  await alone.close();
  await patient;
  expect(order).toEqual(['hasty', 'patient']);
});

it('a query is given up when its signal says so', async () => {
  const alone = await system.client(fresh('agent'), { namespace: 'nobody-here' });
  const ending = new AbortController();
  const asked = alone.query('stats', {}, { signal: ending.signal });
  ending.abort(new Error('no longer needed'));
  await expect(asked).rejects.toThrow('no longer needed');
});

it.each([Number.NaN, 0, -1])('a timeout of %d is refused, not waited for', async (timeoutMs) => {
  const client = await system.client(fresh('agent'));
  const impatient = await system.client(fresh('agent'), { timeoutMs });
  await expect(impatient.decide('p', { type: 'Heartbeat' })).rejects.toThrow(ConfigurationError);
  await expect(client.decide('p', { type: 'Heartbeat' }, { timeoutMs })).rejects.toThrow(ConfigurationError);
  await expect(client.shards({ timeoutMs })).rejects.toThrow(ConfigurationError);
  expect(() => client.events({ timeoutMs })).toThrow(ConfigurationError);
});

it('what has ended is forgotten, and its signal with it', async () => {
  const endings = new Endings();
  const outer = new AbortController();
  const removed = vi.spyOn(outer.signal, 'removeEventListener');
  expect(await endings.run(async () => 1, outer.signal)).toBe(1);
  await expect(endings.run(() => Promise.reject(new Error('failed')), outer.signal)).rejects.toThrow(
    'failed',
  );
  expect(endings.size).toBe(0);
  expect(removed).toHaveBeenCalledTimes(2);
  endings.end(new Error('over'));
  await expect(endings.run(async () => 1)).rejects.toThrow('over');
});
