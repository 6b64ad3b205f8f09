import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  covers,
  type Delegation,
  type DelegationFault,
  delegationFault,
  downstream,
  findChain,
  MAX_CHAIN_LINKS,
  type Membership,
} from '../../src/rules/index.ts';

const nowMs = 1_000;
const vote = { type: 'Vote', family: 'votes', entityId: 'v-7' };
const nobody: Membership = () => false;

/** `link('ann>bob')`: ann lets bob act in votes. Its id is the text. */
function link(text: string, more: Partial<Delegation> = {}): Delegation {
  const [delegatorId = '', delegateeId = ''] = text.split('>');
  return { delegationId: text, delegatorId, delegateeId, kind: 'direct', scope: ['votes'], ...more };
}

function passedOn(
  text: string,
  principalId: string,
  parentId: string,
  more: Partial<Delegation> = {},
): Delegation {
  return link(text, { passedOn: { principalId, parentId }, ...more });
}

/** The ids along the chain by which the agent acts for the principal, or why there is none. */
function chainOf(
  delegations: readonly Delegation[],
  principalId: string,
  agentId: string,
  isMember: Membership = nobody,
): readonly string[] | string {
  const answer = findChain(delegations, { principalId, agentId, decision: vote, nowMs, isMember });
  if ('chain' in answer) return answer.chain.map(({ delegationId }) => delegationId);
  return 'missing' in answer ? 'missing' : 'scope exceeded';
}

describe('acting on behalf of a principal', () => {
  it('takes a delegation from the principal to the agent', () => {
    expect(chainOf([link('ann>bob')], 'ann', 'bob')).toEqual(['ann>bob']);
    expect(chainOf([link('ann>bob')], 'bob', 'ann')).toBe('missing');
    expect(chainOf([link('ann>bob')], 'ann', 'cid')).toBe('missing');
  });

  it('for oneself takes none', () => {
    expect(chainOf([], 'ann', 'ann')).toEqual([]);
  });

  it('may go through others, and goes the shortest way', () => {
    const links = [link('ann>bob'), link('bob>cid'), link('cid>dot'), link('bob>dot')];
    expect(chainOf(links, 'ann', 'dot')).toEqual(['ann>bob', 'bob>dot']);
  });

  it('takes every link to cover the decision, and says so if one does not', () => {
    const links = [link('ann>bob', { scope: ['tasks'] }), link('bob>cid')];
    expect(chainOf(links, 'ann', 'cid')).toBe('scope exceeded');
    expect(chainOf([...links, link('ann>dot'), link('dot>cid')], 'ann', 'cid')).toEqual([
      'ann>dot',
      'dot>cid',
    ]);
  });

  it('ends with a revoked link and at the moment of expiry', () => {
    expect(chainOf([link('ann>bob', { revoked: true })], 'ann', 'bob')).toBe('missing');
    expect(chainOf([link('ann>bob', { expiresAt: nowMs })], 'ann', 'bob')).toBe('missing');
    expect(chainOf([link('ann>bob', { expiresAt: nowMs + 1 })], 'ann', 'bob')).toEqual(['ann>bob']);
  });

  it('dies downstream when a link above is revoked', () => {
    const links = [link('ann>bob', { revoked: true }), link('bob>cid')];
    expect(chainOf(links, 'ann', 'cid')).toBe('missing');
    expect(chainOf(links, 'bob', 'cid')).toEqual(['bob>cid']);
  });

  it('with maxDepth 0 cannot be passed on, with 1 once', () => {
    const after = [link('bob>cid'), link('cid>dot')];
    expect(chainOf([link('ann>bob', { maxDepth: 0 }), ...after], 'ann', 'bob')).toEqual(['ann>bob']);
    expect(chainOf([link('ann>bob', { maxDepth: 0 }), ...after], 'ann', 'cid')).toBe('missing');
    expect(chainOf([link('ann>bob', { maxDepth: 1 }), ...after], 'ann', 'cid')).toEqual([
      'ann>bob',
      'bob>cid',
    ]);
    expect(chainOf([link('ann>bob', { maxDepth: 1 }), ...after], 'ann', 'dot')).toBe('missing');
  });

  it('is bounded by the maxDepth of every link, not only of the first', () => {
    const links = [link('ann>bob', { maxDepth: 5 }), link('bob>cid', { maxDepth: 0 }), link('cid>dot')];
    expect(chainOf(links, 'ann', 'dot')).toBe('missing');
  });

  it('takes a longer way where the shorter one may not be passed on', () => {
    const after = [link('ann>cid'), link('cid>bob'), link('bob>dot'), link('dot>eve')];
    const longer = ['ann>cid', 'cid>bob', 'bob>dot', 'dot>eve'];
    expect(chainOf([link('ann>bob', { maxDepth: 0 }), ...after], 'ann', 'eve')).toEqual(longer);
    expect(chainOf([link('ann>bob', { maxDepth: 1 }), ...after], 'ann', 'eve')).toEqual(longer);
    expect(chainOf([link('ann>bob', { maxDepth: 2 }), ...after], 'ann', 'eve')).toHaveLength(3);
  });

  it('reaches over eight links and no further', () => {
    const links = Array.from({ length: MAX_CHAIN_LINKS + 1 }, (_, i) => link(`a${i}>a${i + 1}`));
    expect(chainOf(links, 'a0', `a${MAX_CHAIN_LINKS}`)).toHaveLength(MAX_CHAIN_LINKS);
    expect(chainOf(links, 'a0', `a${MAX_CHAIN_LINKS + 1}`)).toBe('missing');
  });

  it('ends the search where delegations go round in a circle', () => {
    expect(chainOf([link('ann>bob'), link('bob>ann')], 'ann', 'cid')).toBe('missing');
  });
});

describe('a pooled delegation', () => {
  const members: Membership = (pool, agent) => pool === 'crew' && ['bob', 'cid'].includes(agent);
  const pooled = link('ann>crew', { kind: 'pooled' });

  it('lets any member of the pool act, and nobody else', () => {
    expect(chainOf([pooled], 'ann', 'bob', members)).toEqual(['ann>crew']);
    expect(chainOf([pooled], 'ann', 'dot', members)).toBe('missing');
  });

  it('is not a delegation to an agent called like the pool', () => {
    expect(chainOf([pooled], 'ann', 'crew', members)).toBe('missing');
  });

  it('may be passed on by a member', () => {
    expect(chainOf([pooled, link('cid>eve')], 'ann', 'eve', members)).toEqual(['ann>crew', 'cid>eve']);
    expect(chainOf([pooled, link('dot>eve')], 'ann', 'eve', members)).toBe('missing');
  });
});

describe('a re-delegation', () => {
  const links = [link('ann>bob'), passedOn('bob>cid', 'ann', 'ann>bob')];

  it('passes on the rights of its principal, and not those of who passes them on', () => {
    expect(chainOf(links, 'ann', 'cid')).toEqual(['ann>bob', 'bob>cid']);
    expect(chainOf(links, 'bob', 'cid')).toBe('missing');
  });

  it('passes on what came through its parent, and not what came another way or from another principal', () => {
    const elsewhere = [link('ann>bob', { revoked: true }), link('ann>bob', { delegationId: 'again' })];
    expect(chainOf([...elsewhere, passedOn('bob>cid', 'ann', 'ann>bob')], 'ann', 'cid')).toBe('missing');
    expect(chainOf([link('dot>ann'), ...links], 'dot', 'cid')).toBe('missing');
  });

  it('is revoked with what it passes on, and with everything further down', () => {
    const all = [
      ...links,
      passedOn('cid>dot', 'ann', 'bob>cid'),
      link('cid>eve'),
      passedOn('cid>fay', 'gil', 'gil>cid'),
    ];
    const ids = downstream(all, 'ann>bob', nowMs).map(({ delegationId }) => delegationId);
    expect(ids).toEqual(['bob>cid', 'cid>dot']);
  });

  it('that is over already is not revoked again, but what hangs on it is', () => {
    const all = [
      link('ann>bob'),
      passedOn('bob>cid', 'ann', 'ann>bob', { expiresAt: nowMs }),
      passedOn('cid>dot', 'ann', 'bob>cid'),
    ];
    expect(downstream(all, 'ann>bob', nowMs).map(({ delegationId }) => delegationId)).toEqual(['cid>dot']);
  });
});

describe('a delegation is invalid', () => {
  const members: Membership = (pool, agent) => pool === 'crew' && ['bob', 'ann'].includes(agent);

  it.each<[string, readonly Delegation[], Delegation, DelegationFault | undefined]>([
    ['to oneself', [], link('ann>ann'), 'self_delegation'],
    ['back to who delegates already', [link('ann>bob')], link('bob>ann'), 'cycle'],
    ['back through others', [link('ann>bob'), link('bob>cid')], link('cid>ann'), 'cycle'],
    ['back, whatever the scopes', [link('ann>bob')], link('bob>ann', { scope: ['tasks'] }), 'cycle'],
    [
      'not: back to who no longer delegates',
      [link('ann>bob', { revoked: true })],
      link('bob>ann'),
      undefined,
    ],
    ['not: the same way twice', [link('ann>bob')], link('ann>bob', { delegationId: 'again' }), undefined],
    ['not: a member to its own pool', [], link('ann>crew', { kind: 'pooled' }), undefined],
    ['without a scope', [], link('ann>bob', { scope: [] }), 'invalid_scope'],
    ['with an entry that is none', [], link('ann>bob', { scope: ['Vote:'] }), 'invalid_scope'],
    [
      'back to the principal',
      [link('ann>crew', { kind: 'pooled' })],
      passedOn('bob>ann', 'ann', 'ann>crew'),
      'cycle',
    ],
    ['if what it passes on is not there', [], passedOn('bob>cid', 'ann', 'ann>bob'), 'parent_missing'],
    [
      'if what it passes on is revoked',
      [link('ann>bob', { revoked: true })],
      passedOn('bob>cid', 'ann', 'ann>bob'),
      'parent_missing',
    ],
    [
      'if what it passes on is not its own to pass on',
      [link('ann>bob')],
      passedOn('eve>cid', 'ann', 'ann>bob'),
      'parent_missing',
    ],
    [
      'if what it passes on is for another principal',
      [link('ann>bob'), passedOn('bob>cid', 'ann', 'ann>bob')],
      passedOn('cid>dot', 'bob', 'bob>cid'),
      'parent_missing',
    ],
    [
      'if it is wider than what it passes on',
      [link('ann>bob', { scope: ['Vote:v-7'] })],
      passedOn('bob>cid', 'ann', 'ann>bob', { scope: ['Vote'] }),
      'wider_than_parent',
    ],
    [
      'if what it passes on may not be passed on',
      [link('ann>bob', { maxDepth: 0 })],
      passedOn('bob>cid', 'ann', 'ann>bob'),
      'too_deep',
    ],
    [
      'if what it passes on may be passed on once only, and was',
      [link('ann>bob', { maxDepth: 1 }), passedOn('bob>cid', 'ann', 'ann>bob')],
      passedOn('cid>dot', 'ann', 'bob>cid'),
      'too_deep',
    ],
    [
      'not: narrower, by a member of the pool that has it',
      [link('ann>crew', { kind: 'pooled', maxDepth: 1 })],
      passedOn('bob>cid', 'ann', 'ann>crew', { scope: ['Vote:v-7'] }),
      undefined,
    ],
  ])('%s', (_, delegations, proposed, fault) => {
    expect(delegationFault(delegations, proposed, { nowMs, isMember: members })).toBe(fault);
  });

  it('as the ninth link of a chain', () => {
    const chain: Delegation[] = [link('a0>a1')];
    for (let i = 1; i < MAX_CHAIN_LINKS; i++) {
      const next = passedOn(`a${i}>a${i + 1}`, 'a0', `a${i - 1}>a${i}`);
      expect(delegationFault(chain, next, { nowMs, isMember: nobody })).toBeUndefined();
      chain.push(next);
    }
    const ninth = passedOn('a8>a9', 'a0', 'a7>a8');
    expect(delegationFault(chain, ninth, { nowMs, isMember: nobody })).toBe('too_deep');
  });
});

describe('whatever the delegations', () => {
  const agents = ['ann', 'bob', 'cid', 'dot', 'eve'];
  const isMember: Membership = (pool, agent) => pool === 'crew' && (agent === 'bob' || agent === 'cid');
  const anyAgent = fc.constantFrom(...agents);
  // Later links are made by later agents more often than not, so that chains of several links are common.
  const anyLinkAt = (place: number): fc.Arbitrary<Delegation> =>
    fc
      .record({
        delegatorId: fc.constantFrom(agents[Math.floor(place / 2)] ?? 'ann', ...agents),
        delegateeId: fc.oneof({ weight: 6, arbitrary: anyAgent }, fc.constant('crew')),
        scope: fc.constantFrom(
          ['votes'],
          ['votes'],
          ['Vote:v-7'],
          ['Vote:v-7', 'tasks'],
          ['tasks', 'Vote:v-8'],
        ),
        maxDepth: fc.constantFrom(undefined, undefined, undefined, 0, 1, 2),
        revoked: fc.constantFrom(false, false, false, false, true),
        passedOn: fc.option(
          fc.record({
            principalId: fc.constantFrom('ann', 'ann', ...agents),
            parentId: fc.nat({ max: place }).map((i) => `d-${i}`),
          }),
          { nil: undefined, freq: 2 },
        ),
      })
      .map((made) => ({
        ...made,
        delegationId: `d-${place}`,
        kind: made.delegateeId === 'crew' ? 'pooled' : 'direct',
      }));
  const anyDelegations = fc
    .integer({ min: 2, max: 9 })
    .chain((length) => fc.tuple(...Array.from({ length }, (_, place) => anyLinkAt(place))));
  const reaches = (last: Delegation, agent: string) =>
    last.kind === 'direct' ? last.delegateeId === agent : isMember(last.delegateeId, agent);

  /** Is there a chain that the rules allow? Tries every order of every selection of the links. */
  function exists(
    links: readonly Delegation[],
    principal: string,
    agent: string,
    before: readonly Delegation[] = [],
  ): boolean {
    const last = before.at(-1);
    if (last !== undefined && reaches(last, agent)) return true;
    return links.some((next) => {
      if (before.includes(next) || next.revoked === true) return false;
      if (before.some(({ maxDepth = 99 }, i) => before.length - i > maxDepth)) return false;
      if (last === undefined ? next.delegatorId !== principal : !reaches(last, next.delegatorId))
        return false;
      const { passedOn: onward } = next;
      if (
        onward !== undefined &&
        (onward.principalId !== principal || onward.parentId !== last?.delegationId)
      )
        return false;
      return exists(links, principal, agent, [...before, next]);
    });
  }

  it('a chain is found if and only if there is one (every combination tried)', () => {
    fc.assert(
      fc.property(anyDelegations, (links) => {
        const covering = links.filter(({ scope }) => covers(scope, vote));
        for (const agentId of ['bob', 'cid', 'dot', 'eve']) {
          const answer = findChain(links, { principalId: 'ann', agentId, decision: vote, nowMs, isMember });
          expect('chain' in answer).toBe(exists(covering, 'ann', agentId));
          expect('missing' in answer).toBe(!exists(links, 'ann', agentId));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('re-delegation never widens: along a chain every link covers the decision, and everyone may do it too', () => {
    fc.assert(
      fc.property(anyDelegations, anyAgent, (links, agentId) => {
        const question = { principalId: 'ann', decision: vote, nowMs, isMember };
        const answer = findChain(links, { ...question, agentId });
        if (!('chain' in answer)) return;
        for (const { scope, delegatorId } of answer.chain) {
          expect(covers(scope, vote)).toBe(true);
          expect(findChain(links, { ...question, agentId: delegatorId })).toHaveProperty('chain');
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('once a delegation and everything downstream of it is revoked, no chain uses any of it', () => {
    fc.assert(
      fc.property(anyDelegations, fc.nat({ max: 8 }), anyAgent, (links, which, agentId) => {
        const id = `d-${which}`;
        const gone = new Set([id, ...downstream(links, id, nowMs).map(({ delegationId }) => delegationId)]);
        const question = { principalId: 'ann', agentId, decision: vote, nowMs, isMember };
        const only = links.map((made) => (made.delegationId === id ? { ...made, revoked: true } : made));
        const all = links.map((made) => (gone.has(made.delegationId) ? { ...made, revoked: true } : made));
        // Marking what is downstream is bookkeeping: the chains were dead from the revocation on.
        expect('chain' in findChain(only, question)).toBe('chain' in findChain(all, question));
      }),
      { numRuns: 1_000 },
    );
  });
});
