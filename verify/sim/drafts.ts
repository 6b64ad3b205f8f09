/** One random decision: of every type, about what probably exists. */
import { defined } from '../../src/protocol/defined.ts';
import type { JsonObject } from '../../src/protocol/json.ts';
import { isObject } from '../../src/protocol/json.ts';
import type { Random } from '../kit/chance/random.ts';
import { AGENTS, type Plan } from './plan.ts';

interface Held {
  readonly taskId: string;
  readonly epoch: number;
}

const MOST_REMEMBERED = 6;

/** What agents have heard: claims that they were given, things that were opened. Never more than the latest few. */
export class Knowledge {
  readonly #names = new Map<string, string[]>();
  readonly #held = new Map<string, Held[]>();
  #made = 0;

  /** A new name, which others will be able to name. */
  make(kind: string, pool: string): string {
    const name = `${kind}${this.#made++}`;
    this.#remember(`${kind} ${pool}`, name);
    return name;
  }

  names(kind: string, pool: string): readonly string[] {
    return this.#names.get(`${kind} ${pool}`) ?? [];
  }

  held(agent: string, pool: string): readonly Held[] {
    return this.#held.get(`${agent} ${pool}`) ?? [];
  }

  learn(outcome: { readonly [member: string]: unknown }): void {
    const { status, type, agent, pool, data, decisionId } = outcome;
    if (status !== 'accepted' || typeof agent !== 'string' || typeof pool !== 'string') return;
    if (type === 'Delegate' && typeof decisionId === 'string')
      this.#remember(`delegation ${pool}`, decisionId);
    for (const claim of claimsIn(data)) {
      const key = `${agent} ${pool}`;
      this.#held.set(key, [...(this.#held.get(key) ?? []), claim].slice(-MOST_REMEMBERED));
    }
  }

  #remember(key: string, name: string): void {
    this.#names.set(key, [...(this.#names.get(key) ?? []), name].slice(-MOST_REMEMBERED));
  }
}

function claimsIn(data: unknown): Held[] {
  if (!isObject(data)) return [];
  const { tasks, outcomes, taskId, claim } = data;
  const inside = [tasks, outcomes].flatMap((list) => (Array.isArray(list) ? list : []));
  const nested = inside.flatMap((entry: unknown) =>
    isObject(entry) ? claimsIn(isObject(entry.data) ? entry.data : entry) : [],
  );
  if (typeof taskId !== 'string' || !isObject(claim) || typeof claim.epoch !== 'number') return nested;
  return [{ taskId, epoch: claim.epoch }, ...nested];
}

export interface Situation {
  readonly dice: Random;
  readonly plan: Plan;
  /** By the log's clock. */
  readonly now: number;
  readonly pool: string;
  readonly agent: string;
  readonly knowledge: Knowledge;
}

type Drafted = { readonly type: string } & JsonObject;

const SKILLS = ['read', 'draw'] as const;
const TOPICS = ['maths', 'art'] as const;
const OPTIONS = ['red', 'green', 'blue'] as const;
const AMOUNTS = [1, 2, '2.75', 5, 7, '9.999999', -1] as const;
const METHODS = [
  'plurality',
  'majority',
  { supermajority: { num: 2, den: 3 } },
  'unanimous',
  'approval',
  'ranked',
  'schulze',
  'borda',
] as const;

export function draft(situation: Situation): Drafted {
  const { dice } = situation;
  if (!dice.chance(0.08)) return single(situation);
  const decisions = Array.from({ length: dice.between(1, 4) }, () => single(situation));
  return { type: 'Batch', atomic: dice.chance(0.5), decisions };
}

function single(situation: Situation): Drafted {
  const { dice } = situation;
  const kind = dice.next();
  const decision =
    kind < 0.14
      ? dice.chance(0.2)
        ? byOperator(situation)
        : aboutPool(situation)
      : kind < 0.34
        ? submit(situation)
        : kind < 0.7
          ? aboutTask(situation)
          : kind < 0.8
            ? aboutAuction(situation)
            : kind < 0.88
              ? aboutVote(situation)
              : kind < 0.94
                ? aboutNegotiation(situation)
                : aboutDelegation(situation);
  return dice.chance(0.05) ? { ...decision, onBehalfOf: dice.pick(AGENTS) } : decision;
}

function aboutPool({ dice }: Situation): Drafted {
  const kind = dice.integer(100);
  if (kind < 20) {
    return {
      type: 'CreatePool',
      ...(dice.chance(0.2) ? { admission: { kind: 'allowlist', agents: dice.some(AGENTS) } } : {}),
      ...(dice.chance(0.2) ? { capacity: dice.between(1, 3) } : {}),
      ...(dice.chance(0.2) ? { submitters: 'members' } : {}),
      ...(dice.chance(0.2) ? { maxClaimsPerAgent: 2 } : {}),
    };
  }
  if (kind < 80) {
    return {
      type: 'JoinPool',
      ...(dice.chance(0.8) ? { capabilities: [...SKILLS] } : {}),
      ...(dice.chance(0.15) ? { presenceMs: dice.magnitude(300, 6_000) } : {}),
    };
  }
  if (kind < 88) return { type: 'LeavePool' };
  return { type: kind < 98 ? 'Heartbeat' : 'ClosePool' };
}

/** What owners and operators decide; most of the time by somebody who is none. */
function byOperator({ dice, pool, knowledge }: Situation): Drafted {
  const agentId = dice.pick(AGENTS);
  const taskId = dice.oneOf(knowledge.names('t', pool));
  switch (dice.integer(7)) {
    case 0:
      return { type: 'UpdatePool', operators: dice.some(AGENTS) };
    case 1:
      return { type: 'PausePool' };
    case 2:
      return { type: 'RemoveMember', agentId };
    case 3:
      return { type: 'BanAgent', agentId, cancelWork: dice.chance(0.5) };
    case 4:
      return { type: 'UnbanAgent', agentId };
    case 5:
      return taskId === undefined ? { type: 'ResumePool' } : { type: 'ForceRelease', taskId };
    default:
      return { type: 'ResumePool' };
  }
}

function submit({ dice, now, pool, knowledge }: Situation): Drafted {
  const earlier = knowledge.names('t', pool);
  const dependsOn =
    earlier.length > 0 && dice.chance(0.25) ? { dependsOn: [...new Set(dice.some(earlier))] } : {};
  const known = dice.chance(0.05) ? dice.oneOf(earlier) : undefined;
  return {
    type: 'SubmitTask',
    taskId: known ?? knowledge.make('t', pool),
    objective: 'do it',
    ...(dice.chance(0.2) ? { inputs: { 10: 1, 2: [1e-7, 'x'], a: { z: null } } } : {}),
    ...(dice.chance(0.2) ? { topic: dice.pick(TOPICS) } : {}),
    ...(dice.chance(0.15) ? { requiredCapabilities: [dice.pick(SKILLS)] } : {}),
    ...(dice.chance(0.3) ? { priority: dice.between(-2, 2) } : {}),
    ...(dice.chance(0.1) ? { notBefore: now + dice.integer(2_000) } : {}),
    ...(dice.chance(0.1) ? { deadline: now + dice.integer(4_000) } : {}),
    ...dependsOn,
    ...(dice.chance(0.7) ? { constraints: constraints(dice) } : {}),
  };
}

function constraints(dice: Random): JsonObject {
  return {
    claimTtlMs: dice.magnitude(100, 8_000),
    ...(dice.chance(0.3) ? { maxAttempts: dice.between(1, 3) } : {}),
    ...(dice.chance(0.3) ? { maxExpiries: dice.between(1, 3) } : {}),
    ...(dice.chance(0.2) ? { backoffMs: dice.integer(500) } : {}),
    ...(dice.chance(0.1) ? { maxRunMs: dice.between(100, 2_000) } : {}),
  };
}

function aboutTask({ dice, pool, agent, knowledge }: Situation): Drafted {
  const held = dice.oneOf(knowledge.held(agent, pool));
  const someTask = dice.oneOf(knowledge.names('t', pool)) ?? 't0';
  const kind = dice.integer(100);
  if (held === undefined || kind < 20) {
    if (dice.chance(0.5)) {
      return {
        type: 'ClaimNextTask',
        limit: dice.between(1, 3),
        ...(dice.chance(0.2) ? { topics: dice.some(TOPICS) } : {}),
      };
    }
    return {
      type: 'ClaimTask',
      taskId: someTask,
      ...(dice.chance(0.2) ? { claimTtlMs: dice.magnitude(50, 3_000) } : {}),
    };
  }
  const taskId = dice.chance(0.9) ? held.taskId : someTask;
  const epoch = dice.chance(0.7) ? { epoch: held.epoch } : {};
  if (kind < 40)
    return { type: 'RenewClaim', taskId, ...epoch, ...(dice.chance(0.5) ? { progress: 0.5 } : {}) };
  if (kind < 52) return { type: 'ReleaseTask', taskId, ...epoch };
  if (kind < 75) return { type: 'ReportTask', taskId, ...epoch, result: { ok: true } };
  if (kind < 92) return { type: 'FailTask', taskId, ...epoch, reason: 'no', retryable: dice.chance(0.7) };
  return { type: 'CancelTask', taskId };
}

function aboutAuction({ dice, now, pool, knowledge }: Situation): Drafted {
  const auctionId = dice.oneOf(knowledge.names('a', pool));
  const kind = dice.integer(100);
  if (auctionId !== undefined && kind < 60)
    return { type: 'SubmitBid', auctionId, amount: dice.oneOf(AMOUNTS) ?? 1 };
  if (auctionId !== undefined && kind < 68) return { type: 'CloseAuction', auctionId };
  if (auctionId !== undefined && kind < 72) return { type: 'CancelAuction', auctionId };
  const of = dice.pick(['first_price_sealed', 'second_price_sealed', 'english', 'dutch']);
  const taskId = dice.chance(0.5) ? dice.oneOf(knowledge.names('t', pool)) : undefined;
  return {
    type: 'OpenAuction',
    auctionId: knowledge.make('a', pool),
    kind: of,
    direction: dice.pick(['forward', 'reverse']),
    closesAt: now + dice.magnitude(200, 8_000),
    ...(dice.chance(0.3) ? { reserve: '2.5' } : {}),
    ...(of === 'dutch' ? { startPrice: 10, step: '0.5', stepMs: dice.between(50, 250) } : {}),
    ...(of === 'english' ? { increment: 1, softCloseMs: dice.integer(300) } : {}),
    ...(of === 'english' && dice.chance(0.5) ? { proxy: true } : {}),
    ...defined({ taskId }),
  };
}

function aboutVote({ dice, now, pool, knowledge }: Situation): Drafted {
  const voteId = dice.oneOf(knowledge.names('v', pool));
  const kind = dice.integer(100);
  if (voteId !== undefined && kind < 70) return { type: 'Vote', voteId, ...ballot(dice) };
  if (voteId !== undefined && kind < 76) return { type: 'CloseVote', voteId };
  return {
    type: 'OpenVote',
    voteId: knowledge.make('v', pool),
    question: 'which?',
    options: [...OPTIONS],
    method: dice.oneOf(METHODS) ?? 'plurality',
    closesAt: now + dice.magnitude(200, 8_000),
    ...(dice.chance(0.6) ? { electorate: [...AGENTS] } : {}),
    ...(dice.chance(0.2) ? { quorum: dice.between(0, 3) } : {}),
    ...(dice.chance(0.3) ? { changeable: false } : {}),
    ...(dice.chance(0.3) ? { closeWhenDecided: false } : {}),
  };
}

function ballot(dice: Random): JsonObject {
  const kind = dice.integer(4);
  if (kind === 0) return { approvals: dice.some(OPTIONS) };
  if (kind === 1) {
    const ranking = dice.some(OPTIONS);
    return { ranking: dice.chance(0.3) ? [ranking.slice(0, 2), ...ranking.slice(2)] : ranking };
  }
  return kind === 2 ? { abstain: true } : { option: dice.pick(OPTIONS) };
}

function aboutNegotiation({ dice, now, pool, agent, knowledge }: Situation): Drafted {
  const sessionId = dice.oneOf(knowledge.names('n', pool));
  const kind = dice.integer(100);
  if (sessionId !== undefined && kind < 30)
    return { type: 'Propose', sessionId, content: { price: dice.integer(9) } };
  if (sessionId !== undefined && kind < 60) {
    return { type: 'AcceptProposal', sessionId, proposalId: `${sessionId}-${dice.between(1, 3)}` };
  }
  if (sessionId !== undefined && kind < 68) return { type: 'RejectProposal', sessionId };
  const other = dice.oneOf(AGENTS.filter((name) => name !== agent)) ?? 'dan';
  return {
    type: 'OpenNegotiation',
    sessionId: knowledge.make('n', pool),
    participants: [agent, other],
    proposal: { price: 1 },
    ...(dice.chance(0.5) ? { deadline: now + dice.magnitude(200, 8_000) } : {}),
  };
}

function aboutDelegation({ dice, now, pool, agent, knowledge }: Situation): Drafted {
  const delegationId = dice.oneOf(knowledge.names('delegation', pool));
  if (delegationId !== undefined && dice.chance(0.3)) return { type: 'RevokeDelegation', delegationId };
  const isPooled = dice.chance(0.2);
  return {
    type: 'Delegate',
    delegateeId: isPooled ? pool : (dice.oneOf(AGENTS.filter((name) => name !== agent)) ?? 'dan'),
    kind: isPooled ? 'pooled' : 'direct',
    scope: dice.chance(0.3) ? ['tasks'] : ['tasks', 'votes', 'auctions', 'negotiations', 'delegations'],
    ...(dice.chance(0.5) ? { expiresAt: now + dice.magnitude(200, 8_000) } : {}),
    ...(dice.chance(0.5) ? { maxDepth: dice.integer(3) } : {}),
  };
}
