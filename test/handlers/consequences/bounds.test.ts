/** Bounded consequences: what one message settles, what it owes, and what a Batch may effect itself. */
import { describe, expect, it } from 'vitest';
import { MAX_EFFECT_BYTES, MAX_EFFECT_EVENTS } from '../../../src/protocol/limits.ts';
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

const cancels = (...ids: readonly string[]) => ids.map((taskId) => ({ type: 'CancelTask' as const, taskId }));
const settled = ({ answer }: Scenario) => answer.events.map(({ event }) => `${event.type} ${event.id}`);

/** `parents` tasks of ann in a pool, each with so many that wait for it. */
function families(parents: number, each: number, where = 'work'): Scenario {
  const scenario = given(by('owner', { type: 'CreatePool' }, where));
  addFamilies(scenario, parents, each, where);
  return scenario;
}

function addFamilies(scenario: Scenario, parents: number, each: number, where: string): void {
  for (let p = 0; p < parents; p++) {
    scenario.given(by('ann', { type: 'SubmitTask', taskId: `p${p}`, objective: '' }, where));
    for (let c = 0; c < each; c++) {
      const child = {
        type: 'SubmitTask' as const,
        taskId: `p${p}-${c}`,
        objective: '',
        dependsOn: [`p${p}`],
      };
      scenario.given(by('ann', child, where));
    }
  }
}

describe('1.3: one budget for all members of a message', () => {
  it('a Batch settles as many consequences as a decision alone, and owes the rest', () => {
    const scenario = families(10, 50).when(
      by('ann', { type: 'Batch', decisions: cancels(...Array.from({ length: 10 }, (_, p) => `p${p}`)) }),
    );
    expect(scenario.answer.events).toHaveLength(10 + 200);
    expect(scenario.world.owing).toEqual([{ pool: 'work', turn: scenario.seq }]);
    scenario.when(settle());
    expect(scenario.answer.events).toHaveLength(200);
    scenario.when(settle());
    expect(scenario.answer.events).toHaveLength(100);
    expect(scenario.world.owing).toEqual([]);
  });

  it('how many is a setting of the log', () => {
    const scenario = families(1, 5).given(sweep({ settings: { consequencesAtOnce: 2 } }));
    scenario.when(by('ann', { type: 'CancelTask', taskId: 'p0' }));
    expect(settled(scenario)).toEqual(['task.cancelled p0', 'task.cancelled p0-0', 'task.cancelled p0-1']);
    expect(settled(scenario.when(settle()))).toEqual(['task.cancelled p0-2', 'task.cancelled p0-3']);
    expect(settled(scenario.when(settle()))).toEqual(['task.cancelled p0-4']);
    scenario.when(settle()).thenEvents().thenNothingChanged();
  });

  it('a message settles large documents within its bytes, and a Settle at least one', () => {
    const scenario = given(pool(), submits('ann', 'root'));
    const inputs = 'x'.repeat(200_000);
    for (let i = 0; i < 40; i++) scenario.given(submits('ann', `t${i}`, { dependsOn: ['root'], inputs }));
    scenario.when(by('ann', { type: 'CancelTask', taskId: 'root' }));
    const told = scenario.answer.events.length - 1;
    expect(told).toBeGreaterThan(5);
    expect(told * inputs.length).toBeLessThan(MAX_EFFECT_BYTES);
    for (let messages = 0; scenario.world.owingPools > 0; messages++) {
      expect(messages).toBeLessThan(10);
      scenario.when(settle());
      expect(scenario.answer.events.length).toBeGreaterThan(0);
      expect(scenario.answer.events.length * inputs.length).toBeLessThan(MAX_EFFECT_BYTES);
    }
    scenario.thenTask('t39', { state: 'cancelled' });
  });
});

describe('1.4: Settle', () => {
  it('pools in turn: the one that has waited longest first, and what is not done with waits behind the others', () => {
    const scenario = families(1, 7, 'a');
    scenario.given(by('owner', { type: 'CreatePool' }, 'b'));
    addFamilies(scenario, 1, 4, 'b');
    scenario.given(sweep({ settings: { consequencesAtOnce: 3 } }));
    scenario.given(by('ann', { type: 'CancelTask', taskId: 'p0' }, 'a'));
    scenario.given(by('ann', { type: 'CancelTask', taskId: 'p0' }, 'b'));
    const pools = () => {
      scenario.when(settle());
      return scenario.answer.events.map((applied) => applied.pool).join('');
    };
    expect([pools(), pools(), pools()]).toEqual(['aaa', 'ba', '']);
  });

  it('is for workers: who else says it is refused', () => {
    given(pool())
      .when(by('ann', { type: 'Settle' }, '_shard'))
      .thenRejected('reserved_id');
    given(pool())
      .when(by('_operator', { type: 'Settle' }, '_shard'))
      .thenRejected('not_allowed');
    given(pool())
      .when(by('ann', { type: 'Settle' }))
      .thenRejected('unknown_type');
  });
});

describe('1.5: an atomic Batch', () => {
  it('of 99 cancels with 200 dependents each whose last member fails owes nothing', () => {
    const scenario = families(3, 100).when(
      by('ann', {
        type: 'Batch',
        atomic: true,
        decisions: [...cancels('p0', 'p1', 'p2'), ...cancels('none')],
      }),
    );
    scenario.thenRejected('task_not_found');
    expect(scenario.world.owing).toEqual([]);
    scenario.when(settle()).thenEvents().thenNothingChanged();
  });

  it('is not undone by what follows from it', () => {
    const scenario = families(3, 100).when(
      by('ann', { type: 'Batch', atomic: true, decisions: cancels('p0', 'p1', 'p2') }),
    );
    expect(scenario.answer).toMatchObject({ status: 'accepted' });
    expect(scenario.answer.events).toHaveLength(203);
    scenario.given(settle());
    scenario.thenTask('p2-99', { state: 'cancelled', cause: 'dependency_failed' });
  });
});

describe('1.6: the effects of the decisions themselves', () => {
  /** So many agents in whose names `boss` can claim, and a hundred tasks for each. */
  const crew = (agents: number) => {
    const scenario = given(pool());
    for (let a = 0; a < agents; a++) {
      const delegation = { id: `d${a}`, delegateeId: 'boss', scope: ['ClaimNextTask'] };
      scenario.given(joins(`w${a}`), by(`w${a}`, { type: 'Delegate', ...delegation }));
      for (let t = 0; t < 100; t++) scenario.given(submits('ann', `t${a}-${t}`));
    }
    return scenario;
  };
  const claimsAll = (agents: number, atomic: boolean) =>
    by('boss', {
      type: 'Batch',
      atomic,
      decisions: Array.from({ length: agents }, (_, a) => ({
        type: 'ClaimNextTask' as const,
        limit: 100,
        onBehalfOf: `w${a}`,
      })),
    });

  it('a member beyond the events of a message is too_large, transient, and passes alone', {
    timeout: 120_000,
  }, () => {
    const scenario = crew(21).when(claimsAll(21, false));
    expect(scenario.answer.events).toHaveLength(MAX_EFFECT_EVENTS);
    const { outcomes } = Object(scenario.answer.data);
    expect(outcomes.slice(19)).toMatchObject([
      { status: 'accepted' },
      { status: 'rejected', code: 'too_large', transient: true },
    ]);
    scenario.when(by('w20', { type: 'ClaimNextTask', limit: 100 }));
    expect(scenario.answer.events).toHaveLength(100);
  });

  it('of an atomic Batch all', { timeout: 120_000 }, () => {
    const scenario = crew(21).when(claimsAll(21, true)).thenRejected('too_large');
    expect(scenario.world.pool('work')?.claims).toBe(0);
  });

  it('a member beyond the bytes of a message is too_large: twenty documents of 250 kB', () => {
    const scenario = given(pool(), joins('bob'));
    const inputs = 'x'.repeat(250_000);
    for (let i = 0; i < 20; i++) scenario.given(submits('ann', `t${i}`, { inputs }));
    const decisions = Array.from({ length: 20 }, (_, i) => ({
      type: 'CancelTask' as const,
      taskId: `t${i}`,
    }));
    scenario.when(by('ann', { type: 'Batch', decisions }));
    const data = JSON.stringify(scenario.answer.data);
    const accepted = data.split('"accepted"').length - 1;
    expect(accepted).toBe(Math.floor(MAX_EFFECT_BYTES / 250_000) - 0);
    expect(data.split('"too_large"').length - 1).toBe(20 - accepted);
    scenario.thenTask('t19', { state: 'pending' });
  });
});

describe('1.8: a Sweep', () => {
  it('goes round the pools: a claim does not wait for all that expires in another pool', () => {
    const scenario = given(pool());
    for (let i = 0; i < 2_000; i++) scenario.given(submits('ann', `t${i}`, { deadline: START + 10 }));
    scenario.given(by('ann', { type: 'SubmitTask', taskId: 'x', objective: '' }, 'commons'));
    scenario.given(by('bob', { type: 'ClaimTask', taskId: 'x', claimTtlMs: 20 }, 'commons'));
    scenario.when(at(30), sweep());
    expect(scenario.answer.events).toHaveLength(500);
    expect(settled(scenario)).toContain('task.expired x');
  });

  it('names a hundred of each kind within 64 KiB, and counts all', () => {
    const long = 'n'.repeat(60);
    const scenario = given(pool(), joins('bob'.padEnd(64, 'b')));
    const bob = 'bob'.padEnd(64, 'b');
    for (let i = 0; i < 300; i++) scenario.given(submits('ann', `${long}${i}`, { deadline: START + 10 }));
    for (let i = 0; i < 200; i++) scenario.given(submits('ann', `c${long}${i}`));
    for (let i = 0; i < 200; i++) scenario.given(claims(bob, `c${long}${i}`, 10));
    scenario.when(at(10), sweep());
    expect(scenario.answer.data).toMatchObject({ counts: { failed: 300, released: 200 } });
    expect(Buffer.byteLength(JSON.stringify(scenario.answer.data))).toBeLessThan(64 * 1024);
    const { failed, released } = Object(scenario.answer.data);
    expect([failed.length, released.length]).toEqual([100, 100]);
  });
});
