/** Bans from a shard as a whole, where they meet bounds, `commons`, and bans from single pools. */
import { describe, expect, it } from 'vitest';
import { MAX_BANS } from '../../../src/protocol/limits.ts';
import { SHARD_POOL } from '../../../src/protocol/names.ts';
import {
  at,
  by,
  claims,
  given,
  joins,
  pool,
  type Scenario,
  START,
  settle,
  submits,
  sweep,
} from '../scenario.ts';

const everywhere = (agentId: string, reason?: string) =>
  by('_operator', { type: 'BanAgent', agentId, ...(reason === undefined ? {} : { reason }) }, SHARD_POOL);
const letIn = (agentId: string) => by('_operator', { type: 'UnbanAgent', agentId }, SHARD_POOL);

const dataOf = ({ answer }: Scenario, type: string) =>
  answer.events.filter(({ event }) => event.type === type).map(({ event }) => event.data);

describe('a ban from the whole shard', () => {
  it('remembers since when and why', () => {
    const scenario = given(at(5), everywhere('bob', 'spam'));
    expect(scenario.world.bans.get('bob')).toEqual({ agent: 'bob', at: START + 5, reason: 'spam' });
  });

  it('is told with its reason, and its end without one', () => {
    const scenario = given().when(everywhere('bob', 'spam'));
    expect(dataOf(scenario, 'agent.banned')).toEqual([{ everywhere: true, reason: 'spam' }]);
    scenario.when(letIn('bob'));
    expect(dataOf(scenario, 'agent.unbanned')).toEqual([{ everywhere: true }]);
  });

  it('is not in what was taken for an earlier commit', () => {
    const scenario = given();
    const { bans } = scenario.world.takeChanges();
    scenario.given(everywhere('bob'));
    expect([...bans.keys()]).toEqual([]);
    expect([...scenario.world.takeChanges().bans.keys()]).toEqual(['bob']);
  });

  it('takes the claims that a stranger has in commons', () => {
    given(by('ann', { type: 'SubmitTask', taskId: 't', objective: '' }, 'commons'))
      .given(by('bob', { type: 'ClaimTask', taskId: 't' }, 'commons'))
      .when(everywhere('bob'))
      .thenEvents('agent.banned bob', 'task.released t')
      .thenEventData('task.released', { agent: 'bob', epoch: 1, why: 'banned' })
      .thenData({ released: 1, pools: 1 });
  });

  it('tells a bounded part at once, pool by pool in the order of their names, and owes the rest', () => {
    const scenario = given(sweep({ settings: { consequencesAtOnce: 3 } }));
    for (const name of ['b', 'a', 'c']) {
      scenario.given(
        by('owner', { type: 'CreatePool' }, name),
        by('bob', { type: 'JoinPool' }, name),
        by('ann', { type: 'SubmitTask', taskId: 't', objective: '' }, name),
        by('bob', { type: 'ClaimTask', taskId: 't' }, name),
      );
    }
    const told = () => scenario.answer.events.map(({ pool: where, event }) => `${where} ${event.type}`);
    scenario.when(everywhere('bob')).thenData({ released: 3, pools: 3 });
    expect(told()).toEqual([
      'commons agent.banned',
      'a member.removed',
      'a task.released',
      'b member.removed',
    ]);
    scenario.when(settle());
    expect(told()).toEqual(['b task.released', 'c member.removed', 'c task.released']);
    scenario.when(settle()).thenEvents().thenNothingChanged();
  });

  it('already_banned, also while something of it is owed: when and why stay as they were said first', () => {
    const scenario = given(sweep({ settings: { consequencesAtOnce: 1 } }));
    for (const name of ['a', 'b']) {
      scenario.given(by('owner', { type: 'CreatePool' }, name), by('bob', { type: 'JoinPool' }, name));
    }
    scenario
      .given(everywhere('bob', 'spam'))
      .when(at(5), everywhere('bob', 'again'))
      .thenRejected('already_banned');
    expect(scenario.world.bans.get('bob')).toEqual({ agent: 'bob', at: START, reason: 'spam' });
  });

  it(`rate_limited: ${MAX_BANS} in one shard, until one ends`, () => {
    const scenario = given();
    for (let i = 0; i < MAX_BANS; i++) scenario.given(everywhere(`a-${i}`));
    scenario
      .when(everywhere('more'))
      .thenRejected('rate_limited', { transient: true })
      .when(letIn('a-0'), everywhere('more'))
      .thenEvents('agent.banned more');
  });

  it('its end leaves a ban from commons as it was', () => {
    given(by('_operator', { type: 'BanAgent', agentId: 'bob' }, 'commons'), everywhere('bob'), letIn('bob'))
      .when(by('bob', { type: 'SubmitTask', taskId: 't', objective: '' }, 'commons'))
      .thenRejected('agent_banned');
  });
});

describe('a ban from one pool', () => {
  const bans = (agentId: string) => by('owner', { type: 'BanAgent', agentId });

  it('of several ends alone', () => {
    const scenario = given(
      pool(),
      bans('bob'),
      bans('cyd'),
      by('owner', { type: 'UnbanAgent', agentId: 'bob' }),
    );
    expect(scenario.pool()).toMatchObject({ banned: ['cyd'] });
    scenario
      .when(joins('cyd'))
      .thenRejected('agent_banned')
      .when(joins('bob'))
      .thenEvents('member.joined bob');
  });

  it('releases what the agent holds, and says that it was banned for each', () => {
    given(pool(), joins('bob'), submits('ann', 't-1'), submits('ann', 't-2'))
      .given(claims('bob', 't-1'), claims('bob', 't-2'))
      .when(bans('bob'))
      .thenEvents('member.removed bob', 'agent.banned bob', 'task.released t-1', 'task.released t-2')
      .thenEventData('member.removed', { why: 'banned' })
      .thenData({ released: ['t-1', 't-2'], count: 2 });
  });
});
