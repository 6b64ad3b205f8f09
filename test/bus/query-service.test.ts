import { connect } from 'nats';
import { expect, it } from 'vitest';
import { type QueryHandlers, QueryService } from '../../src/bus/query-service.ts';
import { subjects } from '../../src/protocol/subjects.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const system = useSystem();

const unused = async (): Promise<never> => {
  throw new Error('this query was not to be asked');
};
const UNUSED: QueryHandlers = {
  task: unused,
  tasks: unused,
  'pending-tasks': unused,
  pool: unused,
  pools: unused,
  'pools-of-agent': unused,
  members: unused,
  offers: unused,
  outcome: unused,
  auction: unused,
  auctions: unused,
  vote: unused,
  votes: unused,
  negotiation: unused,
  delegations: unused,
  stats: unused,
  feed: unused,
};

it('an answer that is ready only after the connection was closed is dropped, and ends nothing', async () => {
  const connection = await connect({ servers: system.servers.nats.url });
  let isAsked = false;
  let answer = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  new QueryService({
    connection,
    subjects: subjects('q1'),
    version: '1.0.0',
    handlers: {
      ...UNUSED,
      pool: async () => {
        isAsked = true;
        await asked;
        return { error: { code: 'pool_not_found', message: 'no pool' } };
      },
    },
    onFault: () => undefined,
  });
  await connection.flush();
  system.nats.publish('q1.queries.pool', '{"pool":"p"}', { reply: 'q1.answers' });
  await until('the question to arrive', () => isAsked);
  await connection.close();
  answer();
  // An unhandled rejection would end a worker; here it fails the run.
  await new Promise((resolve) => setImmediate(resolve));
});

it('a handler that throws is a fault of ours: it is told, and answered with internal_error', async () => {
  const faults: string[] = [];
  const service = new QueryService({
    connection: system.nats,
    subjects: subjects('q2'),
    version: '1.0.0',
    handlers: UNUSED,
    onFault: (name) => void faults.push(name),
  });
  const reply = await system.nats.request('q2.queries.stats', '{}');
  expect(reply.json()).toEqual({ error: { code: 'internal_error', message: expect.any(String) } });
  expect(faults).toEqual(['stats']);
  await service.close();
});

it('more questions than can be answered at once are turned away, and can be asked again', async () => {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const service = new QueryService({
    connection: system.nats,
    subjects: subjects('q3'),
    version: '1.0.0',
    handlers: {
      ...UNUSED,
      pools: async () => {
        await gate;
        return { ok: { items: [] } };
      },
    },
    onFault: () => undefined,
  });
  const answers: string[] = [];
  const subscription = system.nats.subscribe('q3.answers', {
    callback: (_error, message) => void answers.push(message.string()),
  });
  for (let i = 0; i < 300; i++) system.nats.publish('q3.queries.pools', '{}', { reply: 'q3.answers' });
  await until('those turned away', () => answers.length === 44);
  expect(answers.every((text) => text.includes('rate_limited'))).toBe(true);
  release();
  await until('the others', () => answers.length === 300);
  expect((await system.nats.request('q3.queries.pools', '{}')).json()).toEqual({ ok: { items: [] } });
  subscription.unsubscribe();
  await service.close();
});

it.each([
  { what: 'one name', asked: 'q4.queries.pools.bob', areNamesProven: false },
  { what: 'nobody in particular, where names are proven', asked: 'q4.queries.pools', areNamesProven: true },
])(
  'of $what fewer are answered at once, and others are answered meanwhile',
  async ({ asked, areNamesProven }) => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const service = new QueryService({
      connection: system.nats,
      subjects: subjects('q4'),
      version: '1.0.0',
      handlers: {
        ...UNUSED,
        pools: async () => {
          await gate;
          return { ok: { items: [] } };
        },
        'pools-of-agent': async () => ({ ok: { pools: [] } }),
      },
      onFault: () => undefined,
      areNamesProven,
    });
    const answers: string[] = [];
    const subscription = system.nats.subscribe('q4.answers', {
      callback: (_error, message) => void answers.push(message.string()),
    });
    for (let i = 0; i < 50; i++) system.nats.publish(asked, '{}', { reply: 'q4.answers' });
    await until('those turned away', () => answers.length === 18);
    expect(answers.every((text) => text.includes('rate_limited'))).toBe(true);
    const ofAnn = await system.nats.request('q4.queries.pools-of-agent.ann', '{"agent":"ann"}');
    expect(ofAnn.json()).toEqual({ ok: { pools: [] } });
    release();
    await until('the others', () => answers.length === 50);
    expect((await system.nats.request(asked, '{}')).json()).toEqual({ ok: { items: [] } });
    subscription.unsubscribe();
    await service.close();
  },
);
