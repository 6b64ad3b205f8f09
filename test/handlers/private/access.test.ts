/** Rule 5.1: who may not know of a private pool is told, to the byte, what it would be told if there were none. */
import { beforeAll, describe, expect, it } from 'vitest';
import { isSingleType, SINGLE_DECISIONS, type SingleType } from '../../../src/protocol/decisions/index.ts';
import { EVERY_DECISION, TOKEN } from '../../../verify/security/private/every-decision.ts';
import { START } from '../message.ts';
import {
  LOW_RATES,
  type OneShard,
  STRANGERS,
  type Stranger,
  VAULT,
  worldWithout,
  worldWithThePool,
} from './two-worlds.ts';

const TYPES: readonly SingleType[] = Object.keys(SINGLE_DECISIONS).filter((type) => isSingleType(type));
const REASONS = Object.keys(STRANGERS) as Stranger[];
/** Whose rights are used: one's own, a member's, the owner's, one who has left, one who never was there. */
const PRINCIPALS = [undefined, 'ann', 'owner', 'lee', 'none'] as const;

let withPool: OneShard;
let without: OneShard;
beforeAll(() => {
  withPool = worldWithThePool();
  without = worldWithout();
});

/** Says it in both worlds; both have to tell the same, and nothing may be looked up but outcomes. */
function sameInBoth(agent: string, said: object): string {
  const body = { id: 'probe', ...said };
  const here = withPool.say({ agent, body });
  const there = without.say({ agent, body });
  expect(here.told).toBe(there.told);
  expect([...here.lookup.entities], 'nothing is looked up for a stranger').toEqual([]);
  return here.told;
}

function variants(type: SingleType): object[] {
  return PRINCIPALS.flatMap((onBehalfOf) =>
    EVERY_DECISION[type].map((body) => (onBehalfOf === undefined ? body : { ...body, onBehalfOf })),
  );
}

describe.each(TYPES.filter((type) => type !== 'CreatePool'))('%s', (type) => {
  it.each(REASONS)('of %s is answered as in a world without the pool', (reason) => {
    for (const body of variants(type)) {
      const told = sameInBoth(STRANGERS[reason], body);
      if (reason !== 'who is banned everywhere') expect(told).toContain('"code":"pool_not_found"');
    }
  });

  it.each(REASONS)('of %s in a Batch is answered the same, atomic or not', (reason) => {
    for (const body of variants(type)) {
      sameInBoth(STRANGERS[reason], { type: 'Batch', decisions: [body, { type: 'Heartbeat' }] });
      sameInBoth(STRANGERS[reason], {
        type: 'Batch',
        atomic: true,
        decisions: [{ type: 'Heartbeat' }, body],
      });
    }
  });

  it('with a fault is told the fault, whether or not there is a pool', () => {
    for (const reason of REASONS) sameInBoth(STRANGERS[reason], { type, nonsense: true });
  });

  it('of who may know is let through', () => {
    for (const agent of ['ann', 'owner', 'op']) {
      for (const body of EVERY_DECISION[type]) {
        const { told } = worldFor(agent, body);
        expect(told).not.toContain('"code":"pool_not_found"');
      }
    }
  });
});

function worldFor(agent: string, body: object): { readonly told: string } {
  return worldWithThePool().say({ agent, body });
}

describe('the two decisions that no access is needed for', () => {
  it('CreatePool says pool_exists: a name that is taken cannot be kept secret', () => {
    for (const reason of REASONS) {
      if (reason === 'who is banned everywhere') continue;
      const { told } = withPool.say({ agent: STRANGERS[reason], body: { type: 'CreatePool' } });
      expect(told).toContain('"code":"pool_exists"');
    }
  });

  it('CreatePool in the name of another is answered as in a world without the pool', () => {
    for (const reason of REASONS) {
      for (const onBehalfOf of ['ann', 'owner', 'none'])
        sameInBoth(STRANGERS[reason], { type: 'CreatePool', onBehalfOf });
    }
  });

  it('JoinPool lets in who has the token and is not banned, and nobody else learns that it would', () => {
    const shard = worldWithThePool();
    const join = { type: 'JoinPool', token: TOKEN };
    expect(shard.say({ agent: 'zed', body: join }).told).toContain('"status":"accepted"');
    expect(shard.say({ agent: 'abe', body: join }).told).toContain('"status":"accepted"');
    for (const agent of ['ban', 'bop']) sameInBoth(agent, join);
  });
});

describe('a Batch', () => {
  it('that joins first goes on as a member, and one that leaves goes on as a stranger', () => {
    const shard = worldWithThePool();
    const decisions = [
      { type: 'CancelTask', taskId: 't-of-lee' },
      { type: 'JoinPool', token: TOKEN },
      { type: 'CancelTask', taskId: 't-of-lee' },
      { type: 'LeavePool' },
      { type: 'CancelTask', taskId: 't-of-lee' },
    ];
    const { told, lookup } = shard.say({ agent: 'lee', body: { type: 'Batch', decisions } });
    const outcomes: { status: string; code?: string }[] = JSON.parse(
      `${told.slice(0, told.lastIndexOf(','))}}`,
    ).data.outcomes;
    expect(outcomes.map(({ status, code }) => code ?? status)).toEqual([
      'pool_not_found',
      'accepted',
      'accepted',
      'accepted',
      'pool_not_found',
    ]);
    expect(lookup.entities.size).toBe(0);
  });

  it('that is let in has what it will need looked up: a final task that is not in memory', () => {
    const shard = worldWithThePool();
    const cancel = { type: 'CancelTask', taskId: 't-gone' };
    const join = { type: 'JoinPool', token: TOKEN };
    const lookupOf = (decisions: object[]) =>
      shard.say({ agent: 'zed', body: { type: 'Batch', decisions } }).lookup;
    expect(lookupOf([cancel, { type: 'JoinPool', token: 'wrong' }, cancel]).entities.size).toBe(0);
    expect(lookupOf([join, cancel]).entities.get(VAULT)).toEqual([{ kind: 'task', id: 't-gone' }]);
  });
});

describe('rates', () => {
  /** Everybody has all of its rate again. */
  const RESTED = 30_000;
  const beat = { type: 'Heartbeat' };

  function limited(shard: OneShard): OneShard {
    shard.say(LOW_RATES);
    shard.say({ agent: 'none', pool: 'zeds', body: beat, at: RESTED });
    return shard;
  }

  it('of the pool are neither filled nor seen by strangers', () => {
    const [here, there] = [limited(worldWithThePool()), limited(worldWithout())];
    const buckets = () => JSON.stringify(here.world.buckets.all().filter(([key]) => key.endsWith(VAULT)));
    const before = buckets();
    for (let i = 0; i < 60; i++) {
      for (const body of [
        beat,
        { type: 'CreatePool' },
        { type: 'nonsense' },
        { type: 'Batch', decisions: [beat] },
      ])
        here.say({ agent: `guest-${i}`, body });
    }
    expect(buckets()).toBe(before);
    let told = '';
    for (let i = 0; i < 60; i++) told = here.say({ agent: 'ann', body: beat }).told;
    expect(told).toContain('rate_limited');
    expect(here.say({ agent: 'zed', body: beat }).told).toBe(there.say({ agent: 'zed', body: beat }).told);
  });

  it('of the agent come before access to the pool, and tell the same in both worlds', () => {
    const [here, there] = [limited(worldWithThePool()), limited(worldWithout())];
    const told = new Set<string>();
    for (const agent of ['zed', 'bop', 'lee']) {
      for (let i = 0; i < 110; i++) {
        const body = { type: i % 2 === 0 ? 'PausePool' : 'Heartbeat' };
        const answer = here.say({ agent, body }).told;
        expect(answer).toBe(there.say({ agent, body }).told);
        told.add(/"code":"(\w+)"/.exec(answer)?.[1] ?? '');
      }
    }
    expect([...told].sort()).toEqual(['pool_not_found', 'rate_limited']);
  });

  it('of the pool count for who is let in for one decision only', () => {
    const shard = limited(worldWithThePool());
    for (let i = 0; i < 60; i++) shard.say({ agent: 'ann', body: beat });
    const join = { type: 'JoinPool', token: TOKEN };
    expect(shard.say({ agent: 'zed', body: join }).told).toContain('rate_limited');
    const joinIn = { type: 'Batch', decisions: [beat, join] };
    expect(shard.say({ agent: 'zed', body: joinIn }).told).toMatch(/pool_not_found.*rate_limited/);
  });
});

describe('a delegate', () => {
  const voting = (fields: object = {}) => ({ type: 'Vote', voteId: 'v-open', option: 'x', ...fields });

  function delegated(scope: readonly string[], fields: object = {}): OneShard {
    const shard = worldWithThePool();
    shard.say({ agent: 'del', body: { type: 'JoinPool', token: TOKEN } });
    shard.say({
      agent: 'ann',
      body: { type: 'Delegate', id: 'd-del', delegateeId: 'del', scope, ...fields },
    });
    shard.say({ agent: 'del', body: { type: 'LeavePool' } });
    return shard;
  }
  const tells = (shard: OneShard, body: object) => shard.say({ agent: 'del', body }).told;

  it('that has left may know for what the scope covers, and for nothing else', () => {
    const shard = delegated(['Vote:v-open']);
    expect(tells(shard, voting())).toContain('not_eligible');
    expect(tells(shard, voting({ onBehalfOf: 'ann' }))).toContain('"status":"accepted"');
    expect(tells(shard, voting({ voteId: 'v-over', onBehalfOf: 'ann' }))).toContain('pool_not_found');
    expect(tells(shard, { type: 'CloseVote', voteId: 'v-open', onBehalfOf: 'ann' })).toContain(
      'pool_not_found',
    );
    expect(tells(shard, { type: 'Heartbeat' })).toContain('pool_not_found');
  });

  it('knows no more once its principal has left, or the delegation is over', () => {
    for (const end of [
      { agent: 'ann', body: { type: 'LeavePool' } },
      { agent: 'owner', body: { type: 'BanAgent', agentId: 'ann' } },
      { agent: 'ann', body: { type: 'RevokeDelegation', delegationId: 'd-del' } },
      { agent: 'owner', body: { type: 'BanAgent', agentId: 'del' } },
    ]) {
      const shard = delegated(['votes']);
      expect(tells(shard, voting())).toContain('not_eligible');
      shard.say(end);
      expect(tells(shard, voting({ onBehalfOf: 'ann' }))).toContain('pool_not_found');
    }
    const expiring = delegated(['votes'], { expiresAt: START + 10_000 });
    expect(expiring.say({ agent: 'del', body: voting(), at: 9_999 }).told).toContain('not_eligible');
    expect(expiring.say({ agent: 'del', body: voting(), at: 10_000 }).told).toContain('pool_not_found');
  });

  it('lets another one know by what it passes on, as far as it may be passed on', () => {
    const chains = [
      { maxDepth: 1, known: true },
      { maxDepth: 0, known: false },
    ];
    for (const { maxDepth, known } of chains) {
      const shard = delegated(['votes', 'delegations'], { maxDepth });
      shard.say({ agent: 'far', body: { type: 'JoinPool', token: TOKEN } });
      const further = { type: 'Delegate', delegateeId: 'far', scope: ['votes'], onBehalfOf: 'ann' };
      shard.say({ agent: 'del', body: further });
      shard.say({ agent: 'far', body: { type: 'LeavePool' } });
      const { told } = shard.say({ agent: 'far', body: voting() });
      expect(told).toContain(known ? 'not_eligible' : 'pool_not_found');
    }
  });
});

it('an open pool needs no access check', () => {
  const told = (body: object) => withPool.say({ agent: 'lee', pool: 'zeds', body }).told;
  expect(told({ type: 'CancelTask', taskId: 't-own' })).toContain('not_allowed');
  expect(told({ type: 'LeavePool' })).toContain('not_a_member');
});
