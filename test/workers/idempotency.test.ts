/** One decision, one outcome, byte for byte the same however often it is sent or asked for (I6). */
import { describe, expect, it, vi } from 'vitest';
import type { RawAgent } from '../support/raw-agent.ts';
import { NO_SWEEPS, type Space, useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 60_000 });

const system = useSystem();

const SUBMIT = { id: 'once', type: 'SubmitTask', taskId: 't', objective: 'o' };

function subjectOf(space: Space, agent: RawAgent, pool: string): string {
  return `${space.ns}.decisions.${agent.shardOf(pool)}.${pool}.${agent.name}`;
}

/** Sent without a message id, so that the broker takes it for a new one. */
async function sendAnew(space: Space, agent: RawAgent, body: object = SUBMIT): Promise<void> {
  const ack = await agent.sendRaw(subjectOf(space, agent, 'commons'), JSON.stringify(body));
  expect(ack.duplicate).toBeFalsy();
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
  it('within the window of the broker is stored once, and its outcome can be asked for', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const agent = await space.agent('ann');
    const first = await agent.decide('commons', SUBMIT);
    const again = await agent.send('commons', SUBMIT);
    expect(again).toMatchObject({ duplicate: true, seq: first.seq });
    expect((await agent.query('outcome', { agent: 'ann', decisionId: 'once' })).ok).toEqual(first);
    expect(await space.lastInLog(first.shard)).toBe(first.seq);
  });

  it('after the window of the broker gets the first outcome again', async () => {
    const space = system.space({ ...NO_SWEEPS, dedupeWindowMs: 100 });
    await space.worker();
    const agent = await space.agent('ann');
    await agent.decide('commons', SUBMIT);
    await until('the broker to forget the id', async () => !(await agent.send('commons', SUBMIT)).duplicate);
    const texts = await results(agent, 2);
    expect(new Set(texts).size).toBe(1);
    expect(await tasks(space)).toBe(1);
  });

  it('with other fields gets the first outcome: the id says what it is', async () => {
    const space = system.space(NO_SWEEPS);
    await space.worker();
    const agent = await space.agent('ann');
    await agent.decide('commons', SUBMIT);
    await sendAnew(space, agent, { ...SUBMIT, taskId: 'another', priority: 9 });
    await sendAnew(space, agent, { id: 'once', type: 'NoSuchType' });
    expect(new Set(await results(agent, 3)).size).toBe(1);
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

describe('how long an outcome is remembered', () => {
  const SHORT = { settings: { outcomeRetentionMs: 300, finalRetentionMs: 1_500 } };

  it('an ordinary one for its time; then it is forgotten and the decision is a new one', async () => {
    const space = system.space(SHORT);
    await space.worker();
    const agent = await space.agent('ann');
    const claim = { id: 'early', type: 'ClaimTask', taskId: 't' };
    const first = await agent.decide('commons', claim);
    await until('the outcome to be forgotten', async () => {
      const { error } = await agent.query('outcome', { agent: 'ann', decisionId: 'early' });
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
      const { error } = await agent.query('outcome', { agent: 'ann', decisionId: probe.decisionId });
      return error !== undefined;
    });
    await sendAnew(space, agent);
    expect(new Set(await results(agent, 2)).size).toBe(1);
    expect((await agent.query('outcome', { agent: 'ann', decisionId: 'once' })).ok).toEqual(first);

    await agent.decide('commons', { type: 'CancelTask', taskId: 't' });
    await until('the task to be removed, and its receipt with it', async () => {
      const { error } = await agent.query('outcome', { agent: 'ann', decisionId: 'once' });
      return error?.code === 'outcome_not_found';
    });
    expect(await tasks(space)).toBe(0);
    await sendAnew(space, agent);
    const texts = await results(agent, 3);
    expect(JSON.parse(texts[2] ?? '')).toMatchObject({ status: 'accepted' });
    expect(JSON.parse(texts[2] ?? '').seq).toBeGreaterThan(first.seq);
  });
});
