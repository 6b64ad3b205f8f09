/**
 * RELIABILITY 1.6: every single decision fits by construction. For each type the most that it may bring about itself, and the
 * worst case that is known of it: the largest documents, as many as it can change. What follows from it has its own bound.
 */
import { describe, expect, it } from 'vitest';
import { Effects } from '../../../src/handlers/kernel/consequences/weights.ts';
import type { DecisionInput, SingleType } from '../../../src/protocol/decisions/index.ts';
import {
  LARGEST_CONSEQUENCE_BYTES,
  MAX_DECISION_BYTES,
  MAX_EFFECT_BYTES,
  MAX_EFFECT_EVENTS,
} from '../../../src/protocol/limits.ts';
import {
  at,
  by,
  claims,
  given,
  joins,
  pool,
  type Scenario,
  START,
  type Step,
  settle,
  submits,
  sweep,
} from '../scenario.ts';

interface Worst {
  /** Events and bytes (events, and documents that changed) of the decision itself. */
  readonly events: number;
  readonly bytes: number;
  readonly before: readonly Step[];
  readonly decides: Step;
}

const KB = 1_024;
/** The largest decision, less its other fields. */
const LARGEST = 'x'.repeat(MAX_DECISION_BYTES - 2 * KB);
const CLOSES = START + 60_000;
const NAMES = Array.from({ length: 3_600 }, (_, i) => String(i).padStart(64, 'n'));
const REASON = 'r'.repeat(2_048);
const say = (agent: string, body: object): Step => by(agent, body as DecisionInput);
const owner = (body: object): Step => say('owner', body);
const BOTH = [pool(), joins('ann'), joins('bob')];
const large = (taskId: string, fields: object = {}): Step =>
  submits('ann', taskId, { inputs: LARGEST, ...fields });
const many = (count: number): Step[] => Array.from({ length: count }, (_, i) => large(`t-${i}`));
const claimAll = (count: number): Step[] =>
  Array.from({ length: count }, (_, i) => claims('bob', `t-${i}`, 1_000));
const HELD = [...BOTH, ...many(12), ...claimAll(12)];
const AUCTION: Step[] = [
  ...BOTH,
  large('t'),
  say('ann', {
    type: 'OpenAuction',
    auctionId: 'a',
    kind: 'english',
    taskId: 't',
    closesAt: CLOSES,
    lot: 'l'.repeat(16_000),
  }),
];
const bids = (count: number): Step[] =>
  Array.from({ length: count }, (_, i) => [
    joins(`b-${i}`),
    say(`b-${i}`, { type: 'SubmitBid', auctionId: 'a', amount: String(i + 1), content: 'c'.repeat(4_000) }),
  ]).flat();
const VOTE: Step[] = [
  ...BOTH,
  say('ann', {
    type: 'OpenVote',
    voteId: 'v',
    question: 'q',
    options: ['x', 'y'],
    method: 'plurality',
    electorate: ['bob', ...NAMES],
    closesAt: CLOSES,
  }),
];
const TALKS: Step[] = [
  ...BOTH,
  say('ann', { type: 'OpenNegotiation', sessionId: 'n', participants: ['ann', 'bob'], proposal: LARGEST }),
  say('bob', { type: 'Propose', sessionId: 'n', content: LARGEST }),
];
const DELEGATED: Step[] = [
  ...BOTH,
  say('ann', {
    id: 'd',
    type: 'Delegate',
    delegateeId: 'bob',
    scope: Array.from({ length: 64 }, (_, i) => `Vote:${'v'.repeat(60)}${i}`),
  }),
];
const TOPICS = Array.from({ length: 64 }, (_, i) => `topic-${i}`.padEnd(128, 't'));
const BYTES = { pool: 600 * KB, task: 800 * KB, entity: 1_400 * KB, small: 64 * KB };

const WORST: Readonly<Record<SingleType, Worst>> = {
  CreatePool: {
    events: 1,
    bytes: BYTES.pool,
    before: [],
    decides: owner({ type: 'CreatePool', admission: { kind: 'allowlist', agents: NAMES } }),
  },
  UpdatePool: {
    events: 1,
    bytes: BYTES.pool,
    before: [pool()],
    decides: owner({ type: 'UpdatePool', admission: { kind: 'allowlist', agents: NAMES } }),
  },
  ClosePool: {
    events: 1,
    bytes: BYTES.pool,
    before: [...BOTH, ...many(3)],
    decides: owner({ type: 'ClosePool' }),
  },
  PausePool: {
    events: 1,
    bytes: BYTES.pool,
    before: BOTH,
    decides: owner({ type: 'PausePool', reason: REASON }),
  },
  ResumePool: {
    events: 1,
    bytes: BYTES.pool,
    before: [...BOTH, owner({ type: 'PausePool' })],
    decides: owner({ type: 'ResumePool' }),
  },
  JoinPool: {
    events: 2,
    bytes: BYTES.small,
    before: [pool(), say('bob', { type: 'JoinPool', presenceMs: 10 }), ...many(3), ...claimAll(3), at(20)],
    decides: say('bob', {
      type: 'JoinPool',
      capabilities: Array.from({ length: 200 }, (_, i) => `c${i}`.padEnd(64, 'c')),
    }),
  },
  LeavePool: { events: 1, bytes: BYTES.small, before: HELD, decides: say('bob', { type: 'LeavePool' }) },
  RemoveMember: {
    events: 1,
    bytes: BYTES.small,
    before: HELD,
    decides: owner({ type: 'RemoveMember', agentId: 'bob', reason: REASON }),
  },
  BanAgent: {
    events: 2,
    bytes: BYTES.pool,
    before: HELD,
    decides: owner({ type: 'BanAgent', agentId: 'bob', reason: REASON }),
  },
  UnbanAgent: {
    events: 1,
    bytes: BYTES.pool,
    before: [...HELD, owner({ type: 'BanAgent', agentId: 'bob' })],
    decides: owner({ type: 'UnbanAgent', agentId: 'bob' }),
  },
  Heartbeat: { events: 0, bytes: 0, before: BOTH, decides: say('bob', { type: 'Heartbeat' }) },
  SubmitTask: {
    events: 2,
    bytes: BYTES.task,
    before: [...BOTH, submits('ann', 'p'), say('ann', { type: 'CancelTask', taskId: 'p' })],
    decides: large('t', { dependsOn: ['p'] }),
  },
  ClaimTask: { events: 3, bytes: BYTES.task, before: [...HELD, at(2_000)], decides: claims('ann', 't-0') },
  ClaimNextTask: {
    events: 300,
    bytes: 2_500 * KB,
    before: [...HELD, at(2_000)],
    decides: say('ann', { type: 'ClaimNextTask', limit: 100 }),
  },
  RenewClaim: {
    events: 1,
    bytes: BYTES.task,
    before: HELD,
    decides: say('bob', { type: 'RenewClaim', taskId: 't-0', progress: 0.5, note: 'n'.repeat(2_000) }),
  },
  ReleaseTask: {
    events: 1,
    bytes: BYTES.task,
    before: HELD,
    decides: say('bob', { type: 'ReleaseTask', taskId: 't-0' }),
  },
  StandBy: {
    events: 2,
    bytes: BYTES.small,
    before: [...BOTH, say('bob', { id: 'o', type: 'StandBy', topics: TOPICS }), ...many(3)],
    decides: say('bob', { type: 'StandBy', topics: TOPICS }),
  },
  StandDown: {
    events: 1,
    bytes: BYTES.small,
    before: [...BOTH, say('bob', { type: 'StandBy', topics: TOPICS })],
    decides: say('bob', { type: 'StandDown' }),
  },
  ReportTask: {
    events: 1,
    bytes: BYTES.task,
    before: HELD,
    decides: say('bob', { type: 'ReportTask', taskId: 't-0', result: LARGEST }),
  },
  FailTask: {
    events: 2,
    bytes: BYTES.task,
    before: HELD,
    decides: say('bob', { type: 'FailTask', taskId: 't-0', reason: REASON }),
  },
  CancelTask: {
    events: 2,
    bytes: BYTES.task,
    before: HELD,
    decides: say('ann', { type: 'CancelTask', taskId: 't-0', reason: REASON }),
  },
  ForceRelease: {
    events: 1,
    bytes: BYTES.task,
    before: HELD,
    decides: owner({ type: 'ForceRelease', taskId: 't-0', reason: REASON }),
  },
  OpenAuction: {
    events: 3,
    bytes: BYTES.task,
    before: [...HELD, at(2_000)],
    decides: say('ann', {
      type: 'OpenAuction',
      auctionId: 'a',
      kind: 'english',
      taskId: 't-0',
      closesAt: CLOSES,
      lot: 'l'.repeat(16_000),
    }),
  },
  SubmitBid: {
    events: 2,
    bytes: BYTES.entity,
    before: [...AUCTION, ...bids(140)],
    decides: say('bob', { type: 'SubmitBid', auctionId: 'a', amount: '1000', content: 'c'.repeat(4_000) }),
  },
  CloseAuction: {
    events: 3,
    bytes: BYTES.entity,
    before: [...AUCTION, ...bids(140)],
    decides: say('ann', { type: 'CloseAuction', auctionId: 'a' }),
  },
  CancelAuction: {
    events: 2,
    bytes: BYTES.entity,
    before: [...AUCTION, ...bids(140)],
    decides: say('ann', { type: 'CancelAuction', auctionId: 'a' }),
  },
  ExtendAuction: {
    events: 1,
    bytes: BYTES.entity,
    before: [...AUCTION, ...bids(140)],
    decides: say('ann', { type: 'ExtendAuction', auctionId: 'a', closesAt: CLOSES + 1 }),
  },
  OpenVote: {
    events: 1,
    bytes: BYTES.entity,
    before: BOTH,
    decides: say('ann', {
      type: 'OpenVote',
      voteId: 'v',
      question: 'q',
      options: ['x', 'y'],
      method: 'plurality',
      electorate: NAMES,
      closesAt: CLOSES,
    }),
  },
  Vote: {
    events: 2,
    bytes: BYTES.entity,
    before: VOTE,
    decides: say('bob', { type: 'Vote', voteId: 'v', option: 'x' }),
  },
  CloseVote: {
    events: 1,
    bytes: BYTES.entity,
    before: VOTE,
    decides: say('ann', { type: 'CloseVote', voteId: 'v' }),
  },
  OpenNegotiation: {
    events: 1,
    bytes: BYTES.entity,
    before: BOTH,
    decides: say('ann', {
      type: 'OpenNegotiation',
      sessionId: 'n',
      participants: ['ann', 'bob'],
      proposal: LARGEST,
    }),
  },
  Propose: {
    events: 1,
    bytes: BYTES.entity,
    before: TALKS,
    decides: say('ann', { type: 'Propose', sessionId: 'n', content: 'x'.repeat(200 * KB) }),
  },
  AcceptProposal: {
    events: 1,
    bytes: BYTES.entity,
    before: TALKS,
    decides: say('ann', { type: 'AcceptProposal', sessionId: 'n', proposalId: 'p-2' }),
  },
  RejectProposal: {
    events: 1,
    bytes: BYTES.entity,
    before: TALKS,
    decides: say('ann', { type: 'RejectProposal', sessionId: 'n', reason: REASON }),
  },
  Delegate: { events: 1, bytes: BYTES.small, before: BOTH, decides: DELEGATED.at(-1) ?? settle() },
  RevokeDelegation: {
    events: 1,
    bytes: BYTES.small,
    before: DELEGATED,
    decides: say('ann', { type: 'RevokeDelegation', delegationId: 'd' }),
  },
};

/** One consequence at once, so that nearly all is the decision's own. */
function played({ before, decides }: Pick<Worst, 'before' | 'decides'>): Scenario {
  return given(sweep({ settings: { consequencesAtOnce: 1 } }), ...before).when(decides);
}

function weigh({ world, answer }: Scenario): Effects {
  const effects = new Effects();
  effects.add(world, answer.events);
  return effects;
}

/** Events of one consequence: the end of a claim, and of its task. */
const ONE_CONSEQUENCE = 2;

describe.each(Object.entries(WORST))('%s', (_, worst) => {
  it('fits into a message, with what follows from it', () => {
    expect(worst.events).toBeLessThan(MAX_EFFECT_EVENTS);
    expect(worst.bytes).toBeLessThanOrEqual(MAX_EFFECT_BYTES - LARGEST_CONSEQUENCE_BYTES);
  });

  it('stays within its bound at its worst', () => {
    const scenario = played(worst);
    expect(scenario.answer.status, scenario.answer.message).toBe('accepted');
    const { events, bytes } = weigh(scenario);
    expect(events).toBeLessThanOrEqual(worst.events + ONE_CONSEQUENCE);
    expect(bytes).toBeLessThanOrEqual(worst.bytes + LARGEST_CONSEQUENCE_BYTES);
  });
});

it.each([
  ['that have expired, unswept', [at(2_000)]],
  ['that a fence has ended, untold', [say('bob', { type: 'LeavePool' })]],
])('ClaimNextTask brings up to date only as many large tasks %s as fit', (_, ended) => {
  const before = [...BOTH, ...many(100), ...claimAll(100), ...ended];
  const scenario = played({ before, decides: say('ann', { type: 'ClaimNextTask', limit: 100 }) });
  const { bytes } = weigh(scenario);
  expect(Object(scenario.answer.data).tasks.length).toBeGreaterThan(0);
  expect(bytes).toBeLessThanOrEqual(WORST.ClaimNextTask.bytes);
});
