import { describe, expect, it } from 'vitest';
import { type Delegation, partiesOf } from '../../src/protocol/delegations.ts';
import {
  claimClass,
  FINAL_STATES,
  isClaimable,
  isClaimed,
  isFinal,
  LIVE_STATES,
  satisfies,
  type Task,
} from '../../src/protocol/documents.ts';
import { ENTITY_KINDS, entityRef, isEntityKind, parseEntityRef } from '../../src/protocol/entities.ts';
import { isLive, latestProposal, type Negotiation } from '../../src/protocol/negotiations.ts';

/** Only what the predicates look at. */
const task = (state: string, auction?: string) => ({ state, auction }) as Task;

describe('a task', () => {
  it('is final once it is completed, failed or cancelled', () => {
    expect(FINAL_STATES.filter((state) => !isFinal(task(state)))).toEqual([]);
    expect(LIVE_STATES.filter((state) => isFinal(task(state)))).toEqual([]);
  });

  it('is claimed while it is assigned or running', () => {
    const states = [...LIVE_STATES, ...FINAL_STATES];
    expect(states.filter((state) => isClaimed(task(state)))).toEqual(['assigned', 'running']);
  });

  it('is for anyone to claim while it is pending and no auction gives it away', () => {
    const states = [...LIVE_STATES, ...FINAL_STATES];
    expect(states.filter((state) => isClaimable(task(state)))).toEqual(['pending']);
    expect(states.filter((state) => isClaimable(task(state, 'a-1')))).toEqual([]);
  });
});

describe('requirements', () => {
  const able = new Set(['a', 'b']);

  it('none are always met', () => {
    expect(satisfies(new Set(), [])).toBe(true);
  });

  it('all have to be met, each by one of its alternatives', () => {
    expect(satisfies(able, [['a'], ['c', 'b']])).toBe(true);
    expect(satisfies(able, [['a'], ['c']])).toBe(false);
    expect(satisfies(able, [['c', 'd']])).toBe(false);
  });
});

describe('the class of a task', () => {
  it('is empty without topic and requirements: the commonest', () => {
    expect(claimClass({ requiredCapabilities: [] })).toBe('');
  });

  it('is another one for each topic and each set of requirements', () => {
    const classes = [
      claimClass({ requiredCapabilities: [] }),
      claimClass({ topic: 'x', requiredCapabilities: [] }),
      claimClass({ topic: 'y', requiredCapabilities: [] }),
      claimClass({ requiredCapabilities: [['x']] }),
      claimClass({ topic: 'x', requiredCapabilities: [['x']] }),
      claimClass({ topic: 'x', requiredCapabilities: [['x', 'y']] }),
      claimClass({ topic: 'x', requiredCapabilities: [['x'], ['y']] }),
    ];
    expect(new Set(classes).size).toBe(classes.length);
  });

  it('is the same for tasks with the same topic and requirements', () => {
    const one = { topic: 'x', requiredCapabilities: [['a', 'b']] };
    expect(claimClass(structuredClone(one))).toBe(claimClass(one));
  });
});

describe('a reference to what agents decide together', () => {
  it.each(ENTITY_KINDS)('to a %s is read as it was written', (kind) => {
    expect(parseEntityRef(entityRef(kind, 'x-1'))).toEqual({ kind, id: 'x-1' });
    expect(isEntityKind(kind)).toBe(true);
  });

  it.each(['', 'auction', '/a-1', 'constructor/a-1', 'auctions/a-1'])('%j is none', (ref) => {
    expect(parseEntityRef(ref)).toBeUndefined();
  });

  it('a kind is not named like a member that every object has', () => {
    expect(isEntityKind('constructor')).toBe(false);
  });
});

describe('a delegation is between', () => {
  const direct = { delegatorId: 'ann', delegateeId: 'bob', delegationKind: 'direct' } as Delegation;
  const passedOn = { ...direct, passedOn: { principalId: 'cyd', parentId: 'd-1' } };

  it.each([
    ['the delegator', 'ann', true],
    ['the delegatee', 'bob', true],
    ['nobody else', 'cyd', false],
  ])('%s', (_, agent, expected) => {
    expect(partiesOf(direct).includes(agent)).toBe(expected);
  });

  it('also the principal of what was passed on', () => {
    expect(partiesOf(passedOn).includes('cyd')).toBe(true);
    expect(partiesOf(passedOn).includes('dot')).toBe(false);
  });

  it('no agent that is named like the pool whose members may act', () => {
    const pooled = { ...direct, delegationKind: 'pooled', delegateeId: 'work' } as Delegation;
    expect(partiesOf(pooled).includes('work')).toBe(false);
    expect(partiesOf(pooled).includes('ann')).toBe(true);
  });
});

describe('a session', () => {
  it.each([
    ['proposed', true],
    ['countered', true],
    ['accepted', false],
    ['rejected', false],
    ['expired', false],
  ])('%s: is live: %s', (state, expected) => {
    expect(isLive({ state } as Negotiation)).toBe(expected);
  });

  it('has on the table what was offered last', () => {
    const proposals = [{ proposalId: 'p-1' }, { proposalId: 'p-2' }, { proposalId: 'p-3' }];
    expect(latestProposal({ id: 's-1', proposals } as unknown as Negotiation)).toBe(proposals[2]);
  });

  it('without any offer cannot be', () => {
    expect(() => latestProposal({ id: 's-1', proposals: [] } as unknown as Negotiation)).toThrow(
      'session s-1 has no proposal',
    );
  });
});
