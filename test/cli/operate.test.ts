/** `pause`, `resume`, `ban` and `unban` against a system that runs. */
import { beforeAll, describe, expect, it } from 'vitest';
import { jsonOf, useConverge } from './command.ts';
import { SHARDS, useServers } from './servers.ts';

const servers = useServers();
const converge = useConverge(() => servers.env);

beforeAll(async () => {
  await converge.background(['worker', '--json', '--log-level', 'warn', '--shards', `${SHARDS}`]).json();
  await converge(['publish', 'team', 'CreatePool', '--agent', 'ada']);
});

describe('operators', () => {
  it('pause and resume a pool, as its owner or for the whole system; nobody else', async () => {
    expect((await converge(['pause', 'team', '--as', 'ada', '--reason', 'repairs'])).code).toBe(0);
    const refused = await converge(['publish', 'team', 'SubmitTask', 'taskId=t', 'objective=x', '--json']);
    expect(refused.code).toBe(3);
    expect(jsonOf(refused)).toMatchObject({ code: 'pool_paused', transient: true });
    expect((await converge(['resume', 'team'])).code).toBe(0);
    expect((await converge(['pause', 'team', '--as', 'bob'])).code).toBe(3);
  });

  it('ban from one pool, and from the whole system until unbanned', async () => {
    expect((await converge(['ban', 'bob', '--pool', 'team', '--as', 'ada'])).code).toBe(0);
    expect((await converge(['publish', 'team', 'JoinPool', '--agent', 'bob'])).code).toBe(3);
    const banned = await converge(['ban', 'eve', '--json', '--reason', 'floods']);
    expect(jsonOf(banned)).toEqual({ agent: 'eve', banned: true, released: 0, pools: 0 });
    const refused = await converge(['publish', 'hers', 'CreatePool', '--agent', 'eve', '--json']);
    expect(jsonOf(refused)).toMatchObject({ code: 'agent_banned' });
    expect((await converge(['unban', 'eve'])).code).toBe(0);
    expect(
      (await converge(['publish', 'team', 'SubmitTask', 'taskId=eves', 'objective=x', '--agent', 'eve']))
        .code,
    ).toBe(0);
    expect((await converge(['ban', 'eve', '--cancel-work'])).code).toBe(0);
    const cancelled = await converge(['query', 'task', 'pool=team', 'taskId=eves', '--json']);
    expect(jsonOf(cancelled)).toMatchObject({ state: 'cancelled', finishedBy: '_operator' });
    expect((await converge(['unban', 'eve'])).code).toBe(0);
    expect((await converge(['publish', 'hers', 'CreatePool', '--agent', 'eve'])).code).toBe(0);
  });

  it('change a pool, hand it over, and end tasks: as its owner, or as operator of the system', async () => {
    const say = async (agent: string, type: string, ...fields: string[]) =>
      await converge(['publish', 'press', type, '--agent', agent, ...fields]);
    expect((await say('ada', 'CreatePool', 'capacity=1')).code).toBe(0);
    expect(
      (await say('ada', 'UpdatePool', 'capacity=null', 'topics=["news"]', 'submitters=anyone')).code,
    ).toBe(0);
    expect((await say('cyd', 'JoinPool')).code).toBe(0);
    expect((await say('ada', 'UpdatePool', 'owner=cyd')).code).toBe(0);
    expect((await say('ada', 'UpdatePool', 'capacity=2')).code).toBe(3);
    const pool = jsonOf(await converge(['query', 'pool', 'pool=press', '--json']));
    expect(pool).toMatchObject({ owner: 'cyd', topics: ['news'] });
    expect(pool).not.toHaveProperty('capacity');
    expect((await say('dan', 'SubmitTask', 'taskId=t', 'objective=x')).code).toBe(0);
    expect((await say('_operator', 'CancelTask', 'taskId=t', 'reason=recalled')).code).toBe(0);
  });

  it('a reserved name decides nothing but as the operator', async () => {
    expect((await converge(['ban', 'bob', '--as', '_sweeper'])).code).toBe(2);
  });
});
