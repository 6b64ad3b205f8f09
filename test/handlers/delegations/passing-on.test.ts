import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, by, claims, joins, pool, START, submits } from '../scenario.ts';
import {
  cancels,
  Delegating,
  delegates,
  type Fields,
  inBothWorlds,
  pools,
  revokes,
  type Step,
} from './delegating.ts';

const both = { scope: ['tasks', 'delegations'] };

/** Ann's rights, passed on by whom she gave them to. */
function passes(agent: string, delegateeId: string, id: string, fields: Fields = {}): Step {
  return delegates(agent, delegateeId, id, { ...fields, onBehalfOf: 'ann' });
}

inBothWorlds((given) => {
  it('passing on is delegating on behalf: the acting agent is the delegator, the rights are the principal’s', () => {
    given(pool(), submits('ann', 't-1'), submits('bob', 't-2'), delegates('ann', 'bob', 'd-ab', both))
      .when(passes('bob', 'cid', 'd-bc'))
      .thenEvents('delegation.granted d-bc')
      .thenPrincipals('ann')
      .thenDelegation('d-bc', {
        delegatorId: 'bob',
        delegateeId: 'cid',
        passedOn: { principalId: 'ann', parentId: 'd-ab' },
        origin: { agent: 'bob' },
      })
      .when(cancels('cid', 't-2', 'bob'))
      .thenRejected('delegation_missing')
      .when(cancels('cid', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1');
  });

  it('scope_exceeded: it takes a scope that covers Delegate', () => {
    given(pool(), delegates('ann', 'bob', 'd-ab'))
      .when(passes('bob', 'cid', 'd-bc'))
      .thenRejected('scope_exceeded')
      .when(passes('eve', 'cid', 'd-ec'))
      .thenRejected('delegation_missing')
      .when(delegates('ann', 'bob', 'd-2', { scope: ['tasks', 'Delegate'] }), passes('bob', 'cid', 'd-bc'))
      .thenDelegation('d-bc', { passedOn: { parentId: 'd-2' } });
  });

  it.each([
    [['tasks'], true],
    [['CancelTask', 'tasks:t-1', 'delegations'], true],
    [['Delegate', 'RevokeDelegation:d-ab'], true],
    [['Vote:v-7'], true],
    [['votes'], false],
    [['Vote'], false],
    [['Vote:v-8'], false],
    [['tasks', 'ClosePool'], false],
  ])('of tasks, delegations and Vote:v-7 can be passed on %j: %s', (scope, isWithin) => {
    const wide = { scope: ['tasks', 'delegations', 'Vote:v-7'] };
    const scenario = given(pool(), delegates('ann', 'bob', 'd-ab', wide)).when(
      passes('bob', 'cid', 'd-bc', { scope }),
    );
    if (isWithin) scenario.thenEvents('delegation.granted d-bc');
    else scenario.thenRejected('invalid_delegation', { message: /reaches further/ });
  });

  it('a family is more than all of its types', () => {
    const types = { scope: ['Delegate', 'RevokeDelegation'] };
    given(pool(), delegates('ann', 'bob', 'd-ab', types))
      .when(passes('bob', 'cid', 'd-bc', { scope: ['delegations'] }))
      .thenRejected('invalid_delegation');
  });

  it('ends with what it rests on, unless earlier; it cannot be asked to last longer', () => {
    given(pool(), delegates('ann', 'bob', 'd-ab', { ...both, expiresAt: START + 50 }))
      .when(passes('bob', 'cid', 'd-1'))
      .thenData({ delegationId: 'd-1', expiresAt: START + 50 })
      .thenDelegation('d-1', { expiresAt: START + 50, dueAt: START + 50 })
      .when(passes('bob', 'cid', 'd-2', { expiresAt: START + 40 }))
      .thenData({ expiresAt: START + 40 })
      .when(passes('bob', 'cid', 'd-3', { expiresAt: START + 51 }))
      .thenRejected('invalid_delegation', { message: /lasts longer/ })
      .when(passes('bob', 'cid', 'd-4', { expiresAt: START + 50 }))
      .thenData({ expiresAt: START + 50 });
  });

  it.each([
    [50, 90],
    [90, 50],
  ])('ends with the first of the links that it rests on (%d and %d ms)', (first, second) => {
    given(pool(), delegates('ann', 'bob', 'd-ab', { ...both, expiresAt: START + first }))
      .given(delegates('bob', 'cid', 'd-bc', { ...both, expiresAt: START + second }))
      .when(passes('cid', 'dot', 'd-cd'))
      .thenData({ delegationId: 'd-cd', expiresAt: START + 50 });
  });

  it('in commons, of which everyone is a member, what is pooled is passed on like any', () => {
    const inCommons = (name: string, fields: Parameters<typeof by>[1]) => by(name, fields, 'commons');
    const pooled = {
      type: 'Delegate',
      id: 'd-pool',
      delegateeId: 'commons',
      kind: 'pooled',
      ...both,
    } as const;
    given(inCommons('ann', pooled))
      .when(
        inCommons('bob', {
          type: 'Delegate',
          id: 'd-bc',
          delegateeId: 'cid',
          scope: ['tasks'],
          onBehalfOf: 'ann',
        }),
      )
      .thenEvents('delegation.granted d-bc')
      .thenDelegation('d-bc', { passedOn: { principalId: 'ann', parentId: 'd-pool' } }, 'commons');
  });

  it('rests on the chain that is wide enough, of several', () => {
    given(pool(), delegates('ann', 'bob', 'd-narrow', { scope: ['Delegate'] }))
      .given(delegates('ann', 'bob', 'd-short', { ...both, expiresAt: START + 50 }))
      .given(delegates('ann', 'bob', 'd-deep', { ...both, maxDepth: 0 }))
      .given(delegates('ann', 'bob', 'd-right', both))
      .when(passes('bob', 'cid', 'd-bc', { expiresAt: START + 60 }))
      .thenDelegation('d-bc', { passedOn: { parentId: 'd-right' } });
  });

  it('invalid_delegation: maxDepth 0 is not to be passed on', () => {
    given(pool(), delegates('ann', 'bob', 'd-ab', { ...both, maxDepth: 0 }))
      .when(passes('bob', 'cid', 'd-bc'))
      .thenRejected('invalid_delegation', { message: /any further/ });
  });

  it('maxDepth 1 once; what is passed on cannot give itself more', () => {
    given(pool(), delegates('ann', 'bob', 'd-ab', { ...both, maxDepth: 1 }))
      .given(passes('bob', 'cid', 'd-bc', { ...both, maxDepth: 8 }))
      .when(passes('cid', 'dot', 'd-cd'))
      .thenRejected('invalid_delegation');
  });

  it('passing on in the principal’s name does not get round its maxDepth by an own grant', () => {
    given(pool(), submits('ann', 't-1'), delegates('ann', 'bob', 'd-ab', { ...both, maxDepth: 1 }))
      .given(passes('bob', 'cid', 'd-bc', both), delegates('cid', 'dot', 'd-cd'))
      .when(cancels('dot', 't-1', 'ann'))
      .thenRejected('delegation_missing')
      .when(cancels('cid', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1');
  });

  it('no chain has more than eight links', () => {
    const names = ['ann', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
    const scenario = given(pool(), delegates('ann', 'b', 'd-1', both));
    for (let i = 2; i <= 8; i++) scenario.given(passes(names[i - 1] ?? '', names[i] ?? '', `d-${i}`, both));
    scenario.when(passes('i', 'j', 'd-9', both)).thenRejected('invalid_delegation');
  });

  it('invalid_delegation: back to the principal, back up the chain, or to oneself', () => {
    given(pool(), delegates('ann', 'bob', 'd-ab', both), passes('bob', 'cid', 'd-bc', both))
      .when(passes('cid', 'ann', 'd-ca'))
      .thenRejected('invalid_delegation')
      .when(passes('cid', 'bob', 'd-cb'))
      .thenRejected('invalid_delegation')
      .when(passes('cid', 'cid', 'd-cc'))
      .thenRejected('invalid_delegation');
  });

  it('can be for the members of the pool, and by any member where it was pooled to it', () => {
    given(pool(), submits('ann', 't-1'), joins('bob'), joins('cid'), pools('ann', 'd-pool', both))
      .when(passes('dot', 'eve', 'd-de'))
      .thenRejected('delegation_missing')
      .when(passes('bob', 'eve', 'd-be'))
      .thenDelegation('d-be', { delegatorId: 'bob', passedOn: { parentId: 'd-pool' } })
      .when(cancels('eve', 't-1', 'ann'))
      .thenEvents('task.cancelled t-1')
      .when(submits('ann', 't-2'), by('bob', { type: 'LeavePool' }), cancels('eve', 't-2', 'ann'))
      .thenRejected('delegation_missing');
  });

  it('does not depend on the delegate’s own claims, members and tasks', () => {
    given(pool(), joins('ann'), submits('owner', 't-1'), delegates('ann', 'bob', 'd-ab', both))
      .given(passes('bob', 'cid', 'd-bc'))
      .when(by('cid', { type: 'ClaimTask', taskId: 't-1', onBehalfOf: 'ann' }))
      .thenTask('t-1', { claim: { agent: 'ann' } })
      .when(claims('bob', 't-1'))
      .thenRejected('not_a_member');
  });

  it('dies with what it rests on: expired by a millisecond, further up', () => {
    given(pool(), submits('ann', 't-1'), delegates('ann', 'bob', 'd-ab', { ...both, expiresAt: START + 50 }))
      .given(passes('bob', 'cid', 'd-bc', both), passes('cid', 'dot', 'd-cd'), at(50))
      .when(cancels('dot', 't-1', 'ann'))
      .thenRejected('delegation_missing');
  });
});

describe('whatever is delegated, passed on and revoked', () => {
  const agents = ['ann', 'bob', 'cid', 'dot'] as const;
  const agent = fc.constantFrom(...agents);
  const entry = fc.constantFrom('tasks', 'CancelTask', 'tasks:t-ann', 'delegations', 'votes', 'Delegate');
  const scope = fc.uniqueArray(entry, { minLength: 1, maxLength: 3 });
  const step = fc.oneof(
    fc.record({
      agent,
      to: fc.option(agent, { nil: undefined }),
      scope,
      maxDepth: fc.option(fc.nat(2), { nil: undefined }),
      lastsMs: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
      onBehalfOf: fc.option(agent, { nil: undefined }),
    }),
    fc.record({ revoker: agent, number: fc.nat(20) }),
  );

  function play(steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): Delegating {
    const scenario = new Delegating(false);
    scenario.given(pool(), ...agents.map((name) => submits(name, `t-${name}`)), joins('bob'), joins('cid'));
    for (const [i, each] of steps.entries()) {
      scenario.given(at(i));
      if ('revoker' in each) {
        scenario.when(revokes(each.revoker, `d-${each.number}`));
        continue;
      }
      const { to = 'work', lastsMs, maxDepth, onBehalfOf } = each;
      const more = {
        ...(lastsMs === undefined ? {} : { expiresAt: START + i + lastsMs }),
        ...(maxDepth === undefined ? {} : { maxDepth }),
        ...(onBehalfOf === undefined ? {} : { onBehalfOf }),
      };
      const kind = to === 'work' ? 'pooled' : 'direct';
      scenario.when(delegates(each.agent, to, `d-${i}`, { scope: each.scope, kind, ...more }));
    }
    return scenario;
  }

  it('nobody can do for a principal what the principal itself has not delegated to anyone', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 5, maxLength: 40 }),
        agent,
        agent,
        (steps, actor, principal) => {
          fc.pre(actor !== principal);
          const scenario = play(steps);
          const state = scenario.world.pool('work');
          const own = [...(state?.entities.delegation.values() ?? [])].filter(
            ({ delegatorId, passedOn, state: its, expiresAt = Number.POSITIVE_INFINITY }) =>
              delegatorId === principal &&
              passedOn === undefined &&
              its === 'live' &&
              scenario.now < expiresAt,
          );
          const covering = own.filter(({ scope: names }) =>
            names.some((name) => ['tasks', 'CancelTask', `tasks:t-${principal}`].includes(name)),
          );
          scenario.when(cancels(actor, `t-${principal}`, principal));
          if (covering.length === 0) expect(scenario.answer.status).toBe('rejected');
          if (own.length === 0) expect(scenario.answer.code).toBe('delegation_missing');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('when the principal revokes all that it granted, nobody acts for it any more', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), agent, (steps, principal) => {
        const scenario = play(steps);
        for (const { id, delegatorId } of scenario.world.pool('work')?.entities.delegation.values() ?? []) {
          if (delegatorId === principal) scenario.when(revokes(principal, id));
        }
        for (const actor of agents) {
          if (actor === principal) continue;
          scenario.when(cancels(actor, `t-${principal}`, principal)).thenRejected('delegation_missing');
        }
      }),
      { numRuns: 60 },
    );
  });

  it('what was passed on works when it was accepted: its delegatee can do what its scope says', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        const scenario = play(steps);
        for (const actor of agents) {
          for (const principal of agents) {
            if (actor === principal) continue;
            const body = {
              type: 'Delegate' as const,
              id: 'new',
              delegateeId: 'helper',
              scope: ['CancelTask'],
            };
            scenario.when(by(actor, { ...body, onBehalfOf: principal }));
            if (scenario.answer.status !== 'accepted') continue;
            scenario.when(cancels('helper', `t-${principal}`, principal));
            expect(scenario.answer.status).toBe('accepted');
            return;
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
