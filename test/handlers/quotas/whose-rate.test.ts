/** Whose rate a decision counts against, and how an agent stands before the log has it. */
import { describe, expect, it } from 'vitest';
import { applyInvalid } from '../../../src/handlers/kernel/apply.ts';
import { poolKnownTo } from '../../../src/handlers/pools/access.ts';
import { rateStanding } from '../../../src/handlers/quotas/rates.ts';
import { settingsSchema } from '../../../src/protocol/settings.ts';
import { at, by, given, joins, pool, type Scenario, sweep } from '../scenario.ts';

const settings = (fields: object) => sweep({ settings: settingsSchema.parse(fields) });
const beats = (agent: string) => by(agent, { type: 'Heartbeat' });
const pauses = (agent: string, where?: string) => by(agent, { type: 'PausePool' }, where);

describe('the rate of a pool', () => {
  it('is the system’s where the pool states none', () => {
    given(pool(), joins('ann'), joins('bob'), settings({ poolDecisionsPerS: 1 }))
      .given(beats('ann'))
      .when(beats('bob'))
      .thenRejected('rate_limited', { message: /^pool work/ });
  });

  it('is counted for each pool by itself', () => {
    given(
      pool(),
      joins('ann'),
      by('owner', { type: 'CreatePool' }, 'side'),
      settings({ poolDecisionsPerS: 1 }),
    )
      .given(beats('ann'))
      .when(beats('ann'))
      .thenRejected('rate_limited')
      .when(by('ann', { type: 'JoinPool' }, 'side'))
      .thenEvents('member.joined ann');
  });

  it('has the system’s burst where the pool states none, and the smaller where both do', () => {
    const fields = { poolDecisionsPerS: 10, poolDecisionsBurst: 3 };
    given(pool(), joins('ann'), settings(fields))
      .given(beats('ann'), beats('ann'), beats('ann'))
      .when(beats('ann'))
      .thenRejected('rate_limited');
    given(pool({ quotas: { poolDecisionsBurst: 2 } }), settings(fields), joins('ann'))
      .given(at(1_000), beats('ann'), beats('ann'))
      .when(beats('ann'))
      .thenRejected('rate_limited');
  });
});

describe('operators’ decisions', () => {
  it('of those whom the pool names are not counted either', () => {
    given(pool({ operators: ['ann'] }), settings({ agentDecisionsPerS: 1 }))
      .when(beats('ann'))
      .thenRejected('not_a_member')
      .when(beats('ann'))
      .thenRejected('rate_limited')
      .when(pauses('ann'))
      .thenEvents('pool.paused work');
  });

  it('in a pool that does not exist count like all others', () => {
    given(settings({ agentDecisionsPerS: 1 }))
      .when(pauses('ann', 'none'))
      .thenRejected('pool_not_found')
      .when(pauses('ann', 'none'))
      .thenRejected('rate_limited');
  });
});

describe('what is no valid decision', () => {
  const invalid = { code: 'invalid_decision', message: 'taskId: missing' } as const;
  const sends = (scenario: Scenario, agent: string) =>
    applyInvalid(scenario.world, invalid, { pool: 'work', agent, now: scenario.now });

  it('counts against the rate, also of an owner', () => {
    const scenario = given(pool(), settings({ agentDecisionsPerS: 2 }));
    for (const agent of ['ann', 'owner']) {
      expect(sends(scenario, agent)).toMatchObject({ ...invalid, status: 'rejected', transient: false });
      expect(sends(scenario, agent)).toMatchObject(invalid);
      expect(sends(scenario, agent)).toMatchObject({ code: 'rate_limited', data: { retryAfterMs: 500 } });
    }
  });

  it('is told what is wrong with it where nothing limits rates', () => {
    expect(sends(given(pool()), 'ann')).toMatchObject({ ...invalid, events: [], forgottenOutcomes: 0 });
  });
});

const standingIn = ({ world }: Scenario, place: Parameters<typeof poolKnownTo>[1]) =>
  rateStanding(world, place, poolKnownTo(world, place));

describe('how an agent stands', () => {
  const standing = (scenario: Scenario, agent: string, where = 'work') =>
    standingIn(scenario, { pool: where, agent, now: scenario.now });
  const limited = () => given(pool(), joins('ann'), joins('bob'), settings({ agentDecisionsPerS: 4 }));

  it('within, while nobody has decided anything that counts', () => {
    expect(standing(given(pool({ quotas: { agentDecisionsPerS: 1 } })), 'ann')).toBe('within');
  });

  it('within up to half of the burst, near beyond, over when the next would be refused', () => {
    const scenario = limited().given(beats('ann'));
    expect(standing(scenario, 'ann')).toBe('within');
    scenario.given(beats('ann'));
    expect(standing(scenario, 'ann')).toBe('within');
    scenario.given(beats('ann'));
    expect(standing(scenario, 'ann')).toBe('near');
    scenario.given(beats('ann'));
    expect(standing(scenario, 'ann')).toBe('over');
    expect(standing(scenario, 'ann', 'none')).toBe('over');
    expect(standing(scenario, 'bob')).toBe('within');
  });

  it('takes nothing by being asked', () => {
    const scenario = limited().given(beats('ann'), beats('ann'), beats('ann'));
    for (let i = 0; i < 5; i++) standing(scenario, 'ann');
    scenario.given(beats('ann'));
  });

  it('a pool that is busy as a whole makes nobody near, and everybody over when it is full', () => {
    const scenario = given(pool({ quotas: { poolDecisionsPerS: 4 } }), joins('ann'), at(1_000));
    scenario.given(beats('ann'), beats('ann'), beats('ann'));
    expect(standing(scenario, 'bob')).toBe('within');
    scenario.given(beats('ann'));
    expect(standing(scenario, 'bob')).toBe('over');
  });

  it('in a pool that limits each of its agents, near by what was decided there', () => {
    const scenario = given(pool({ quotas: { agentDecisionsPerS: 4 } }), joins('ann'), at(1_000));
    scenario.given(beats('ann'), beats('ann'), beats('ann'));
    expect(standing(scenario, 'ann')).toBe('near');
    expect(standing(scenario, 'ann', 'commons')).toBe('within');
  });
});
