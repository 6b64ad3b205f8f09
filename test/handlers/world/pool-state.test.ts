/** What a pool derives from its documents: the same after loading in any order as after the decisions themselves. */
import { describe, expect, it } from 'vitest';
import { entityDue } from '../../../src/handlers/world/due.ts';
import type { PoolState } from '../../../src/handlers/world/pool-state.ts';
import { World } from '../../../src/handlers/world/world.ts';
import type { Member, Task } from '../../../src/protocol/documents.ts';
import { presenceEnds } from '../../../src/protocol/documents.ts';
import { DAY_MS, MINUTE_MS } from '../../../src/protocol/limits.ts';
import { settingsSchema } from '../../../src/protocol/settings.ts';
import { PLACE } from '../message.ts';
import { at, by, claims, given, joins, pool, type Scenario, START, submits, sweep } from '../scenario.ts';

function stateOf({ world }: Pick<Scenario, 'world'>): PoolState {
  const state = world.pool('work');
  if (state === undefined) throw new Error('the scenario has a pool');
  return state;
}

/** Another world that was handed the documents of this one, the last first. */
function loadedFrom(scenario: Scenario): { readonly world: World; readonly state: PoolState } {
  const { doc, sequence, retained, members, entities } = stateOf(scenario);
  const world = World.genesis(PLACE.shard, PLACE.shards);
  const state = world.load(doc, sequence, retained);
  for (const member of [...members.values()].reverse()) world.loadMember(state, member);
  for (const map of Object.values(entities)) {
    for (const entity of [...map.values()].reverse()) world.loadEntity(state, entity);
  }
  return { world, state };
}

function taskOf(scenario: Scenario, taskId: string): Task {
  const task = scenario.task(taskId);
  if (task === undefined) throw new Error(`there is no task ${taskId}`);
  return task;
}

describe('a pool that was loaded', () => {
  const busy = () =>
    given(pool(), joins('bob'), by('cyd', { type: 'JoinPool', presenceMs: 500 }))
      .given(submits('ann', 'a'), submits('ann', 'b'), submits('ann', 'c', { deadline: START + 400 }))
      .given(submits('ann', 'd', { dependsOn: ['c'] }), submits('ann', 'e', { notBefore: START + 300 }))
      .given(claims('bob', 'b', 700), claims('bob', 'a', 600), claims('cyd', 'c', 5_000))
      .given(
        by('ann', { type: 'OpenNegotiation', sessionId: 's', participants: ['ann', 'bob'], proposal: 1 }),
      );

  it('counts what is live, held and open', () => {
    const { state } = loadedFrom(busy());
    expect(state).toMatchObject({ live: { tasks: 5, collective: 1 }, claims: 3 });
    expect(state.heldCount('bob')).toBe(2);
    expect(state.heldCount('ann')).toBe(0);
  });

  it('lists claims in the order of submission', () => {
    expect(
      loadedFrom(busy())
        .state.heldBy('bob')
        .map(({ taskId }) => taskId),
    ).toEqual(['a', 'b']);
  });

  it('has the same things due, in the same order', () => {
    const scenario = busy();
    const { world, state } = loadedFrom(scenario);
    const due = state.due.first(Number.POSITIVE_INFINITY);
    expect(due).toEqual(stateOf(scenario).due.first(Number.POSITIVE_INFINITY));
    expect(due).toEqual([
      { at: START + 300, what: 'entity', kind: 'task', id: 'e' },
      { at: START + 400, what: 'entity', kind: 'task', id: 'c' },
      { at: START + 500, what: 'member', id: 'cyd' },
      { at: START + 600, what: 'entity', kind: 'task', id: 'a' },
      { at: START + 700, what: 'entity', kind: 'task', id: 'b' },
    ]);
    expect(world.nextDue()).toBe(START + 300);
  });

  it('has nothing to be stored, and nothing to be taken back', () => {
    const { world, state } = loadedFrom(busy());
    expect(world.takeChanges().changes.filter(({ pool }) => pool === 'work')).toEqual([]);
    world.rollback();
    expect(state.live.tasks).toBe(5);
  });

  it('knows who waits for what', () => {
    const { state } = loadedFrom(busy().given(submits('ann', 'f', { dependsOn: ['c'] })));
    expect(state.dependents.firstOf('c')?.taskId).toBe('d');
    expect(state.dependents.firstOf('a')).toBeUndefined();
  });
});

describe('what falls due at the same time', () => {
  it('goes by kind and then by id', () => {
    const { due } = stateOf(
      given(pool())
        .given(
          by('zoe', { type: 'JoinPool', presenceMs: 100 }),
          by('amy', { type: 'JoinPool', presenceMs: 100 }),
        )
        .given(
          submits('ann', 'b', { deadline: START + 100 }),
          submits('ann', 'a', { deadline: START + 100 }),
        ),
    );
    const order = due
      .first(Number.POSITIVE_INFINITY)
      .map((due) => `${due.what === 'entity' ? due.kind : due.what} ${due.id}`);
    expect(order).toEqual(['member amy', 'member zoe', 'task a', 'task b']);
  });
});

describe('when time next changes a task', () => {
  const scenario = () => given(pool(), joins('bob'));

  it('never, while it is pending without a deadline', () => {
    expect(entityDue(taskOf(scenario().given(submits('ann', 't')), 't'))).toBeUndefined();
  });

  it('at the earlier of its deadline and the end of its claim', () => {
    const claimed = (deadline: number, ttl: number) =>
      taskOf(
        scenario().given(submits('ann', 't', { deadline: START + deadline }), claims('bob', 't', ttl)),
        't',
      );
    expect(entityDue(claimed(200, 100))).toBe(START + 100);
    expect(entityDue(claimed(100, 200))).toBe(START + 100);
  });

  it('never again when it is final', () => {
    const ended = scenario().given(
      submits('ann', 't', { deadline: START + 5 }),
      by('ann', { type: 'CancelTask', taskId: 't' }),
    );
    expect(entityDue(taskOf(ended, 't'))).toBeUndefined();
  });
});

describe('when the presence of a member lapses', () => {
  const member: Member = { pool: 'work', agent: 'bob', capabilities: [], order: 0, joinedAt: START };

  it('its presence after it was heard from last; never, for one that promised none', () => {
    expect(presenceEnds({ ...member, presenceMs: 100, lastSeenAt: START + 5 })).toBe(START + 105);
    expect(presenceEnds({ ...member, presenceMs: 100 })).toBeUndefined();
    expect(presenceEnds(member)).toBeUndefined();
    expect(presenceEnds(undefined)).toBeUndefined();
  });
});

describe('a closed pool', () => {
  const CLOSED = { type: 'ClosePool' } as const;
  const removalOf = (scenario: Scenario) =>
    stateOf(scenario)
      .due.first(Number.POSITIVE_INFINITY)
      .find(({ what }) => what === 'removal');

  it('without anything in it is removed after a day', () => {
    const scenario = given(pool(), joins('bob'), at(5), by('owner', CLOSED));
    expect(removalOf(scenario)).toEqual({ at: START + 5 + DAY_MS, what: 'removal', id: 'work' });
  });

  it.each([
    ['an unfinished task', submits('ann', 't')],
    [
      'an open session',
      by('ann', { type: 'OpenNegotiation', sessionId: 's', participants: ['ann', 'bob'], proposal: 1 }),
    ],
  ])('is not while there is %s', (_, step) => {
    expect(removalOf(given(pool(), step, by('owner', CLOSED)))).toBeUndefined();
  });

  it('is not while something that ended is kept', () => {
    const withFinal = given(pool(), submits('ann', 't'), by('ann', { type: 'CancelTask', taskId: 't' }));
    expect(removalOf(withFinal.given(by('owner', CLOSED)))).toBeUndefined();
  });

  it('is all the same while delegations are live, which end with it', () => {
    const granted = given(pool(), by('ann', { type: 'Delegate', delegateeId: 'bob', scope: ['Vote'] }));
    expect(removalOf(granted.given(by('owner', CLOSED)))).toMatchObject({ at: START + DAY_MS });
  });

  it('open again by nothing: an open one is never removed', () => {
    expect(removalOf(given(pool()))).toBeUndefined();
  });
});

describe('what ended is planned to go', () => {
  const ended = (...steps: readonly ReturnType<typeof by>[]) =>
    given(pool(), submits('ann', 't'), by('ann', { type: 'CancelTask', taskId: 't' }), ...steps);
  const keeps = (fields: object) => sweep({ settings: settingsSchema.parse(fields) });

  it('after its time and a tenth of it, a minute at most', () => {
    expect(ended(keeps({ finalRetentionMs: 1_001 })).world.nextDue()).toBe(START + 1_001 + 101);
    expect(ended(keeps({ finalRetentionMs: DAY_MS })).world.nextDue()).toBe(START + DAY_MS + MINUTE_MS);
  });

  it('at once when there are more than may be', () => {
    const scenario = ended(submits('ann', 'u'), by('ann', { type: 'CancelTask', taskId: 'u' }));
    expect(scenario.given(keeps({ finalRetentionCount: 2 })).world.nextDue()).toBe(
      START + DAY_MS + MINUTE_MS,
    );
    expect(scenario.given(keeps({ finalRetentionCount: 1 })).world.nextDue()).toBe(START);
  });
});
