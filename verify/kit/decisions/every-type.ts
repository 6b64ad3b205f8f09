/**
 * What verification has to know of each decision type: which events are its effect, and how to draw one. A type that is
 * missing in one of the tables does not compile.
 */
import type { SingleType } from '../../../src/protocol/decisions/index.ts';
import type { Json, JsonObject } from '../../../src/protocol/json.ts';
import type { Random } from '../chance/random.ts';
import type { Scene } from './scene.ts';

/** Types of events, without `converge.`, of which one is the effect. */
export type Effect = readonly string[];

/** A type with an empty list promises no event: a heartbeat is a sign of life, and an agent may accept an offer twice. */
export const EFFECTS: Readonly<Record<SingleType, Effect>> = {
  CreatePool: ['pool.created'],
  JoinPool: ['member.joined', 'member.updated'],
  LeavePool: ['member.left'],
  Heartbeat: [],
  ClosePool: ['pool.closed'],
  UpdatePool: ['pool.updated'],
  PausePool: ['pool.paused'],
  ResumePool: ['pool.resumed'],
  ForceRelease: ['task.released'],
  RemoveMember: ['member.removed'],
  BanAgent: ['agent.banned'],
  UnbanAgent: ['agent.unbanned'],
  SubmitTask: ['task.submitted'],
  ClaimTask: ['task.claimed'],
  ClaimNextTask: ['task.claimed'],
  RenewClaim: ['task.renewed'],
  ReleaseTask: ['task.released'],
  ReportTask: ['task.completed'],
  FailTask: ['task.failed', 'task.retried'],
  CancelTask: ['task.cancelled'],
  StandBy: ['offer.made'],
  StandDown: ['offer.ended'],
  OpenAuction: ['auction.opened'],
  SubmitBid: ['auction.bid_placed'],
  CloseAuction: ['auction.awarded', 'auction.unsold'],
  CancelAuction: ['auction.cancelled'],
  ExtendAuction: ['auction.extended'],
  OpenVote: ['vote.opened'],
  Vote: ['vote.cast'],
  CloseVote: ['vote.closed'],
  OpenNegotiation: ['negotiation.opened'],
  Propose: ['negotiation.countered'],
  AcceptProposal: [],
  RejectProposal: ['negotiation.rejected'],
  Delegate: ['delegation.granted'],
  RevokeDelegation: ['delegation.revoked'],
};

/** Valid by the schema, often allowed, often just not allowed. */
export const GENERATORS: { readonly [T in SingleType]: (scene: Scene) => JsonObject } = {
  CreatePool: (scene) => {
    const { random, agents, labels } = scene;
    return {
      ...perhaps(random, 'topics', 0.2, () => random.some(labels)),
      ...perhaps(random, 'admission', 0.25, () =>
        random.pick([
          'open',
          { kind: 'open' },
          { kind: 'allowlist', agents: random.some(agents) },
          { allowlist: { agents: random.some(agents) } },
          { token: { sha256: 'ab'.repeat(32) } },
        ]),
      ),
      ...perhaps(random, 'capacity', 0.25, () => random.between(1, 5)),
      ...perhaps(random, 'submitters', 0.25, () => random.pick(['anyone', 'members'])),
      ...perhaps(random, 'defaults', 0.25, () => constraints(scene)),
      ...perhaps(random, 'maxClaimsPerAgent', 0.25, () => random.between(1, 3)),
      ...handingOver(random),
      ...perhaps(random, 'operators', 0.2, () => random.some(agents)),
      ...perhaps(random, 'quotas', 0.1, () => drawQuotas(random)),
    };
  },
  JoinPool: (scene) => {
    const { random, labels } = scene;
    return {
      ...perhaps(random, 'capabilities', 0.8, () => (random.chance(0.5) ? [...labels] : random.some(labels))),
      ...perhaps(random, 'token', 0.1, () => 'secret'),
      ...perhaps(random, 'presenceMs', 0.15, () => duration(scene)),
    };
  },
  LeavePool: () => ({}),
  Heartbeat: () => ({}),
  ClosePool: () => ({}),
  UpdatePool: (scene) => {
    const { random, agents, labels } = scene;
    return {
      operators: random.some(agents),
      ...perhaps(random, 'quotas', 0.3, () => drawQuotas(random)),
      ...perhaps(random, 'owner', 0.2, () => random.pick(agents)),
      ...perhaps(random, 'capacity', 0.3, () => random.pick([1, 3, null])),
      ...perhaps(random, 'maxClaimsPerAgent', 0.3, () => random.pick([2, null])),
      ...handingOver(random),
      ...perhaps(random, 'submitters', 0.3, () => random.pick(['anyone', 'members'])),
      ...perhaps(random, 'topics', 0.3, () => random.some(labels)),
      ...perhaps(random, 'defaults', 0.3, () => constraints(scene)),
      ...perhaps(random, 'admission', 0.3, () =>
        random.pick(['open', { kind: 'allowlist', agents: random.some(agents) }]),
      ),
    };
  },
  PausePool: ({ random }) => reasoned(random),
  ResumePool: () => ({}),
  ForceRelease: (scene) => ({
    taskId: scene.known('task'),
    ...perhaps(scene.random, 'epoch', 0.3, () => scene.random.between(1, 3)),
    ...reasoned(scene.random),
  }),
  RemoveMember: ({ random, agents }) => ({ agentId: random.pick(agents), ...reasoned(random) }),
  BanAgent: ({ random, agents }) => ({
    agentId: random.pick(agents),
    ...perhaps(random, 'cancelWork', 0.5, () => random.chance(0.8)),
    ...reasoned(random),
  }),
  UnbanAgent: ({ random, agents }) => ({ agentId: random.pick(agents) }),
  SubmitTask: (scene) => {
    const { random, now, labels } = scene;
    const dependsOn = Array.from({ length: random.between(1, 3) }, () => scene.known('task'));
    return {
      taskId: random.chance(0.95) ? scene.name('task') : scene.known('task'),
      objective: random.pick(['', 'do it', 'ünïcode ✓ \u2028 "quoted"']),
      ...perhaps(random, 'inputs', 0.2, () => ({ 10: 1, 2: [1e-7, 'x'], a: { z: null } })),
      ...perhaps(random, 'evaluator', 0.1, () => [true]),
      ...perhaps(random, 'topic', 0.25, () => random.pick(labels)),
      ...perhaps(random, 'requiredCapabilities', 0.2, () =>
        random.some<Json>([labels[0], [...labels.slice(0, 2)]]),
      ),
      ...perhaps(random, 'priority', 0.3, () => random.between(-3, 3)),
      ...perhaps(random, 'notBefore', 0.1, () => now + scene.lasts()),
      ...perhaps(random, 'deadline', 0.1, () => now + scene.lasts()),
      ...perhaps(random, 'dependsOn', 0.3, () => [...new Set(dependsOn)]),
      ...perhaps(random, 'constraints', 0.7, () => constraints(scene)),
    };
  },
  ClaimTask: (scene) => {
    const { random } = scene;
    const held = random.chance(0.2) ? scene.held() : undefined;
    if (held?.epoch !== undefined) return { taskId: held.taskId, epoch: held.epoch, ...ttl(scene) };
    return {
      taskId: scene.known('task'),
      ...perhaps(random, 'epoch', 0.1, () => random.between(1, 2)),
      ...ttl(scene),
    };
  },
  ClaimNextTask: (scene) => ({
    ...perhaps(scene.random, 'limit', 0.8, () => scene.random.between(1, 4)),
    ...perhaps(scene.random, 'topics', 0.2, () => scene.random.some(scene.labels)),
    ...ttl(scene),
  }),
  RenewClaim: (scene) => ({
    ...ofClaim(scene),
    ...perhaps(scene.random, 'progress', 0.5, () => scene.random.pick([0, 0.25, 1])),
    ...perhaps(scene.random, 'note', 0.3, () => 'on it'),
  }),
  ReleaseTask: (scene) => ofClaim(scene),
  ReportTask: (scene) => ({
    ...ofClaim(scene),
    result: scene.random.pick([{ ok: true, 3: [] }, null, 1.5]),
  }),
  FailTask: (scene) => ({
    ...ofClaim(scene),
    reason: 'no',
    ...perhaps(scene.random, 'retryable', 0.8, () => scene.random.chance(0.7)),
  }),
  CancelTask: (scene) => ({ taskId: scene.known('task'), ...reasoned(scene.random) }),
  StandBy: (scene) => {
    const { random, labels } = scene;
    return {
      ...offerId(random),
      ...perhaps(random, 'places', 0.6, () => random.between(1, 3)),
      ...perhaps(random, 'topics', 0.2, () => random.some(labels)),
      ...perhaps(random, 'forMs', 0.3, () => duration(scene)),
      ...perhaps(random, 'presenceMs', 0.4, () =>
        random.chance(0.5) ? 1_000 : random.between(1_000, 9_000),
      ),
      ...perhaps(random, 'once', 0.2, () => random.chance(0.7)),
      ...ttl(scene),
    };
  },
  StandDown: ({ random }) => offerId(random),
  OpenAuction: (scene) => {
    const { random, now } = scene;
    const kind = random.pick(['first_price_sealed', 'second_price_sealed', 'english', 'dutch']);
    return {
      auctionId: scene.name('auction'),
      kind,
      closesAt: now + scene.lasts(),
      ...perhaps(random, 'direction', 0.7, () => random.pick(['forward', 'reverse'])),
      ...perhaps(random, 'reserve', 0.3, () => random.pick(['2.5', 3, '0.000001'])),
      ...(kind === 'dutch' ? { startPrice: 10, step: '0.5', stepMs: duration(scene, 20) } : {}),
      ...(kind === 'english'
        ? {
            ...perhaps(random, 'increment', 0.7, () =>
              random.pick<readonly [Json, ...Json[]]>([1, [{ below: 5, step: '0.5' }, { step: 1 }]]),
            ),
            ...perhaps(random, 'proxy', 0.4, () => true),
            ...perhaps(random, 'softCloseMs', 0.5, () => duration(scene, 4)),
          }
        : {}),
      ...perhaps(random, 'taskId', 0.4, () => scene.known('task')),
      ...perhaps(random, 'lot', 0.2, () => ({ 5: 'five' })),
    };
  },
  SubmitBid: (scene) => ({
    auctionId: scene.known('auction'),
    amount: scene.random.pick([1, 2, '2.75', 5, 7, '9.999999', 100, '0.000001', -1]),
    ...perhaps(scene.random, 'content', 0.2, () => ({ note: 'mine', 7: [] })),
  }),
  CloseAuction: (scene) => ({ auctionId: scene.known('auction') }),
  CancelAuction: (scene) => ({ auctionId: scene.known('auction') }),
  ExtendAuction: (scene) => ({ auctionId: scene.known('auction'), closesAt: scene.now + 2 * scene.lasts() }),
  OpenVote: (scene) => {
    const { random, now, agents, options } = scene;
    return {
      voteId: scene.name('vote'),
      question: 'which?',
      options: [...options],
      method: random.pick<readonly [Json, ...Json[]]>([
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
      closesAt: now + scene.lasts(),
      ...perhaps(random, 'electorate', 0.6, () => (random.chance(0.2) ? 'members' : [...agents])),
      ...perhaps(random, 'weights', 0.2, () => ({ [agents[0]]: 3 })),
      ...perhaps(random, 'quorum', 0.25, () => random.between(0, 3)),
      ...perhaps(random, 'abstentionsCountForQuorum', 0.2, () => false),
      ...perhaps(random, 'changeable', 0.3, () => false),
      ...perhaps(random, 'closeWhenDecided', 0.3, () => false),
    };
  },
  Vote: (scene) => ({ voteId: scene.known('vote'), ...ballot(scene) }),
  CloseVote: (scene) => ({ voteId: scene.known('vote') }),
  OpenNegotiation: (scene) => {
    const { random, now, agent, agents } = scene;
    const others = agents.filter((name) => name !== agent);
    const invited = random.chance(0.2) ? others : others.slice(0, 1 + random.integer(others.length));
    return {
      sessionId: scene.name('negotiation'),
      participants: [...new Set([agent, ...invited, ...(invited.length === 0 ? ['another'] : [])])],
      proposal: { price: random.integer(9), 1: 'x' },
      ...perhaps(random, 'deadline', 0.5, () => now + scene.lasts()),
    };
  },
  Propose: (scene) => ({
    sessionId: scene.known('negotiation'),
    content: { price: scene.random.integer(9) },
  }),
  AcceptProposal: (scene) => ({
    sessionId: scene.known('negotiation'),
    proposalId: `p-${scene.random.between(1, 3)}`,
  }),
  RejectProposal: (scene) => ({ sessionId: scene.known('negotiation'), ...reasoned(scene.random) }),
  Delegate: (scene) => {
    const { random, now, pool, agent, agents } = scene;
    const isPooled = random.chance(0.2);
    return {
      delegateeId: isPooled ? pool : (random.oneOf(agents.filter((name) => name !== agent)) ?? 'another'),
      kind: isPooled ? 'pooled' : 'direct',
      scope: random.pick([
        ['tasks'],
        ['Vote', 'auctions'],
        ['tasks', 'votes', 'auctions', 'negotiations', 'delegations'],
        ['tasks', 'votes', 'auctions', 'negotiations', 'delegations'],
      ]),
      ...perhaps(random, 'expiresAt', 0.5, () => now + scene.lasts()),
      ...perhaps(random, 'maxDepth', 0.5, () => random.integer(3)),
    };
  },
  RevokeDelegation: (scene) => ({ delegationId: scene.known('delegation') }),
};

function handingOver(random: Random): JsonObject {
  return {
    ...perhaps(random, 'startWithinMs', 0.3, () => random.between(1_000, 3_000)),
    ...perhaps(random, 'maxUnstarted', 0.15, () => random.between(1, 3)),
  };
}

function offerId(random: Random): JsonObject {
  return perhaps(random, 'offerId', 0.3, () => random.pick(['main', 'other']));
}

function constraints(scene: Scene): JsonObject {
  const { random } = scene;
  return {
    ...perhaps(random, 'claimTtlMs', 0.8, () => duration(scene)),
    ...perhaps(random, 'maxRunMs', 0.15, () => duration(scene)),
    ...perhaps(random, 'maxAttempts', 0.3, () => random.between(1, 3)),
    ...perhaps(random, 'maxExpiries', 0.3, () => random.between(1, 3)),
    ...perhaps(random, 'maxUnstarted', 0.3, () => random.between(1, 3)),
    ...perhaps(random, 'backoffMs', 0.2, () => duration(scene, 4)),
    ...perhaps(random, 'cpu', 0.1, () => 0.5),
  };
}

/** Mostly of what the agent holds, mostly with the epoch of that. */
function ofClaim(scene: Scene): JsonObject {
  const { random } = scene;
  const held = scene.held();
  if (held === undefined || random.chance(0.1)) {
    return { taskId: scene.known('task'), ...perhaps(random, 'epoch', 0.2, () => random.between(1, 3)) };
  }
  const { taskId, epoch } = held;
  return { taskId, ...(epoch === undefined ? {} : perhaps(random, 'epoch', 0.7, () => epoch)) };
}

function ttl(scene: Scene): JsonObject {
  return perhaps(scene.random, 'claimTtlMs', 0.2, () => duration(scene));
}

/** As long as something lasts, or a part of it. */
function duration(scene: Scene, parts = 1): number {
  return Math.max(1, Math.floor(scene.lasts() / parts));
}

/** Small, so that they matter among a few agents. */
export function drawQuotas(random: Random): JsonObject {
  return {
    ...perhaps(random, 'agentDecisionsPerS', 0.3, () => random.between(1, 900)),
    ...perhaps(random, 'agentDecisionsBurst', 0.3, () => random.between(1, 9)),
    ...perhaps(random, 'poolDecisionsPerS', 0.3, () => random.between(20, 200)),
    ...perhaps(random, 'poolDecisionsBurst', 0.3, () => random.between(1, 20)),
    ...perhaps(random, 'agentClaims', 0.3, () => random.between(1, 3)),
    ...perhaps(random, 'poolClaims', 0.3, () => random.between(1, 6)),
    ...perhaps(random, 'agentAuctions', 0.1, () => random.between(1, 2)),
    ...perhaps(random, 'poolVotes', 0.1, () => random.between(1, 3)),
    ...perhaps(random, 'agentSessions', 0.1, () => random.between(1, 2)),
    ...perhaps(random, 'agentBytes', 0.2, () => random.magnitude(30, 3_000)),
    ...perhaps(random, 'poolBytes', 0.2, () => random.magnitude(60, 10_000)),
  };
}

function ballot({ random, options }: Scene): JsonObject {
  switch (random.integer(5)) {
    case 0:
      return { approvals: random.some(options) };
    case 1: {
      const ranking = random.shuffled(random.some(options));
      const isTied = ranking.length > 0 && random.chance(0.3);
      return { ranking: isTied ? [ranking.slice(0, 2), ...ranking.slice(2)] : ranking };
    }
    case 2:
      return { abstain: true };
    default:
      return { option: random.pick(options) };
  }
}

function reasoned(random: Random): JsonObject {
  return perhaps(random, 'reason', 0.4, () => random.pick(['', 'because']));
}

function perhaps(random: Random, name: string, share: number, value: () => Json): JsonObject {
  return random.chance(share) ? { [name]: value() } : {};
}
