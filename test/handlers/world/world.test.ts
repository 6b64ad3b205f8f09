import { describe, expect, it } from 'vitest';
import { World } from '../../../src/handlers/world/world.ts';
import { shardOf } from '../../../src/protocol/shard.ts';
import { by, claims, given, joins, pool, reports, type Scenario, submits, sweep } from '../scenario.ts';

/** What the worker does when everything is stored. */
function commit({ world }: Scenario): void {
  world.forgetEnded(world.takeChanges().changes);
}

const inMemory = (scenario: Scenario) =>
  [...(scenario.world.pool('work')?.entities.task.keys() ?? [])].sort();

describe('a world before its first decision', () => {
  it('has commons on the shard that commons belongs to, and nowhere else', () => {
    const shards = 8;
    const withCommons = Array.from({ length: shards }, (_, shard) => shard).filter(
      (shard) => World.genesis(shard, shards).pools.size > 0,
    );
    expect(withCommons).toEqual([shardOf('commons', shards)]);
  });

  it('has commons to be stored', () => {
    expect(World.genesis(0, 1).takeChanges().changes).toMatchObject([
      { kind: 'pool', pool: 'commons', before: undefined },
    ]);
  });
});

describe('what a commit has to write', () => {
  it('is each document once, from what is stored to what it is now', () => {
    const scenario = given(pool(), joins('bob'), submits('ann', 't-1'));
    commit(scenario);
    scenario.given(
      claims('bob', 't-1'),
      by('bob', { type: 'RenewClaim', taskId: 't-1' }),
      reports('bob', 't-1'),
    );
    const { changes, sequences } = scenario.world.takeChanges();
    expect(changes).toMatchObject([
      { kind: 'task', before: { state: 'pending' }, after: { state: 'completed' } },
    ]);
    expect([...sequences]).toEqual([['work', 6]]);
  });

  it('is taken once', () => {
    const scenario = given(pool());
    commit(scenario);
    const { changes, sequences } = scenario.world.takeChanges();
    expect(changes).toEqual([]);
    expect(sequences.size).toBe(0);
  });

  it('contains the sign of life of a member that promised one, also where the decision was rejected', () => {
    const scenario = given(pool(), by('bob', { type: 'JoinPool', presenceMs: 100 }));
    commit(scenario);
    scenario.when(claims('bob', 't-9')).thenRejected('task_not_found');
    expect(scenario.world.takeChanges().changes).toMatchObject([{ kind: 'member', after: { agent: 'bob' } }]);
  });

  it('contains every member of a pool that is removed', () => {
    const scenario = given(pool(), joins('bob'), joins('cyd'), by('owner', { type: 'ClosePool' }));
    commit(scenario);
    scenario.given({ at: scenario.now + 24 * 60 * 60_000 }, sweep());
    const gone = scenario.world.takeChanges().changes.map(({ kind, after }) => `${kind} ${after}`);
    expect(gone.sort()).toEqual(['member undefined', 'member undefined', 'pool undefined']);
  });
});

describe('final tasks', () => {
  it('leave the memory when they are stored', () => {
    const scenario = given(pool(), joins('bob'), submits('ann', 't-1'), submits('ann', 't-2'));
    scenario.given(claims('bob', 't-1'), reports('bob', 't-1'));
    expect(inMemory(scenario)).toEqual(['t-1', 't-2']);
    commit(scenario);
    expect(inMemory(scenario)).toEqual(['t-2']);
    expect(scenario.world.pool('work')).toMatchObject({
      live: { tasks: 1 },
      retained: { tasks: { count: 1 } },
    });
  });

  it('stay as long as others wait for them, and leave after that', () => {
    const scenario = given(pool(), submits('ann', 'p'));
    for (let i = 0; i < 300; i++) scenario.given(submits('ann', `w-${i}`, { dependsOn: ['p'] }));
    scenario.given(by('ann', { type: 'CancelTask', taskId: 'p' }));
    commit(scenario);
    expect(inMemory(scenario)).toHaveLength(101);
    expect(inMemory(scenario)).toContain('p');
    scenario.given(sweep());
    commit(scenario);
    expect(inMemory(scenario)).toEqual([]);
  });
});
