/** Valid decisions of every type, aimed at what stands in the small world: what mutations begin with. */
import { SINGLE_DECISIONS, type SingleType } from '../../src/protocol/decisions/index.ts';
import type { Random } from '../../verify/kit/chance/random.ts';
import { AGENTS, START } from './names.ts';

const TASKS = [
  't-pending',
  't-held',
  't-running',
  't-blocked',
  't-later',
  't-done',
  't-sold',
  't-none',
] as const;
const AUCTIONS = ['a-first', 'a-second', 'a-english', 'a-dutch', 'a-reverse', 'a-over', 'a-none'] as const;
const VOTES = ['v-plurality', 'v-ranked', 'v-two-thirds', 'v-over', 'v-none'] as const;
const SESSIONS = ['n-open', 'n-agreed', 'n-none'] as const;
const OPTIONS = ['red', 'green', '2', '10'] as const;
const LABELS = ['gpu', 'rust', 'x', 'a label with blanks'] as const;

const MAKERS: { readonly [T in SingleType]: (random: Random) => object } = {
  CreatePool: (random) => ({
    ...perhaps(random, 'topics', () => random.some(LABELS)),
    ...perhaps(random, 'admission', () =>
      random.pick([
        'open',
        { kind: 'open' },
        { kind: 'allowlist', agents: random.some(AGENTS) },
        { allowlist: { agents: random.some(AGENTS) } },
        { token: { sha256: 'ab'.repeat(32) } },
      ]),
    ),
    ...perhaps(random, 'capacity', () => 1 + random.integer(5)),
    ...perhaps(random, 'submitters', () => random.pick(['anyone', 'members'])),
    ...perhaps(random, 'defaults', () => constraints(random)),
    ...perhaps(random, 'maxClaimsPerAgent', () => 1 + random.integer(3)),
  }),
  JoinPool: (random) => ({
    ...perhaps(random, 'capabilities', () => random.some(LABELS)),
    ...perhaps(random, 'token', () => 'secret'),
    ...perhaps(random, 'presenceMs', () => 1 + random.integer(10_000)),
  }),
  LeavePool: () => ({}),
  Heartbeat: () => ({}),
  ClosePool: () => ({}),
  UpdatePool: (random) => ({
    operators: random.some(AGENTS),
    ...perhaps(random, 'quotas', () => ({ agentDecisionsPerS: 1 + random.integer(9) })),
    ...perhaps(random, 'owner', () => random.pick(AGENTS)),
    ...perhaps(random, 'capacity', () => random.pick([1, 3, null])),
    ...perhaps(random, 'maxClaimsPerAgent', () => random.pick([2, null])),
    ...perhaps(random, 'submitters', () => random.pick(['anyone', 'members'])),
    ...perhaps(random, 'topics', () => random.some(LABELS)),
    ...perhaps(random, 'defaults', () => constraints(random)),
    ...perhaps(random, 'admission', () =>
      random.pick(['open', { kind: 'allowlist', agents: random.some(AGENTS) }]),
    ),
  }),
  PausePool: (random) => reasoned(random),
  ResumePool: () => ({}),
  ForceRelease: (random) => ({
    taskId: random.pick(TASKS),
    ...perhaps(random, 'epoch', () => 1 + random.integer(3)),
    ...reasoned(random),
  }),
  RemoveMember: (random) => ({ agentId: random.pick(AGENTS), ...reasoned(random) }),
  BanAgent: (random) => ({ agentId: random.pick(AGENTS), ...reasoned(random) }),
  UnbanAgent: (random) => ({ agentId: random.pick(AGENTS) }),
  SubmitTask: (random) => ({
    taskId: random.chance(0.9) ? `t-${random.integer(1_000)}` : random.pick(TASKS),
    objective: random.pick(['', 'do it', 'ünïcode ✓ \u2028']),
    ...perhaps(random, 'inputs', () => ({ 10: 1, 2: [1e-7, 'x'], a: { z: null } })),
    ...perhaps(random, 'evaluator', () => [true]),
    ...perhaps(random, 'topic', () => random.pick(LABELS)),
    ...perhaps(random, 'requiredCapabilities', () =>
      random.some<string | string[]>(['gpu', ['rust', 'x'], 'gpu']),
    ),
    ...perhaps(random, 'priority', () => random.integer(7) - 3),
    ...perhaps(random, 'notBefore', () => START + random.integer(5_000)),
    ...perhaps(random, 'deadline', () => START + random.integer(9_000)),
    ...perhaps(random, 'dependsOn', () => random.some(TASKS, 0.3)),
    ...perhaps(random, 'constraints', () => constraints(random)),
  }),
  ClaimTask: (random) => ({
    taskId: random.pick(TASKS),
    ...perhaps(random, 'claimTtlMs', () => 1 + random.integer(60_000)),
  }),
  ClaimNextTask: (random) => ({
    ...perhaps(random, 'limit', () => 1 + random.integer(4)),
    ...perhaps(random, 'topics', () => random.some(LABELS)),
    ...perhaps(random, 'claimTtlMs', () => 1 + random.integer(60_000)),
  }),
  RenewClaim: (random) => ({
    taskId: random.pick(TASKS),
    ...perhaps(random, 'epoch', () => 1 + random.integer(2)),
    ...perhaps(random, 'progress', () => random.pick([0, 0.25, 1])),
    ...perhaps(random, 'note', () => 'on it'),
  }),
  ReleaseTask: (random) => ({ taskId: random.pick(TASKS), ...perhaps(random, 'epoch', () => 1) }),
  ReportTask: (random) => ({
    taskId: random.pick(TASKS),
    result: random.pick([{ ok: true, 3: [] }, null, 1.5]),
    ...perhaps(random, 'epoch', () => 1),
  }),
  FailTask: (random) => ({
    taskId: random.pick(TASKS),
    reason: 'no',
    ...perhaps(random, 'epoch', () => 1),
    ...perhaps(random, 'retryable', () => random.chance(0.5)),
  }),
  CancelTask: (random) => ({ taskId: random.pick(TASKS), ...perhaps(random, 'reason', () => 'moot') }),
  OpenAuction: (random) => openAuction(random),
  SubmitBid: (random) => ({
    auctionId: random.pick(AUCTIONS),
    amount: random.pick([1, 2, '2.75', 5, '9.999999', 100, '0.000001', 999_999]),
    ...perhaps(random, 'content', () => ({ note: 'mine', 7: [] })),
  }),
  CloseAuction: (random) => ({ auctionId: random.pick(AUCTIONS) }),
  CancelAuction: (random) => ({ auctionId: random.pick(AUCTIONS) }),
  OpenVote: (random) => ({
    voteId: `v-${random.integer(1_000)}`,
    question: 'which?',
    options: [...OPTIONS],
    method: random.pick([
      'plurality',
      'majority',
      { supermajority: { num: 2, den: 3 } },
      { kind: 'supermajority', num: 3, den: 4 },
      'unanimous',
      'approval',
      'ranked',
      'schulze',
      'borda',
    ]),
    closesAt: START + random.integer(9_000),
    ...perhaps(random, 'electorate', () => random.pick(['members', [...AGENTS]])),
    ...perhaps(random, 'weights', () => ({ ann: 3, bob: 1_000_000_000 })),
    ...perhaps(random, 'quorum', () => random.integer(4)),
    ...perhaps(random, 'abstentionsCountForQuorum', () => false),
    ...perhaps(random, 'changeable', () => false),
    ...perhaps(random, 'closeWhenDecided', () => false),
  }),
  Vote: (random) => ({
    voteId: random.pick(VOTES),
    ...random.pick([
      { option: random.pick(OPTIONS) },
      { approvals: random.some(OPTIONS) },
      { ranking: random.some(OPTIONS) },
      { ranking: [OPTIONS.slice(0, 2), ...OPTIONS.slice(2)] },
      { abstain: true },
    ]),
  }),
  CloseVote: (random) => ({ voteId: random.pick(VOTES) }),
  OpenNegotiation: (random) => ({
    sessionId: `n-${random.integer(1_000)}`,
    participants: random.chance(0.8) ? [...AGENTS] : random.some(AGENTS),
    proposal: { price: 7, 1: 'x' },
    ...perhaps(random, 'deadline', () => START + random.integer(9_000)),
  }),
  Propose: (random) => ({ sessionId: random.pick(SESSIONS), content: { price: 8 } }),
  AcceptProposal: (random) => ({
    sessionId: random.pick(SESSIONS),
    proposalId: random.pick(['p-1', 'p-2', 'p-3', 'p-none']),
  }),
  RejectProposal: (random) => ({
    sessionId: random.pick(SESSIONS),
    ...perhaps(random, 'reason', () => 'no'),
  }),
  Delegate: (random) => ({
    delegateeId: random.pick([...AGENTS, 'work']),
    scope: random.pick([
      ['tasks'],
      ['Vote:v-ranked', 'auctions'],
      ['tasks', 'votes', 'auctions', 'delegations'],
    ]),
    ...perhaps(random, 'kind', () => random.pick(['direct', 'pooled'])),
    ...perhaps(random, 'expiresAt', () => START + random.integer(9_000)),
    ...perhaps(random, 'maxDepth', () => random.integer(3)),
  }),
  RevokeDelegation: (random) => ({ delegationId: random.pick(['d-given', 'd-passed', 'd-none']) }),
};

const TYPES = Object.keys(SINGLE_DECISIONS).filter((type) => type in MAKERS);

interface Body {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** One decision, a Batch of some, or a Sweep; always with an id. */
export function validDecision(random: Random): Body {
  const id = `d-${random.integer(1_000_000)}`;
  const kind = random.integer(100);
  if (kind < 12) {
    const decisions = Array.from({ length: 1 + random.integer(4) }, () => single(random));
    return {
      id,
      type: 'Batch',
      ...perhaps(random, 'atomic', () => random.chance(0.5)),
      ...behalf(random),
      decisions,
    };
  }
  if (kind < 14) {
    return {
      id,
      type: 'Sweep',
      ...perhaps(random, 'until', () => START + random.integer(2_000)),
      ...perhaps(random, 'limit', () => 1 + random.integer(10)),
      ...perhaps(random, 'settings', () => ({ finalRetentionMs: 1 + random.integer(10_000) })),
    };
  }
  return { id, ...single(random) };
}

function single(random: Random): Body {
  const type = TYPES[random.integer(TYPES.length)] ?? 'Heartbeat';
  return { type, ...fieldsOf(type, random), ...behalf(random) };
}

function fieldsOf(type: string, random: Random): object {
  for (const [name, make] of Object.entries(MAKERS)) if (name === type) return make(random);
  return {};
}

function behalf(random: Random): object {
  return random.chance(0.08) ? { onBehalfOf: random.pick(AGENTS) } : {};
}

function openAuction(random: Random): object {
  const kind = random.pick(['first_price_sealed', 'second_price_sealed', 'english', 'dutch']);
  return {
    auctionId: `a-${random.integer(1_000)}`,
    kind,
    closesAt: START + 1_000 + random.integer(9_000),
    ...perhaps(random, 'direction', () => random.pick(['forward', 'reverse'])),
    ...perhaps(random, 'reserve', () => random.pick(['2.5', 3, '0.000001'])),
    ...(kind === 'dutch' ? { startPrice: 10, step: '0.5', stepMs: 100 } : {}),
    ...(kind === 'english'
      ? perhaps(random, 'increment', () => [{ below: 5, step: '0.5' }, { step: 1 }])
      : {}),
    ...(kind === 'english' ? perhaps(random, 'proxy', () => true) : {}),
    ...(kind === 'english' ? perhaps(random, 'softCloseMs', () => random.integer(500)) : {}),
    ...perhaps(random, 'taskId', () => random.pick(TASKS)),
    ...perhaps(random, 'lot', () => ({ 5: 'five' })),
  };
}

function reasoned(random: Random): object {
  return perhaps(random, 'reason', () => random.pick(['', 'because']));
}

function constraints(random: Random): object {
  return {
    ...perhaps(random, 'claimTtlMs', () => 1 + random.integer(60_000)),
    ...perhaps(random, 'maxRunMs', () => 1 + random.integer(60_000)),
    ...perhaps(random, 'maxAttempts', () => 1 + random.integer(3)),
    ...perhaps(random, 'backoffMs', () => random.integer(1_000)),
    ...perhaps(random, 'maxExpiries', () => 1 + random.integer(3)),
    ...perhaps(random, 'cpu', () => 0.5),
  };
}

function perhaps(random: Random, name: string, value: () => unknown): object {
  return random.chance(0.4) ? { [name]: value() } : {};
}
