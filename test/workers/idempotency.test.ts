/** One decision, one outcome, byte for byte the same however often it is sent or asked for (I6). */

import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { bodyHash } from '../../src/protocol/outcome.ts';
import { rebuild } from '../../src/workers/snapshots/rebuild.ts';
import { firstDifference } from '../support/first-difference.ts';
import type { RawAgent } from '../support/raw-agent.ts';
import { NO_SWEEPS, type Space, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000 });

const system = useSystem();

const ONCE = { pool: 'commons', agent: 'ann', decisionId: 'once' };
const SUBMIT = { id: 'once', type: 'SubmitTask', taskId: 't', objective: 'o' };

function subjectOf(space: Space, agent: RawAgent, pool: string): string {
  return `${space.ns}.decisions.${agent.shardOf(pool)}.${pool}.${agent.name}`;
}

async function sendAnew(space: Space, agent: RawAgent, body: object = SUBMIT): Promise<void> {
  await agent.sendRaw(subjectOf(space, agent, 'commons'), JSON.stringify(body));
}

async function results(agent: RawAgent, count: number, id = 'once'): Promise<string[]> {
  return await until(`${count} results of ${id}`, () => {
    const texts = agent.results.get(id) ?? [];
    return texts.length >= count && texts;
  });
}

async function tasks(space: Space): Promise<number> {
  return await system.redis.hlen(
    `${space.ns}:{${(await space.agent('ann')).shardOf('commons')}}:s:tasks:commons`,
  );
}

describe('a decision sent again', () => {
  it('gets the first outcome again: the log stores it twice, the state answers it once', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const agent = await space.agent('ann');
    const first = await agent.decide('commons', SUBMIT);
    const again = await agent.send('commons', SUBMIT);
    expect(again.seq).toBeGreaterThan(first.seq);
    expect(new Set(await results(agent, 2)).size).toBe(1);
    expect((await agent.query('outcome', ONCE)).ok).toEqual(first);
    expect(await tasks(space)).toBe(1);
  });

  it('many times at once is applied once', async () => {
    const space = system.space(NO_SWEEPS);
    const agent = await space.agent('ann');
    await space.worker().then((worker) => worker.stop());
    await Promise.all(Array.from({ length: 50 }, () => sendAnew(space, agent)));
    await space.worker();
    expect(new Set(await results(agent, 50)).size).toBe(1);
    expect(await tasks(space)).toBe(1);
    await space.published();
    expect(await space.storedEvents()).toHaveLength(1);
  });

  it('that was rejected stays rejected, although it would succeed by now', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const agent = await space.agent('ann');
    const claim = { id: 'early', type: 'ClaimTask', taskId: 't' };
    expect(await agent.decide('commons', claim)).toMatchObject({ code: 'task_not_found' });
    await agent.decide('commons', SUBMIT);
    await sendAnew(space, agent, claim);
    expect(new Set(await results(agent, 2, 'early')).size).toBe(1);
  });

  it('to another worker, and to one whose Redis was emptied, gets the first outcome', async () => {
    const space = system.space(NO_SWEEPS);
    const first = await space.worker();
    const agent = await space.agent('ann');
    await agent.decide('commons', SUBMIT);
    await first.stop();
    await space.worker();
    await sendAnew(space, agent);
    await results(agent, 2);
    await system.redis.flushall();
    await sendAnew(space, agent);
    // The replay sends the results of all three again.
    expect(new Set(await results(agent, 5)).size).toBe(1);
    expect(await tasks(space)).toBe(1);
  });

  it('by another agent is another decision', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const [ann, bob] = [await space.agent('ann'), await space.agent('bob')];
    expect(await ann.decide('commons', SUBMIT)).toMatchObject({ status: 'accepted', agent: 'ann' });
    expect(await bob.decide('commons', SUBMIT)).toMatchObject({ code: 'task_exists', agent: 'bob' });
  });
});

describe('an id belongs to an agent in a pool', () => {
  it('JoinPool `join` in two pools at once joins both', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const agent = await space.agent('ann');
    const pools = [space.poolOn(0), space.poolOn(1), 'commons'];
    for (const pool of pools.slice(0, 2)) await agent.decide(pool, { type: 'CreatePool' });
    const joined = await Promise.all(
      pools.map((pool) => agent.decide(pool, { id: 'join', type: 'JoinPool' })),
    );
    expect(joined.map(({ pool, status }) => [pool, status])).toEqual(pools.map((pool) => [pool, 'accepted']));
    for (const { pool, seq } of joined) {
      expect((await agent.query('outcome', { ...ONCE, pool, decisionId: 'join' })).ok.seq).toBe(seq);
    }
  });

  it('in two pools of one shard as well', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const agent = await space.agent('ann');
    const pools = ['a', 'b', 'c', 'd', 'e', 'f'].filter((pool) => agent.shardOf(pool) === agent.shardOf('a'));
    expect(pools.length).toBeGreaterThan(1);
    const made = await Promise.all(
      pools.map((pool) => agent.decide(pool, { id: 'make', type: 'CreatePool' })),
    );
    expect(made.map(({ pool, status }) => [pool, status])).toEqual(pools.map((pool) => [pool, 'accepted']));
  });

  it("nobody uses up another's id by sending under it as a message id, in whatever form", async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const [ann, mallory] = [await space.agent('ann'), await space.agent('mallory')];
    const subject = subjectOf(space, mallory, 'commons');
    for (const [i, messageId] of ['ann.d-1', 'commons.ann.d-1', 'd-1'].entries()) {
      await mallory.sendRaw(subject, JSON.stringify({ id: `m${i}`, type: 'Heartbeat' }), { messageId });
    }
    expect(await ann.decide('commons', { ...SUBMIT, id: 'd-1' })).toMatchObject({ status: 'accepted' });
  });

  it('a raw client that sends a message id in use is told that its decision is not stored, and sends it without', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const [ann, mallory] = [await space.agent('ann'), await space.agent('mallory')];
    const heartbeat = JSON.stringify({ id: 'm', type: 'Heartbeat' });
    let ack = { seq: 0, duplicate: false };
    // The window is a tenth of a second: on a busy machine it takes a few attempts to hit it.
    for (let i = 0; i < 50 && ack.duplicate !== true; i++) {
      const messageId = `used-${i}`;
      await mallory.sendRaw(subjectOf(space, mallory, 'commons'), heartbeat, { messageId });
      ack = {
        duplicate: false,
        ...(await ann.sendRaw(subjectOf(space, ann, 'commons'), '{"id":"first","type":"Heartbeat"}', {
          messageId,
        })),
      };
    }
    expect(ack.duplicate).toBe(true);
    expect(await ann.decide('commons', SUBMIT)).toMatchObject({ status: 'accepted' });
  });
});

describe('an id stands for one body', () => {
  it('with other bytes it is id_reused: the first outcome stands, and nothing of the second is kept', async () => {
    const space = system.space(NO_SWEEPS);
    const worker = await space.worker();
    const agent = await space.agent('ann');
    const first = await agent.decide('commons', SUBMIT);
    const other = { ...SUBMIT, taskId: 'another', priority: 9 };
    const [refused, again] = [await agent.decide('commons', other), await agent.decide('commons', other)];
    for (const outcome of [refused, again]) {
      expect(outcome).toMatchObject({
        code: 'id_reused',
        body: bodyHash(Buffer.from(JSON.stringify(other))),
      });
      expect(outcome.transient).toBeUndefined();
    }
    expect(again.seq).toBeGreaterThan(refused.seq);
    expect(await agent.decide('commons', { id: 'once', type: 'NoSuchType' })).toMatchObject({
      code: 'id_reused',
    });
    expect(await agent.decide('commons', SUBMIT)).toEqual(first);
    expect((await agent.query('outcome', ONCE)).ok).toEqual(first);
    expect(await tasks(space)).toBe(1);
    await worker.stop();
    const before = await space.state();
    await rebuild(space.config(), { force: true, logger: pino({ level: 'silent' }) });
    expect(firstDifference(before, await space.state())).toBeUndefined();
  });

  it('two processes, one id, two bodies in one batch of the log: the first is applied, each hears of its own', async () => {
    const space = system.space(NO_SWEEPS);
    const [one, two] = [await space.agent('ann'), await space.agent('ann')];
    await space.worker().then((worker) => worker.stop());
    const bodies = ['t-1', 't-2'].map((taskId) => ({ ...SUBMIT, taskId }));
    for (const [i, agent] of [one, two].entries()) await agent.send('commons', bodies[i] ?? SUBMIT);
    await space.worker();
    const told = (await results(one, 2)).map((text) => JSON.parse(text));
    expect(told).toMatchObject([
      { status: 'accepted', body: bodyHash(Buffer.from(JSON.stringify(bodies[0]))) },
      { code: 'id_reused', body: bodyHash(Buffer.from(JSON.stringify(bodies[1]))) },
    ]);
    expect(await tasks(space)).toBe(1);
  });

  it('also when only the receipt of what it created is left', async () => {
    const space = system.space({ settings: { outcomeRetentionMs: 300 } });
    await space.worker();
    const agent = await space.agent('ann');
    await agent.decide('commons', SUBMIT);
    const probe = await agent.decide('commons', { type: 'Heartbeat' });
    await until('ordinary outcomes to be forgotten', async () => {
      const { error } = await agent.query('outcome', { ...ONCE, decisionId: probe.decisionId });
      return error !== undefined;
    });
    expect(await agent.decide('commons', { ...SUBMIT, taskId: 'u' })).toMatchObject({ code: 'id_reused' });
  });
});

describe('how long an outcome is remembered', () => {
  const SHORT = { settings: { outcomeRetentionMs: 300, finalRetentionMs: 1_500 } };

  it('an ordinary one for its time; then it is forgotten and the decision is a new one', async () => {
    const space = system.space(SHORT);
    await space.worker();
    const agent = await space.agent('ann');
    const claim = { id: 'early', type: 'ClaimTask', taskId: 't' };
    const first = await agent.decide('commons', claim);
    await until('the outcome to be forgotten', async () => {
      const { error } = await agent.query('outcome', { ...ONCE, decisionId: 'early' });
      return error?.code === 'outcome_not_found';
    });
    await sendAnew(space, agent, claim);
    const [, second] = await results(agent, 2, 'early');
    expect(JSON.parse(second ?? '').seq).toBeGreaterThan(first.seq);
  });

  it('that of a decision that created something for as long as this is kept', async () => {
    const space = system.space(SHORT);
    await space.worker();
    const agent = await space.agent('ann');
    const first = await agent.decide('commons', SUBMIT);
    const probe = await agent.decide('commons', { type: 'Heartbeat' });
    await until('ordinary outcomes to be forgotten', async () => {
      const { error } = await agent.query('outcome', { ...ONCE, decisionId: probe.decisionId });
      return error !== undefined;
    });
    await sendAnew(space, agent);
    expect(new Set(await results(agent, 2)).size).toBe(1);
    expect((await agent.query('outcome', ONCE)).ok).toEqual(first);

    await agent.decide('commons', { type: 'CancelTask', taskId: 't' });
    await until('the task to be removed, and its receipt with it', async () => {
      const { error } = await agent.query('outcome', ONCE);
      return error?.code === 'outcome_not_found';
    });
    expect(await tasks(space)).toBe(0);
    await sendAnew(space, agent);
    const texts = await results(agent, 3);
    expect(JSON.parse(texts[2] ?? '')).toMatchObject({ status: 'accepted' });
    expect(JSON.parse(texts[2] ?? '').seq).toBeGreaterThan(first.seq);
  });
});
