/** Quotas of bytes: what counts, from when on, and what is given back. */
import { describe, expect, it } from 'vitest';
import { settingsSchema } from '../../../src/protocol/settings.ts';
import { endedPages } from '../ended-pages.ts';
import { at, by, given, joins, pool, type Scenario, START, submits, sweep } from '../scenario.ts';

const settings = (fields: object) => sweep({ settings: settingsSchema.parse(fields) });
const big = (who: string, taskId: string, bytes = 6_000) =>
  submits(who, taskId, { inputs: 'x'.repeat(bytes) });
const opensVote = (who: string, voteId: string) =>
  by(who, {
    type: 'OpenVote',
    voteId,
    question: 'x'.repeat(6_000),
    options: ['x', 'y'],
    method: 'plurality',
    closesAt: START + 1_000,
    electorate: ['ann'],
  });

const usage = (scenario: Scenario) => {
  const found = scenario.world.pool('work')?.usage;
  if (found === undefined) throw new Error('the scenario has a pool');
  return found;
};

describe('a quota of bytes of the whole system', () => {
  it.each(['agentBytes', 'poolBytes'])(
    '%s holds in pools that state none, for what was there before, too',
    (name) => {
      given(pool(), big('ann', 't-1'))
        .given(settings({ [name]: 12_000 }))
        .when(big('ann', 't-2'))
        .thenRejected('rate_limited', { transient: true, message: /12000/ });
    },
  );

  it('is counted also while nobody limits it, and nothing is left of what ended', () => {
    const scenario = given(pool(), big('ann', 't-1'), big('bob', 't-2'));
    expect(
      usage(scenario)
        .bytes.all()
        .map(([agent]) => agent),
    ).toEqual(['ann', 'bob']);
    scenario.given(
      by('ann', { type: 'CancelTask', taskId: 't-1' }),
      by('bob', { type: 'CancelTask', taskId: 't-2' }),
    );
    expect(usage(scenario).bytes.total).toBe(0);
    expect(usage(scenario).bytes.all()).toEqual([]);
  });

  it('changed to another one counts everything once', () => {
    const scenario = given(pool(), settings({ agentBytes: 50_000 }), big('ann', 't-1'));
    const before = usage(scenario).bytes.total;
    scenario.given(settings({ agentBytes: 60_000 }));
    expect(usage(scenario).bytes.total).toBe(before);
  });
});

describe('what counts', () => {
  const limited = () => given(pool({ quotas: { agentBytes: 9_000 } }), joins('ann'), joins('bob'));

  it('a task once, whatever becomes of it while it is not finished', () => {
    const scenario = limited();
    const without = usage(scenario).bytes.of('ann');
    scenario.given(big('ann', 't-1'));
    const before = usage(scenario).bytes.of('ann');
    expect(before).toBeGreaterThan(without + 6_000);
    scenario.given(by('bob', { type: 'ClaimTask', taskId: 't-1' }));
    scenario.given(by('bob', { type: 'RenewClaim', taskId: 't-1', note: 'x'.repeat(100) }));
    expect(usage(scenario).bytes.of('ann')).toBe(before);
    scenario.given(by('bob', { type: 'ReportTask', taskId: 't-1', result: 1 }));
    expect(usage(scenario).bytes.of('ann')).toBe(without);
  });

  it('a vote, for as long as it is open', () => {
    const scenario = limited()
      .given(opensVote('ann', 'v-1'))
      .when(big('ann', 't-1'))
      .thenRejected('rate_limited', { message: /ann has/ })
      .given(by('ann', { type: 'CloseVote', voteId: 'v-1' }), big('ann', 't-1'));
    expect(usage(scenario).open.vote.all()).toEqual([]);
  });

  it('each of several votes, and of those that ended nothing, also when retention removes them', () => {
    const scenario = given(pool({ quotas: { agentBytes: 50_000 } }), opensVote('ann', 'v-1'));
    const one = usage(scenario).bytes.of('ann');
    scenario.given(opensVote('ann', 'v-2'));
    expect(usage(scenario).bytes.of('ann')).toBe(2 * one);
    expect(usage(scenario).open.vote.of('ann')).toBe(2);
    scenario.given(by('ann', { type: 'CloseVote', voteId: 'v-1' }));
    const ended = endedPages([['work', [{ id: 'vote/v-1', at: START }]]]);
    scenario
      .when(
        sweep({ settings: settingsSchema.parse({ finalRetentionMs: 1 }) }, { ended }),
        at(5),
        sweep({}, { ended }),
      )
      .thenEvents('vote.removed v-1');
    expect(usage(scenario).open.vote.of('ann')).toBe(1);
    expect(usage(scenario).bytes.of('ann')).toBe(one);
  });

  it('a vote that was open when it began to be limited', () => {
    given(pool(), opensVote('ann', 'v-1'))
      .given(by('owner', { type: 'UpdatePool', quotas: { agentBytes: 9_000 } }))
      .when(big('ann', 't-1'))
      .thenRejected('rate_limited');
  });

  it('not a vote that had ended by then', () => {
    given(pool(), opensVote('ann', 'v-1'), by('ann', { type: 'CloseVote', voteId: 'v-1' }))
      .given(by('owner', { type: 'UpdatePool', quotas: { agentBytes: 9_000 } }))
      .given(big('ann', 't-1'));
  });

  it('a delegation, for the one who grants it, until it ends', () => {
    const scenario = limited();
    const before = usage(scenario).bytes.of('ann');
    scenario.given(
      at(1),
      by('ann', { type: 'Delegate', id: 'del', delegateeId: 'bob', scope: ['CancelTask'] }),
    );
    expect(usage(scenario).bytes.of('ann')).toBeGreaterThan(before);
    expect(usage(scenario).open.delegation.of('ann')).toBe(1);
    scenario.given(by('ann', { type: 'RevokeDelegation', delegationId: 'del' }));
    expect(usage(scenario).bytes.of('ann')).toBe(before);
    expect(usage(scenario).open.delegation.all()).toEqual([]);
  });
});

it('what each agent has open is listed by agent', () => {
  const scenario = given(pool(), opensVote('cyd', 'v-1'), opensVote('ann', 'v-2'), opensVote('bob', 'v-3'));
  expect(usage(scenario).open.vote.all()).toEqual([
    ['ann', 1],
    ['bob', 1],
    ['cyd', 1],
  ]);
});
