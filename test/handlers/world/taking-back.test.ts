/** What a world takes back, lets go of, and counts down again. */
import { describe, expect, it } from 'vitest';
import { dump } from '../dump.ts';
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
  submits,
  sweep,
} from '../scenario.ts';

const opens = (sessionId: string) =>
  by('ann', { type: 'OpenNegotiation', sessionId, participants: ['ann', 'bob'], proposal: 1 });
const refuses = (sessionId: string) => by('bob', { type: 'RejectProposal', sessionId });

/** Stored, as the worker does it. */
function commit({ world }: Scenario): void {
  world.forgetEnded(world.takeChanges().changes);
}

describe('an atomic Batch that fails', () => {
  it('takes back whatever its members changed, and leaves nothing to be stored', () => {
    const scenario = given(pool(), joins('bob'), submits('owner', 't-1'));
    commit(scenario);
    const before = dump(scenario.world);
    scenario
      .when(
        by('owner', {
          type: 'Batch',
          atomic: true,
          decisions: [
            { type: 'JoinPool' },
            { type: 'CancelTask', taskId: 't-1' },
            { type: 'OpenNegotiation', sessionId: 's', participants: ['owner', 'bob'], proposal: 1 },
            { type: 'BanAgent', agentId: 'bob' },
            { type: 'ClosePool' },
            { type: 'CancelTask', taskId: 'none' },
          ],
        }),
      )
      .thenRejected('task_not_found');
    expect(dump(scenario.world)).toEqual(before);
    for (const { before: stored, after } of scenario.world.takeChanges().changes)
      expect(after).toEqual(stored);
  });

  it('takes back the pool that it created', () => {
    const scenario = given();
    commit(scenario);
    const decisions = [{ type: 'CreatePool' as const }, { type: 'CancelTask' as const, taskId: 'none' }];
    scenario.when(by('ann', { type: 'Batch', atomic: true, decisions })).thenRejected('task_not_found');
    expect(scenario.pool()).toBeUndefined();
    expect(scenario.world.takeChanges().changes).toEqual([
      { kind: 'pool', pool: 'work', before: undefined, after: undefined },
    ]);
  });
});

describe('a ban', () => {
  const BAN = { agent: 'bob', at: START, reason: undefined };

  it('is taken back with everything else, and its end, too', () => {
    const { world } = given();
    world.savepoint();
    world.changeBan('bob', BAN);
    world.rollback();
    expect(world.bans.has('bob')).toBe(false);
    world.loadBan(BAN);
    world.savepoint();
    world.changeBan('bob', undefined);
    world.rollback();
    expect(world.bans.get('bob')).toEqual(BAN);
  });

  it('is to be stored once, as it is now', () => {
    const { world } = given();
    world.changeBan('bob', BAN);
    expect([...world.takeChanges().bans]).toEqual([['bob', BAN]]);
    expect(world.takeChanges().bans.size).toBe(0);
    world.changeBan('bob', undefined);
    expect([...world.takeChanges().bans]).toEqual([['bob', undefined]]);
  });
});

describe('what is stored and over', () => {
  it('leaves the memory, and what is live stays', () => {
    const scenario = given(pool(), opens('over'), opens('live'), refuses('over'));
    commit(scenario);
    const state = scenario.world.pool('work');
    expect([...(state?.entities.negotiation.keys() ?? [])]).toEqual(['live']);
    expect(state).toMatchObject({
      live: { collective: 1 },
      retained: { collective: { count: 1, oldestAt: START } },
    });
  });

  it('is held and counted as claimed by nobody', () => {
    const scenario = given(pool(), joins('bob'), submits('ann', 't-1'), submits('ann', 't-2'));
    scenario.given(claims('bob', 't-1'), claims('bob', 't-2'), reports('bob', 't-1'));
    const state = scenario.world.pool('work');
    expect(state?.claims).toBe(1);
    expect(state?.heldCount('bob')).toBe(1);
    scenario.given(reports('bob', 't-2'));
    expect(state).toMatchObject({ claims: 0, live: { tasks: 0 } });
    expect(state?.heldCount('bob')).toBe(0);
    expect(state?.heldBy('bob')).toEqual([]);
  });
});

describe('several pools', () => {
  const withTask = (name: string, deadline: number) => [
    by('owner', { type: 'CreatePool' }, name),
    by('ann', { type: 'SubmitTask', taskId: `in-${name}`, objective: '', deadline: START + deadline }, name),
  ];

  it('in which something falls due at the same time are swept by name, others by time', () => {
    given(...withTask('c', 50), ...withTask('a', 50), ...withTask('d', 40), ...withTask('b', 50))
      .when(at(60), sweep())
      .thenEvents('task.failed in-d', 'task.failed in-a', 'task.failed in-b', 'task.failed in-c');
  });

  it('each ban their own agents, and the shard bans from all', () => {
    const scenario = given(pool(), by('owner', { type: 'BanAgent', agentId: 'bob' }));
    const isBanned = (name: string) => scenario.world.pool(name)?.isBanned('bob');
    expect([isBanned('work'), isBanned('commons')]).toEqual([true, false]);
    scenario.world.changeBan('bob', { agent: 'bob', at: START, reason: undefined });
    expect([isBanned('work'), isBanned('commons')]).toEqual([true, true]);
  });
});
