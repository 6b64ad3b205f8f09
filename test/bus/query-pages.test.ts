/** Pages are bounded in bytes as well as in items, and nothing is left out without a cursor that leads to it. */
import { headers } from 'nats';
import { describe, expect, it, vi } from 'vitest';
import type { RawAgent } from '../support/raw-agent.ts';
import { NO_SWEEPS, useSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();
/** What one answer may hold: half of NATS' default payload. */
const ANSWER_BYTES = 512 * 1024;

async function newSpace() {
  const space = system.space({ ...NO_SWEEPS, shards: 3 });
  await space.worker();
  return { space, ann: await space.agent('ann') };
}

async function submitAll(
  agent: RawAgent,
  pool: string,
  tasks: readonly object[],
  perBatch = 100,
): Promise<void> {
  for (let from = 0; from < tasks.length; from += perBatch) {
    const decisions = tasks
      .slice(from, from + perBatch)
      .map((fields) => ({ type: 'SubmitTask', objective: 'o', ...fields }));
    expect((await agent.decide(pool, { type: 'Batch', atomic: true, decisions })).status).toBe('accepted');
  }
}

/** All pages of a query with the items of each; `list` is the member that holds them. */
async function pagesOf(agent: RawAgent, name: string, query: object, list = 'items') {
  const pages: { [field: string]: unknown }[][] = [];
  for (let cursor: string | undefined; ; ) {
    const reply = await agent.query(name, { ...query, ...(cursor === undefined ? {} : { cursor }) });
    expect(reply.error, JSON.stringify(reply.error)).toBeUndefined();
    expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThan(ANSWER_BYTES + 64 * 1024);
    pages.push(reply.ok[list]);
    cursor = reply.ok.cursor;
    if (cursor === undefined) return pages;
  }
}

describe('an answer holds no more bytes than can be sent, and says where it goes on', () => {
  it('tasks, and the pending tasks of an agent', async () => {
    const { ann } = await newSpace();
    const ids = Array.from({ length: 9 }, (_, i) => `t${i}`);
    await submitAll(
      ann,
      'commons',
      ids.map((taskId) => ({ taskId, inputs: 'x'.repeat(150_000) })),
      1,
    );
    for (const [name, query] of [
      ['tasks', {}],
      ['tasks', { state: 'pending', limit: 1_000 }],
      ['pending-tasks', { agent: 'ann' }],
    ] as const) {
      const pages = await pagesOf(ann, name, query);
      expect(
        pages.flat().map(({ taskId }) => taskId),
        name,
      ).toEqual(ids);
      expect(
        pages.map((page) => page.length),
        name,
      ).toEqual([3, 3, 3]);
    }
  });

  it('members and pools', async () => {
    const { space, ann } = await newSpace();
    const pool = space.poolOn(1);
    await ann.decide(pool, { type: 'CreatePool' });
    const names = Array.from({ length: 30 }, (_, i) => `m${String(i).padStart(2, '0')}`);
    const capabilities = Array.from({ length: 256 }, (_, i) => `${'c'.repeat(110)}-${i}`);
    for (const name of names)
      await (await space.agent(name)).decide(pool, { type: 'JoinPool', capabilities });
    const pages = await pagesOf(ann, 'members', { pool, limit: 1_000 });
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flat().map(({ agent }) => agent)).toEqual(names);

    const agents = Array.from({ length: 3_000 }, (_, i) => `a${'x'.repeat(50)}-${i}`);
    const pools = Array.from({ length: 5 }, (_, i) => `wide-${i}`);
    for (const name of pools) {
      const { status } = await ann.decide(name, {
        type: 'CreatePool',
        admission: { kind: 'allowlist', agents },
      });
      expect(status).toBe('accepted');
    }
    const listed = await pagesOf(ann, 'pools', { limit: 1_000 });
    expect(listed.length).toBeGreaterThan(1);
    expect(listed.flat().map(({ pool: name }) => name)).toEqual([...pools, pool, 'commons'].sort());
  });

  it('pools of an agent', async () => {
    const { ann } = await newSpace();
    const pools = Array.from({ length: 7 }, (_, i) => `p-${i}`);
    for (const pool of pools) {
      await ann.decide(pool, { type: 'CreatePool' });
      await ann.decide(pool, { type: 'JoinPool' });
    }
    const pages = await pagesOf(ann, 'pools-of-agent', { agent: 'ann', limit: 3 }, 'pools');
    expect(pages.map((page) => page.length)).toEqual([3, 3, 2]);
    expect(pages.flat()).toEqual(['commons', ...pools]);
  });

  it('ballots of a vote', async () => {
    const { space, ann } = await newSpace();
    const pool = space.poolOn(2);
    await ann.decide(pool, { type: 'CreatePool' });
    const options = Array.from({ length: 60 }, (_, i) => `${'o'.repeat(100)}-${i}`);
    const voters = Array.from({ length: 70 }, (_, i) => `v${String(i).padStart(2, '0')}`);
    const closesAt = Date.now() + 3_600_000;
    const opening = {
      type: 'OpenVote',
      voteId: 'v',
      question: '',
      options,
      method: 'borda',
      electorate: voters,
      closesAt,
    };
    expect((await ann.decide(pool, { ...opening, closeWhenDecided: false })).status).toBe('accepted');
    for (const voter of voters) {
      const { status } = await (await space.agent(voter)).decide(pool, {
        type: 'Vote',
        voteId: 'v',
        ranking: options,
      });
      expect(status).toBe('accepted');
    }
    const seen: string[] = [];
    for (let cursor: string | undefined, pages = 1; ; pages++) {
      const { ok } = await ann.query('vote', {
        pool,
        voteId: 'v',
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { voter } of ok.ballots.items) seen.push(voter);
      cursor = ok.ballots.cursor;
      if (cursor !== undefined) continue;
      expect(pages).toBeGreaterThan(1);
      break;
    }
    expect(seen).toEqual(voters);
  });
});

describe('filters have an index: what is not asked for is not read', () => {
  it('tasks of an agent by their state, among many that it has finished', async () => {
    const { ann } = await newSpace();
    for (let from = 0; from < 1_200; from += 33) {
      const decisions = Array.from({ length: 33 }, (_, i) => `t${from + i}`).flatMap((taskId) => [
        { type: 'SubmitTask', taskId, objective: 'o' },
        { type: 'ClaimTask', taskId },
        { type: 'ReportTask', taskId, result: 1 },
      ]);
      await ann.decide('commons', { type: 'Batch', decisions });
    }
    await submitAll(ann, 'commons', [{ taskId: 'now' }, { taskId: 'lost', constraints: { maxAttempts: 1 } }]);
    await ann.decide('commons', { type: 'ClaimTask', taskId: 'now' });
    await ann.decide('commons', { type: 'ClaimTask', taskId: 'lost' });
    await ann.decide('commons', { type: 'FailTask', taskId: 'lost', reason: 'r' });
    const ask = async (state: string | string[]) =>
      (await pagesOf(ann, 'tasks', { agent: 'ann', state, limit: 1 })).flat().map(({ taskId }) => taskId);
    expect(await ask(['assigned', 'running'])).toEqual(['now']);
    expect(await ask('failed')).toEqual(['lost']);
    expect(await ask('cancelled')).toEqual([]);
  });

  it('delegations of an agent by their state', async () => {
    const { space, ann } = await newSpace();
    const [bob, cyd] = [await space.agent('bob'), await space.agent('cyd')];
    const grant = async (who: RawAgent, id: string, delegateeId: string, fields: object = {}) =>
      expect(
        await who.decide('commons', {
          type: 'Delegate',
          id,
          delegateeId,
          scope: ['votes', 'delegations'],
          ...fields,
        }),
      ).toMatchObject({ status: 'accepted' });
    await grant(ann, 'one', 'bob', { maxDepth: 2 });
    await grant(cyd, 'other', 'ann');
    await grant(bob, 'passed-on', 'dot', { onBehalfOf: 'ann', scope: ['votes'] });
    await ann.decide('commons', { type: 'RevokeDelegation', delegationId: 'one' });
    const ask = async (agent: string, state?: string) =>
      (await pagesOf(ann, 'delegations', { agent, ...(state === undefined ? {} : { state }), limit: 1 }))
        .flat()
        .map(({ delegationId }) => delegationId);
    expect(await ask('ann')).toEqual(['one', 'other', 'passed-on']);
    expect(await ask('bob')).toEqual(['one', 'passed-on']);
    expect(await ask('cyd', 'live')).toEqual(['other']);
    expect(await ask('dot', 'revoked')).toEqual(['passed-on']);
    expect(await ask('eve')).toEqual([]);
  });
});

describe('pending tasks of an agent', () => {
  it('the most urgent first among more claim classes than there ever was a bound of', async () => {
    const { ann } = await newSpace();
    const count = 10_400;
    const tasks = Array.from({ length: count }, (_, i) => ({
      taskId: `t${i}`,
      topic: `topic-${i}`,
      priority: i % 1_000,
    }));
    await submitAll(ann, 'commons', tasks);
    const expected = tasks
      .toSorted((a, b) => b.priority - a.priority)
      .slice(0, 25)
      .map(({ taskId }) => taskId);
    const ask = async (query: object) => (await ann.query('pending-tasks', { agent: 'ann', ...query })).ok;
    const first = await ask({ limit: 20 });
    expect(first.items.map(({ taskId }: { taskId: string }) => taskId)).toEqual(expected.slice(0, 20));
    const next = await ask({ limit: 5, cursor: first.cursor });
    expect(next.items.map(({ taskId }: { taskId: string }) => taskId)).toEqual(expected.slice(20));
  });

  it('over several pools, page by page, each once and in order', async () => {
    const { space, ann } = await newSpace();
    const pools = [space.poolOn(0), space.poolOn(1), space.poolOn(2), 'commons'];
    for (const pool of pools.slice(0, 3)) {
      await ann.decide(pool, { type: 'CreatePool' });
      await ann.decide(pool, { type: 'JoinPool', capabilities: ['a'] });
    }
    for (let i = 0; i < 40; i++) {
      const fields = i % 3 === 0 ? { topic: 'x' } : i % 3 === 1 ? { requiredCapabilities: ['b'] } : {};
      await submitAll(ann, pools[i % 4] ?? '', [{ taskId: `t${i}`, priority: i % 2, ...fields }]);
    }
    const whole = (await pagesOf(ann, 'pending-tasks', { agent: 'ann', limit: 1_000 })).flat();
    expect(whole).toHaveLength(27);
    const orders = whole.map(({ priority, submittedAt }) => [-Number(priority), Number(submittedAt)]);
    expect(orders).toEqual(orders.toSorted(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d));
    for (const limit of [1, 4, 26, 27]) {
      const pages = await pagesOf(ann, 'pending-tasks', { agent: 'ann', limit });
      expect(pages.flat()).toEqual(whole);
    }
    expect((await ann.query('pending-tasks', { agent: 'ann', cursor: 'zzz' })).error?.code).toBe(
      'invalid_query',
    );
  });
});

it('a query ends with the time that its asker waits', async () => {
  const { space, ann } = await newSpace();
  await submitAll(ann, 'commons', [{ taskId: 't' }]);
  const ask = async (withinMs: string) => {
    const within = headers();
    within.set('Converge-Within-Ms', withinMs);
    return (
      await system.nats.request(`${space.ns}.queries.pending-tasks`, '{"agent":"ann"}', {
        timeout: 5_000,
        headers: within,
      })
    ).json<{
      ok?: unknown;
      error?: { code: string };
    }>();
  };
  expect((await ask('0.000001')).error?.code).toBe('deadline_passed');
  for (const waits of ['5000', 'nonsense', '-1', '1e9']) expect((await ask(waits)).ok, waits).toBeDefined();
});
