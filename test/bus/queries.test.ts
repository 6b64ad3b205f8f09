/** Queries by plain request and reply, and the service as NATS tools see it (ADR-32). */
import { describe, expect, it, vi } from 'vitest';
import type { RawAgent, Reply } from '../support/raw-agent.ts';
import { NO_SWEEPS, type Space, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();

async function newSpace(): Promise<{ space: Space; ann: RawAgent; bob: RawAgent }> {
  const space = system.space({ ...NO_SWEEPS, shards: 3 });
  await space.worker();
  return { space, ann: await space.agent('ann'), bob: await space.agent('bob') };
}

async function submit(agent: RawAgent, pool: string, taskId: string, fields: object = {}): Promise<void> {
  const { status } = await agent.decide(pool, { type: 'SubmitTask', taskId, objective: 'o', ...fields });
  expect(status).toBe('accepted');
}

/** Every page of a query, put together, and how many there were. */
async function allPages(
  agent: RawAgent,
  name: string,
  query: object,
  limit: number,
): Promise<{ items: { [field: string]: unknown }[]; pages: number }> {
  const items: { [field: string]: unknown }[] = [];
  let cursor: string | undefined;
  for (let pages = 1; ; pages++) {
    const { ok } = await agent.query(name, { ...query, limit, ...(cursor === undefined ? {} : { cursor }) });
    expect(ok.items.length).toBeLessThanOrEqual(limit);
    items.push(...ok.items);
    cursor = ok.cursor;
    if (cursor === undefined) return { items, pages };
  }
}

const idsOf = (reply: Reply): string[] => reply.ok.items.map(({ taskId }: { taskId: string }) => taskId);

describe('tasks', () => {
  it('one by its id, as it stands', async () => {
    const { ann } = await newSpace();
    await submit(ann, 'commons', 't1', { inputs: { a: [1, 'ü'] }, priority: 3 });
    expect((await ann.query('task', { taskId: 't1' })).ok).toMatchObject({
      pool: 'commons',
      state: 'pending',
      inputs: { a: [1, 'ü'] },
      priority: 3,
      submitter: 'ann',
    });
    expect((await ann.query('task', { pool: 'commons', taskId: 'none' })).error?.code).toBe('task_not_found');
    expect((await ann.query('task', { pool: 'nowhere', taskId: 't1' })).error?.code).toBe('task_not_found');
  });

  it('page by page in order of submission, each once, whatever the size of the pages', async () => {
    const { ann } = await newSpace();
    const ids = Array.from({ length: 23 }, (_, i) => `t${i}`);
    for (const id of ids) await submit(ann, 'commons', id);
    for (const id of ids.slice(0, 7)) await ann.decide('commons', { type: 'ClaimTask', taskId: id });
    for (const id of ids.slice(0, 3))
      await ann.decide('commons', { type: 'ReportTask', taskId: id, result: 1 });
    for (const limit of [1, 5, 23, 24, 1_000]) {
      const { items, pages } = await allPages(ann, 'tasks', {}, limit);
      expect(items.map(({ taskId }) => taskId)).toEqual(ids);
      expect(pages).toBe(Math.ceil(23 / limit));
    }
    const assigned = await allPages(ann, 'tasks', { state: 'assigned' }, 2);
    expect(assigned.items.map(({ taskId }) => taskId)).toEqual(ids.slice(3, 7));
    const several = await allPages(ann, 'tasks', { state: ['completed', 'pending'] }, 4);
    expect(several.items.map(({ taskId }) => taskId)).toEqual([...ids.slice(0, 3), ...ids.slice(7)]);
  });

  it('of an agent: those it holds, and those it finished', async () => {
    const { ann, bob } = await newSpace();
    for (const id of ['t1', 't2', 't3', 't4']) await submit(ann, 'commons', id);
    for (const id of ['t1', 't2']) await bob.decide('commons', { type: 'ClaimTask', taskId: id });
    await ann.decide('commons', { type: 'ClaimTask', taskId: 't3' });
    await bob.decide('commons', { type: 'ReportTask', taskId: 't1', result: 1 });
    expect(idsOf(await ann.query('tasks', { agent: 'bob' }))).toEqual(['t1', 't2']);
    expect(idsOf(await ann.query('tasks', { agent: 'bob', state: 'completed' }))).toEqual(['t1']);
    await bob.decide('commons', { type: 'ReleaseTask', taskId: 't2' });
    expect(idsOf(await ann.query('tasks', { agent: 'bob' }))).toEqual(['t1']);
    expect(idsOf(await ann.query('tasks', { agent: 'nobody' }))).toEqual([]);
  });

  it('of a pool that does not exist: that is not an empty list', async () => {
    const { ann } = await newSpace();
    for (const name of ['tasks', 'auctions', 'votes', 'delegations', 'members', 'stats']) {
      expect((await ann.query(name, { pool: 'nowhere' })).error?.code, name).toBe('pool_not_found');
    }
  });
});

describe('pending tasks that one agent can see', () => {
  it('are those of its pools that its capabilities suffice for, best first', async () => {
    const { space, ann, bob } = await newSpace();
    const [a, b] = [space.poolOn(0), space.poolOn(1)];
    for (const pool of [a, b]) await ann.decide(pool, { type: 'CreatePool' });
    await bob.decide(a, { type: 'JoinPool', capabilities: ['read', 'draw'] });
    await submit(ann, a, 'plain');
    await submit(ann, a, 'reading', { requiredCapabilities: ['read'], priority: 5 });
    await submit(ann, a, 'either', { requiredCapabilities: [['write', 'draw']], priority: 3 });
    await submit(ann, a, 'both', { requiredCapabilities: ['read', 'write'] });
    await submit(ann, a, 'topical', { topic: 'art', priority: 4 });
    await submit(ann, b, 'elsewhere');
    await submit(ann, 'commons', 'common', { priority: 9 });
    await submit(ann, a, 'claimed');
    await ann.decide(a, { type: 'JoinPool' });
    await ann.decide(a, { type: 'ClaimTask', taskId: 'claimed' });
    const seen = async (query: object = {}): Promise<string[]> =>
      idsOf(await ann.query('pending-tasks', { agent: 'bob', ...query }));
    expect(await seen()).toEqual(['common', 'reading', 'topical', 'either', 'plain']);
    expect(await seen({ limit: 2 })).toEqual(['common', 'reading']);
    expect(await seen({ pools: [a] })).toEqual(['reading', 'topical', 'either', 'plain']);
    expect(await seen({ capabilities: ['write'] })).toEqual(['common', 'topical', 'either', 'plain']);
    expect(await seen({ capabilities: ['read', 'write'] })).toEqual([
      'common',
      'reading',
      'topical',
      'either',
      'plain',
      'both',
    ]);
    expect(await seen({ pools: [b, 'nowhere'] })).toEqual([]);
    expect(idsOf(await ann.query('pending-tasks', { agent: 'nobody' }))).toEqual(['common']);
  });

  it('are none of a closed pool, and none whose deadline is over', async () => {
    const { space, ann, bob } = await newSpace();
    const pool = space.poolOn(2);
    await ann.decide(pool, { type: 'CreatePool' });
    await bob.decide(pool, { type: 'JoinPool' });
    await submit(ann, pool, 't');
    const deadline = Date.now() + 300;
    await submit(ann, 'commons', 'brief', { deadline });
    expect(idsOf(await ann.query('pending-tasks', { agent: 'bob' }))).toContain('brief');
    await until('the deadline to pass', () => Date.now() > deadline);
    await ann.decide(pool, { type: 'ClosePool' });
    expect(idsOf(await ann.query('pending-tasks', { agent: 'bob' }))).toEqual([]);
  });
});

describe('pools and members', () => {
  it('a pool with the number of its members, and commons without having been created', async () => {
    const { ann, bob } = await newSpace();
    await ann.decide('lab', { type: 'CreatePool', topics: ['x'], capacity: 5 });
    await bob.decide('lab', { type: 'JoinPool', capabilities: ['z', 'a'] });
    expect((await ann.query('pool', { pool: 'lab' })).ok).toMatchObject({
      pool: 'lab',
      owner: 'ann',
      capacity: 5,
      members: 1,
    });
    expect((await ann.query('pool', { pool: 'commons' })).ok).toMatchObject({
      pool: 'commons',
      state: 'open',
    });
    expect((await ann.query('pool', { pool: 'nowhere' })).error?.code).toBe('pool_not_found');
  });

  it('the digest of a token is shown to nobody', async () => {
    const { ann, space } = await newSpace();
    const sha256 = 'ab'.repeat(32);
    await ann.decide('lab', { type: 'CreatePool', admission: { kind: 'token', sha256 } });
    await space.published();
    const shown = [
      await ann.query('pool', { pool: 'lab' }),
      await ann.query('pools', {}),
      await space.storedEvents(),
      [...ann.results.values()],
    ];
    expect(JSON.stringify(shown)).not.toContain(sha256);
  });

  it('pools of all shards page by page, each once, in the order of their names', async () => {
    const { ann } = await newSpace();
    const names = Array.from({ length: 11 }, (_, i) => `pool-${String(i).padStart(2, '0')}`);
    for (const pool of names) await ann.decide(pool, { type: 'CreatePool' });
    for (const limit of [1, 4, 12, 100]) {
      const { items, pages } = await allPages(ann, 'pools', {}, limit);
      expect(items.map(({ pool }) => pool)).toEqual(['commons', ...names]);
      expect(pages).toBe(Math.ceil(12 / limit));
    }
  });

  it('members page by page, and the pools of an agent', async () => {
    const { space, ann, bob } = await newSpace();
    await ann.decide('lab', { type: 'CreatePool' });
    const agents = ['ann', 'bob', 'cat', 'dan', 'eve'];
    for (const name of agents) await (await space.agent(name)).decide('lab', { type: 'JoinPool' });
    const { items, pages } = await allPages(ann, 'members', { pool: 'lab' }, 2);
    expect(items.map(({ agent }) => agent)).toEqual(agents);
    expect(pages).toBe(3);
    expect((await ann.query('members', { pool: 'nowhere' })).error?.code).toBe('pool_not_found');
    expect((await ann.query('pools-of-agent', { agent: 'bob' })).ok.pools).toEqual(['commons', 'lab']);
    await bob.decide('lab', { type: 'LeavePool' });
    expect((await ann.query('pools-of-agent', { agent: 'bob' })).ok.pools).toEqual(['commons']);
  });
});

describe('outcomes and figures', () => {
  it('an outcome by its pool, agent and id', async () => {
    const { ann } = await newSpace();
    const outcome = await ann.decide('lab', { type: 'CreatePool' });
    const { decisionId } = outcome;
    expect((await ann.query('outcome', { agent: 'ann', decisionId, pool: 'lab' })).ok).toEqual(outcome);
    for (const other of [
      { agent: 'bob', pool: 'lab' },
      { agent: 'ann', pool: 'commons' },
    ]) {
      expect((await ann.query('outcome', { ...other, decisionId })).error?.code).toBe('outcome_not_found');
    }
    expect((await ann.query('outcome', { agent: 'ann', decisionId })).error?.code).toBe('invalid_query');
  });

  it('stats: shards with owner and position, the log, workers, and a pool by states', async () => {
    const { space, ann } = await newSpace();
    for (const id of ['t1', 't2', 't3']) await submit(ann, 'commons', id);
    await ann.decide('commons', { type: 'ClaimTask', taskId: 't1' });
    await ann.decide('commons', { type: 'CancelTask', taskId: 't2' });
    await space.published();
    const { ok } = await ann.query('stats', { pool: 'commons' });
    expect(ok.shards).toHaveLength(3);
    expect(ok.workers).toHaveLength(1);
    expect(new Set(ok.shards.map(({ owner }: { owner: string }) => owner))).toEqual(new Set(ok.workers));
    expect(ok).toMatchObject({ logLastSeq: [5], logMessages: [5] });
    expect(ok.pools).toEqual([
      expect.objectContaining({
        pool: 'commons',
        sequence: 5,
        tasks: expect.objectContaining({ pending: 1, assigned: 1, cancelled: 1, completed: 0 }),
      }),
    ]);
    expect(ok.shards[ann.shardOf('commons')]).toMatchObject({ position: 5, outbox: 0, outcomes: 5 });
    expect((await ann.query('stats')).ok.pools).toEqual([]);
  });
});

describe('what is not a query', () => {
  it.each([
    ['task', 'no JSON'],
    ['task', '[]'],
    ['task', 'null'],
    ['task', '{}'],
    ['task', '{"taskId":7}'],
    ['task', '{"taskId":"t","admin":true}'],
    ['task', '{"taskId":"t","__proto__":{}}'],
    ['task', '{"taskId":"a b"}'],
    ['tasks', '{"limit":0}'],
    ['tasks', '{"limit":1001}'],
    ['tasks', '{"state":"nonsense"}'],
    ['tasks', '{"cursor":"not a number"}'],
    ['tasks', '{"cursor":"1e999"}'],
    ['members', '{}'],
    ['outcome', '{"agent":"ann"}'],
    ['pending-tasks', '{"agent":"ann","capabilities":[1]}'],
    ['stats', '{"pool":"*"}'],
  ])('%s %s is answered with invalid_query', async (name, body) => {
    expect(await (await shared()).query(name, body)).toMatchObject({ error: { code: 'invalid_query' } });
  });

  let ann: RawAgent | undefined;
  const shared = async (): Promise<RawAgent> => {
    if (ann === undefined || ann.nats.isClosed()) ann = (await newSpace()).ann;
    return ann;
  };

  it('a name that nobody offers has no responders', async () => {
    const { ann: asking } = await newSpace();
    await expect(asking.query('nonsense', {})).rejects.toThrow(/no responders/i);
  });
});

describe('as a NATS service', () => {
  let agent: RawAgent;
  let ns: string;

  async function ask(subject: string): Promise<{ [field: string]: unknown }[]> {
    const replies: { [field: string]: unknown }[] = [];
    const inbox = `_INBOX.test.${Math.random().toString(36).slice(2)}`;
    const subscription = agent.nats.subscribe(inbox, {
      callback: (_error, message) => void replies.push(message.json()),
    });
    agent.nats.publish(subject, '', { reply: inbox });
    const mine = (): { [field: string]: unknown }[] =>
      replies.filter((reply) => !('endpoints' in reply) || JSON.stringify(reply).includes(`${ns}.queries.`));
    await until(`an answer to ${subject}`, () => mine().length > 0);
    subscription.unsubscribe();
    return mine();
  }

  it('is found by PING, INFO and STATS, of all, by name and by id', async () => {
    const { space, ann } = await newSpace();
    agent = ann;
    ns = space.ns;
    const [info] = await ask('$SRV.INFO.converge');
    expect(info).toMatchObject({ type: 'io.nats.micro.v1.info_response', name: 'converge' });
    expect(info?.version).toMatch(/^\d+\.\d+\.\d+$/);
    const endpoints = info?.endpoints as { name: string; subject: string }[];
    expect(endpoints.map(({ subject }) => subject)).toContain(`${ns}.queries.pending-tasks`);
    for (const tail of ['', '.converge', `.converge.${String(info?.id)}`]) {
      expect((await ask(`$SRV.PING${tail}`)).some(({ id }) => id === info?.id)).toBe(true);
    }
    await ann.query('task', { taskId: 'none' });
    await ann.query('stats');
    const [stats] = await ask(`$SRV.STATS.converge.${String(info?.id)}`);
    const figures = stats?.endpoints as {
      name: string;
      num_requests: number;
      num_errors: number;
      last_error: string;
    }[];
    expect(figures.find(({ name }) => name === 'task')).toMatchObject({
      num_requests: 1,
      num_errors: 1,
      last_error: 'task_not_found',
    });
    expect(figures.find(({ name }) => name === 'stats')).toMatchObject({ num_requests: 1, num_errors: 0 });
    expect(Date.parse(String(stats?.started))).toBeLessThanOrEqual(Date.now());
  });

  it('each request is answered by one of several workers', async () => {
    const { space, ann } = await newSpace();
    await space.worker();
    await space.worker();
    let answers = 0;
    const inbox = 'test.answers';
    ann.nats.subscribe(inbox, { callback: () => void answers++ });
    for (let i = 0; i < 20; i++) ann.nats.publish(`${space.ns}.queries.stats`, '{}', { reply: inbox });
    await until('all answers', () => answers >= 20);
    await ann.query('stats');
    expect(answers).toBe(20);
  });
});
