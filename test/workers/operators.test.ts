/** Operators and quotas on real servers: through the log, a real worker, Redis and the client. */
import { connect as natsConnect } from 'nats';
import { describe, expect, it } from 'vitest';
import { connect } from '../../src/client/core/client.ts';
import { acceptedOrThrow, PoolManager, retryAfterMs, TaskManager } from '../../src/client/index.ts';
import { SHARD_POOL } from '../../src/protocol/names.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { SHARDS, useSystem } from '../client/system.ts';
import { until } from '../support/until.ts';

const system = useSystem({ settings: { agentSessions: 2 } });

/** A pool in which `bob` holds the task `t`. */
async function working(pool: string) {
  const owner = await system.client('owner');
  const bob = await system.client('bob');
  const [owners, bobs] = [new PoolManager(owner), new PoolManager(bob)];
  const tasks = new TaskManager(bob);
  acceptedOrThrow(await owners.createPool(pool, { operators: ['opal'] }));
  acceptedOrThrow(await bobs.joinPool(pool));
  acceptedOrThrow(await new TaskManager(owner).submit({ taskId: 't', objective: '' }, { pool }));
  acceptedOrThrow(await tasks.claim('t', { pool }));
  return { owner, owners, bob, bobs, tasks, operator: await system.client('opal') };
}

describe('a ban', () => {
  it('from a pool: by the time its outcome is known the claims are released and nothing more is accepted', async () => {
    const pool = 'ban-one';
    const { owner, operator, bob, bobs, tasks } = await working(pool);
    const banned = acceptedOrThrow(await new PoolManager(operator).banAgent(pool, 'bob', { reason: 'loud' }));
    expect(banned.data).toEqual({ released: ['t'], count: 1 });
    expect(await owner.query('task', { pool, taskId: 't' })).toMatchObject({ state: 'pending' });
    expect(await owner.query('pool', { pool })).toMatchObject({
      banned: ['bob'],
      operators: ['opal'],
      members: 0,
    });
    expect(await bobs.joinPool(pool)).toMatchObject({ status: 'rejected', code: 'agent_banned' });
    expect(await tasks.report('t', 1, { pool })).toMatchObject({ status: 'rejected', code: 'agent_banned' });
    expect(await bob.decide(pool, { type: 'Batch', decisions: [{ type: 'Heartbeat' }] })).toMatchObject({
      code: 'agent_banned',
    });
    acceptedOrThrow(await new PoolManager(operator).unbanAgent(pool, 'bob'));
    acceptedOrThrow(await bobs.joinPool(pool));
  });

  it('from the whole system: on every shard, also in pools that there are not yet; told in commons', async () => {
    const pools = Array.from({ length: SHARDS }, (_, shard) => poolOn(shard));
    for (const pool of pools) await working(pool);
    const feed = (await system.client('watcher')).events({ pool: 'commons' });
    const admin = new PoolManager(await system.client('admin'));
    const ended = await admin.banEverywhere('bob');
    expect(ended).toMatchObject({ released: SHARDS, pools: expect.any(Number) });
    const bob = await system.client('bob');
    for (const pool of [...pools, 'commons', 'ban-not-yet']) {
      expect(await bob.decide(pool, { type: 'CreatePool' })).toMatchObject({ code: 'agent_banned' });
    }
    expect(await admin.banEverywhere('bob')).toEqual({ released: 0, pools: 0 });
    for await (const event of feed) {
      if (event.type !== 'converge.agent.banned') continue;
      expect(event).toMatchObject({ subject: 'agent/bob', actor: '_operator', data: { everywhere: true } });
      break;
    }
    await admin.unbanEverywhere('bob');
    acceptedOrThrow(await new PoolManager(bob).joinPool(pools[0] ?? ''));
  });

  it('outlives the worker', async () => {
    const admin = new PoolManager(await system.client('admin'));
    await admin.banEverywhere('mallory');
    await system.startWorker();
    const mallory = new PoolManager(await system.client('mallory'));
    expect(await mallory.createPool('ban-mine')).toMatchObject({ code: 'agent_banned' });
    await admin.unbanEverywhere('mallory');
    acceptedOrThrow(await mallory.createPool('ban-mine'));
  });
});

it('a paused pool takes nothing new and offers nothing; the agent goes on when it is resumed', async () => {
  const pool = 'paused';
  const { owners, owner, bob, tasks } = await working(pool);
  acceptedOrThrow(await new TaskManager(owner).submit({ taskId: 'u', objective: '' }, { pool }));
  acceptedOrThrow(await owners.pausePool(pool, { reason: 'repairs' }));
  expect(await tasks.claimNext({ pool })).toMatchObject({ code: 'pool_paused', transient: true });
  expect((await bob.query('pending-tasks', { agent: 'bob', pools: [pool] })).items).toEqual([]);
  expect(await owner.query('pool', { pool })).toMatchObject({ pausedAt: expect.any(Number) });
  acceptedOrThrow(await tasks.report('t', 1, { pool }));
  acceptedOrThrow(await owners.resumePool(pool));
  expect(acceptedOrThrow(await tasks.claimNext({ pool })).data.tasks).toMatchObject([{ taskId: 'u' }]);
});

it('ForceRelease and RemoveMember by an operator that the pool names; nobody else', async () => {
  const pool = 'forced';
  const { operator, bobs, tasks } = await working(pool);
  expect(await tasks.forceRelease('t', { pool })).toMatchObject({ code: 'not_allowed' });
  expect(acceptedOrThrow(await new TaskManager(operator).forceRelease('t', { pool })).data).toEqual({
    agent: 'bob',
    epoch: 1,
  });
  expect(await bobs.removeMember(pool, 'bob')).toMatchObject({ code: 'not_allowed' });
  acceptedOrThrow(await new PoolManager(operator).removeMember(pool, 'bob'));
  expect(await tasks.claim('t', { pool })).toMatchObject({ code: 'not_a_member' });
});

describe('quotas', () => {
  it('of a pool: rate_limited, and after retryAfterMs the same wish succeeds', async () => {
    const pool = 'quota-rate';
    const { owners, bobs } = await working(pool);
    acceptedOrThrow(
      await owners.updatePool(pool, { quotas: { agentDecisionsPerS: 2, agentDecisionsBurst: 1 } }),
    );
    acceptedOrThrow(await bobs.heartbeat(pool));
    const refused = await bobs.heartbeat(pool);
    expect(refused).toMatchObject({ status: 'rejected', code: 'rate_limited', transient: true });
    const waitMs = retryAfterMs(refused.status === 'rejected' ? refused : {}) ?? Number.NaN;
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(500);
    await until('the rate to allow one more', async () => (await bobs.heartbeat(pool)).status === 'accepted');
  });

  it('of the system: they come with the sweeps to every shard that has decided something', async () => {
    const pool = 'quota-system';
    const { bob } = await working(pool);
    const open = (i: number) =>
      bob.decide(pool, {
        type: 'OpenNegotiation',
        sessionId: `s-${i}`,
        participants: ['bob', 'x'],
        proposal: 1,
      });
    let sessions = 0;
    const refused = await until('the quota to be in force', async () => {
      const outcome = await open(sessions++);
      return outcome.status === 'rejected' && outcome;
    });
    expect(refused).toMatchObject({ code: 'rate_limited', data: { retryAfterMs: 1_000 } });
  });

  it('what is no valid decision counts, too', async () => {
    const pool = 'quota-invalid';
    const { owners, bob } = await working(pool);
    acceptedOrThrow(
      await owners.updatePool(pool, { quotas: { agentDecisionsPerS: 1, agentDecisionsBurst: 1 } }),
    );
    // Past the client, which would not send it.
    const nats = await natsConnect({ servers: system.server.url });
    const subject = `test.decisions.${shardOf(pool, SHARDS)}.${pool}.${bob.agent}`;
    const codes: unknown[] = [];
    for (const id of ['n-0', 'n-1', 'n-2']) {
      await nats.request(subject, JSON.stringify({ id, type: 'Nonsense' }));
      const outcome = () => bob.query('outcome', { pool, agent: bob.agent, decisionId: id });
      await until('its outcome', () =>
        outcome().then(
          () => true,
          () => false,
        ),
      );
      codes.push((await outcome()).code);
    }
    await nats.close();
    expect(codes).toEqual(['unknown_type', 'rate_limited', 'rate_limited']);
  });
});

describe('names of the system', () => {
  it('reserved_id: agents take none of them, and speak for no shard', async () => {
    const ann = await system.client('ann');
    const as = async (agent: string) =>
      await connect({ agent, url: system.server.url, namespace: 'test', shards: SHARDS });
    const impostor = await as('_system');
    expect(await impostor.decide('commons', { type: 'Heartbeat' })).toMatchObject({ code: 'reserved_id' });
    await impostor.close();
    const operator = await as('_operator');
    expect(
      await operator.decide('commons', { type: 'SubmitTask', taskId: 'x', objective: '' }),
    ).toMatchObject({
      code: 'reserved_id',
    });
    await operator.close();
    expect(await ann.decide('commons', { type: 'SubmitTask', taskId: '_x', objective: '' })).toMatchObject({
      code: 'reserved_id',
    });
    expect(await ann.decide('commons', { type: 'BanAgent', agentId: '_sweeper' })).toMatchObject({
      code: 'invalid_decision',
    });
    expect(await ann.decide('commons', { type: 'BanAgent', agentId: 'bob' })).toMatchObject({
      code: 'not_allowed',
    });
    const names = system.subjects;
    const [result] = await Promise.all([
      nextResult('ann', 'd-shard'),
      publish(names.shardDecision(0, 'ann', SHARD_POOL), {
        id: 'd-shard',
        type: 'BanAgent',
        agentId: 'bob',
      }),
    ]);
    expect(result).toMatchObject({ code: 'reserved_id' });
  });
});

/** A name of a pool on the shard. */
function poolOn(shard: number): string {
  for (let i = 0; ; i++) if (shardOf(`ban-${i}`, SHARDS) === shard) return `ban-${i}`;
}

/** As a bare client would. */
async function publish(
  subject: string,
  body: { readonly id: string; readonly type: string; readonly agentId?: string },
) {
  const connection = await system.connect();
  await connection.request(subject, JSON.stringify(body), { timeout: 5_000 });
}

async function nextResult(agent: string, id: string): Promise<unknown> {
  const connection = await system.connect();
  const results = connection.subscribe(system.subjects.result(agent, id), { max: 1 });
  await connection.flush();
  for await (const message of results) return message.json();
  return undefined;
}
