/** RELIABILITY 4.2: BanAgent {cancelWork} cancels what the agent has not finished, in steps, however much that is. */
import { describe, expect, it } from 'vitest';
import { MAX_EFFECT_BYTES, MAX_EFFECT_EVENTS } from '../../../src/protocol/limits.ts';
import { OPERATOR, SHARD_POOL } from '../../../src/protocol/names.ts';
import {
  at,
  by,
  claims,
  given,
  joins,
  pool,
  reports,
  type Scenario,
  START,
  type Step,
  settle,
  submits,
  sweep,
} from '../scenario.ts';

const ban = (agentId: string, fields: object = {}) =>
  by('owner', { type: 'BanAgent', agentId, cancelWork: true, ...fields });
const banEverywhere = (agentId: string) =>
  by(OPERATOR, { type: 'BanAgent', agentId, cancelWork: true }, SHARD_POOL);
const tellingOne = sweep({ settings: { consequencesAtOnce: 1 } });
const closesAt = START + 1_000;

/** `mal` has one of everything in the pool, and others have some beside it. */
function everything(...before: readonly Step[]): Scenario {
  const scenario = given(
    ...before,
    pool(),
    joins('mal'),
    joins('bob'),
    submits('mal', 't-1'),
    submits('mal', 't-2'),
  );
  for (const agent of ['mal', 'bob']) {
    scenario.given(
      submits(agent, `sold-${agent}`),
      by(agent, {
        type: 'OpenAuction',
        auctionId: `a-${agent}`,
        kind: 'english',
        taskId: `sold-${agent}`,
        closesAt,
      }),
      by(agent, {
        type: 'OpenVote',
        voteId: `v-${agent}`,
        question: '?',
        method: 'plurality',
        options: ['x', 'y'],
        closesAt,
      }),
      by(agent, { type: 'Vote', voteId: `v-${agent}`, option: 'x' }),
      by(agent, {
        type: 'OpenNegotiation',
        sessionId: `n-${agent}`,
        participants: ['mal', 'bob'],
        proposal: 1,
      }),
    );
  }
  return scenario.given(
    by('mal', { type: 'Delegate', id: 'd-mal', delegateeId: 'bob', scope: ['Vote', 'delegations'] }),
    by('bob', { type: 'Delegate', id: 'd-bob', delegateeId: 'eve', scope: ['Vote'] }),
    by('bob', { type: 'Delegate', id: 'd-below', delegateeId: 'cyd', scope: ['Vote'], onBehalfOf: 'mal' }),
    by('bob', { type: 'SubmitTask', taskId: 'after', objective: '', dependsOn: ['t-2'] }),
    claims('bob', 't-1'),
    submits('bob', 't-3'),
    claims('mal', 't-3'),
  );
}

const ENDS = [
  'auction.cancelled a-mal',
  'task.unreserved sold-mal',
  'vote.closed v-mal',
  'negotiation.rejected n-mal',
  'delegation.revoked d-mal',
  'task.cancelled t-1',
  'task.cancelled t-2',
  'task.cancelled sold-mal',
  'delegation.revoked d-below',
  'task.cancelled after',
];

function settleAll(scenario: Scenario): number {
  for (let settles = 0; ; settles++) {
    if (scenario.world.owingPools === 0) return settles;
    scenario.when(settle());
    expect(scenario.answer.events.length).toBeGreaterThan(0);
    expect(scenario.answer.events.length).toBeLessThanOrEqual(202);
    expect(JSON.stringify(scenario.answer.events).length).toBeLessThan(MAX_EFFECT_BYTES);
  }
}

describe('4.2: BanAgent {cancelWork}', () => {
  it.each([
    ['in a pool', ban('mal'), ['member.removed mal', 'agent.banned mal']],
    ['from everywhere', banEverywhere('mal'), ['agent.banned mal', 'member.removed mal']],
  ] as const)(
    '%s ends one of everything that it opened, in order, and nothing of anybody else',
    (_, bans, first) => {
      everything()
        .when(bans)
        .thenEvents(...first, 'task.released t-3', ...ENDS)
        .thenTask('sold-bob', { state: 'pending', auction: 'a-bob' })
        .thenTask('t-3', { state: 'pending' });
    },
  );

  it('in the name of who banned it, with the reason; a vote is closed with its count and for nobody', () => {
    const scenario = everything().when(ban('mal', { reason: 'floods' }));
    const held = scenario.answer.events.find(({ event }) => event.type === 'task.cancelled');
    const data = { cause: 'cancelled', by: 'owner', reason: 'floods', agent: 'bob', epoch: 1 };
    expect(held?.event).toMatchObject({ id: 't-1', data });
    scenario
      .thenEventData('auction.cancelled', { cause: 'cancelled', by: 'owner', taskId: 'sold-mal' })
      .thenEventData('negotiation.rejected', { by: 'owner', reason: 'floods' })
      .thenEventData('vote.closed', { cause: 'cancelled', why: 'cancelled', cast: 1 });
  });

  it('leaves all of it without the word', () => {
    everything()
      .when(by('owner', { type: 'BanAgent', agentId: 'mal', cancelWork: false }))
      .thenEvents('member.removed mal', 'agent.banned mal', 'task.released t-3');
  });

  it('each stands until its step: a task can be reported, and then is not cancelled', () => {
    const scenario = everything(tellingOne).given(ban('mal')).when(reports('bob', 't-1'));
    scenario.thenEvents('task.completed t-1');
    settleAll(scenario);
    scenario.thenTask('t-1', { state: 'completed' }).thenTask('t-2', { state: 'cancelled' });
    expect(scenario.world.marks.isEmpty).toBe(true);
  });

  it('what it makes after an unban is not cancelled, however late the rest is', () => {
    const scenario = everything(tellingOne).given(
      ban('mal'),
      by('owner', { type: 'UnbanAgent', agentId: 'mal' }),
      joins('mal'),
      submits('mal', 'new'),
    );
    settleAll(scenario);
    scenario.thenTask('new', { state: 'pending' }).thenTask('t-1', { state: 'cancelled' });
  });

  it('what had reached its end by then ends as time ended it', () => {
    const scenario = everything().given(at(1_000), ban('mal'));
    scenario.when(sweep());
    const types = scenario.answer.events.map(({ event }) => `${event.type} ${event.id}`);
    expect(types).toContain('vote.closed v-mal');
    expect(scenario.answer.events.find(({ event }) => event.id === 'v-mal')?.event.data).toMatchObject({
      cause: 'time',
    });
  });

  it('of 3,000 tasks of 16 KiB in three pools is one decision, and never too large', {
    timeout: 120_000,
  }, () => {
    const scenario = given();
    const inputs = 'x'.repeat(16 * 1024);
    for (const where of ['a', 'b', 'work']) {
      scenario.given(by('owner', { type: 'CreatePool' }, where));
      for (let i = 0; i < 1_000; i++)
        scenario.given(
          by(
            'mal',
            { type: 'SubmitTask', taskId: `t${i}`, objective: '', inputs: i % 4 === 0 ? inputs : '' },
            where,
          ),
        );
    }
    scenario.when(banEverywhere('mal'));
    expect(scenario.answer.status).toBe('accepted');
    expect(scenario.answer.events.length).toBeLessThan(MAX_EFFECT_EVENTS);
    expect(settleAll(scenario)).toBeLessThan(30);
    for (const where of ['a', 'b', 'work']) expect(scenario.world.pool(where)?.live.tasks).toBe(0);
  });

  it('taken back with an atomic Batch that fails it cancels nothing', () => {
    const scenario = everything(tellingOne);
    const decisions = [
      { type: 'BanAgent' as const, agentId: 'mal', cancelWork: true },
      { type: 'ReportTask' as const, taskId: 'none', result: 1 },
    ];
    scenario.when(by('owner', { type: 'Batch', atomic: true, decisions })).thenRejected('task_not_found');
    expect(scenario.world.marks.isEmpty).toBe(true);
    expect(scenario.world.owingPools).toBe(0);
    scenario.when(reports('bob', 't-1')).thenEvents('task.completed t-1');
  });
});
