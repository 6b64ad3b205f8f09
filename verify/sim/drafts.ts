/** One random decision: of every type, about what probably exists. */
import { isObject } from '../../src/protocol/json.ts';
import { COMMONS, SHARD_POOL } from '../../src/protocol/names.ts';
import type { Random } from '../kit/chance/random.ts';
import { type Drawn, drawDecision, type Shares, type Weights, weighing } from '../kit/decisions/draw.ts';
import type { Kind, Scene } from '../kit/decisions/scene.ts';
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
  readonly #pools = new Set<string>([COMMONS]);
  readonly #members = new Set<string>();
  #made = 0;

  /** A new name, which others will be able to name. */
  make(kind: Kind, pool: string): string {
    const name = `${kind.charAt(0)}${this.#made++}`;
    this.#remember(`new ${kind} ${pool}`, name);
    return name;
  }

  /** What was made there, as far as anybody has heard; else what somebody wanted to make. */
  names(kind: Kind, pool: string): readonly string[] {
    return this.#names.get(`${kind} ${pool}`) ?? this.#names.get(`new ${kind} ${pool}`) ?? [];
  }

  exists(pool: string): boolean {
    return this.#pools.has(pool);
  }

  isMember(agent: string, pool: string): boolean {
    return this.#members.has(`${agent} ${pool}`);
  }

  held(agent: string, pool: string): readonly Held[] {
    return this.#held.get(`${agent} ${pool}`) ?? [];
  }

  learn(outcome: { readonly [member: string]: unknown }): void {
    const { status, type, agent, pool, data, decisionId, code } = outcome;
    if (typeof agent !== 'string' || typeof pool !== 'string') return;
    if (code === 'pool_not_found') this.#pools.delete(pool);
    if (code === 'not_a_member') this.#members.delete(`${agent} ${pool}`);
    if (code === 'pool_exists') this.#pools.add(pool);
    if (status !== 'accepted') return;
    this.#pools.add(pool);
    if (type === 'JoinPool') this.#members.add(`${agent} ${pool}`);
    if (type === 'Delegate' && typeof decisionId === 'string')
      this.#remember(`delegation ${pool}`, decisionId);
    for (const [kind, name] of namesIn(data)) this.#remember(`${kind} ${pool}`, name);
    for (const claim of claimsIn(data)) {
      const key = `${agent} ${pool}`;
      this.#held.set(key, [...(this.#held.get(key) ?? []), claim].slice(-MOST_REMEMBERED));
    }
  }

  #remember(key: string, name: string): void {
    const others = (this.#names.get(key) ?? []).filter((other) => other !== name);
    this.#names.set(key, [...others, name].slice(-MOST_REMEMBERED));
  }
}

const NAMES = { taskId: 'task', auctionId: 'auction', voteId: 'vote', sessionId: 'negotiation' } as const;

/** What an outcome names: of a Batch, what those of its members name. */
function namesIn(data: unknown): [Kind, string][] {
  if (!isObject(data)) return [];
  const outcomes = Array.isArray(data.outcomes) ? data.outcomes : [];
  const ofMembers = outcomes.flatMap((entry: unknown) => (isObject(entry) ? namesIn(entry.data) : []));
  const own = Object.entries(NAMES).flatMap(([field, kind]): [Kind, string][] => {
    const name = data[field];
    return typeof name === 'string' ? [[kind, name]] : [];
  });
  return [...own, ...ofMembers];
}

function claimsIn(data: unknown): Held[] {
  if (!isObject(data)) return [];
  const { tasks, handed, outcomes, taskId, claim } = data;
  const inside = [tasks, handed, outcomes].flatMap((list) => (Array.isArray(list) ? list : []));
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

/** Mostly about tasks; what ends a pool, or shuts somebody out of it, comes seldom: else little would be left to decide. */
const WEIGHTS: Weights = {
  CreatePool: 2.2,
  JoinPool: 6.7,
  LeavePool: 1.2,
  Heartbeat: 1.1,
  ClosePool: 0.2,
  UpdatePool: 0.4,
  PausePool: 0.4,
  ResumePool: 0.8,
  ForceRelease: 0.4,
  RemoveMember: 0.5,
  BanAgent: 0.5,
  UnbanAgent: 0.5,
  SubmitTask: 20,
  ClaimTask: 17,
  ClaimNextTask: 17,
  RenewClaim: 0.2,
  ReleaseTask: 0.2,
  ReportTask: 0.2,
  FailTask: 0.2,
  CancelTask: 1.2,
  StandBy: 4,
  StandDown: 0.6,
  OpenAuction: 3,
  SubmitBid: 6,
  CloseAuction: 0.8,
  CancelAuction: 0.4,
  ExtendAuction: 0.4,
  OpenVote: 2,
  Vote: 5.5,
  CloseVote: 0.5,
  OpenNegotiation: 2,
  Propose: 1.8,
  AcceptProposal: 1.8,
  RejectProposal: 0.5,
  Delegate: 4.5,
  RevokeDelegation: 1.5,
};

/** Of a pool of which nobody has heard anything. */
const OF_FOUNDERS: Weights = { ...WEIGHTS, CreatePool: 25 };
/** Who is no member may do little. */
const OF_STRANGERS: Weights = { ...WEIGHTS, JoinPool: 60 };
/** Who holds a claim most often says something about it. */
const OF_HOLDERS: Weights = {
  ...WEIGHTS,
  ClaimTask: 3.6,
  ClaimNextTask: 3.6,
  RenewClaim: 7.2,
  ReleaseTask: 4.3,
  ReportTask: 8.3,
  FailTask: 6.1,
  CancelTask: 2.9,
};

const OF_OPERATORS = weighing({
  BanAgent: 3,
  UnbanAgent: 4,
  RemoveMember: 1,
  PausePool: 0.5,
  ResumePool: 1,
  UpdatePool: 1,
});
const OVER_A_SHARD = weighing({ BanAgent: 2, UnbanAgent: 3 });

export function draft(situation: Situation): Drawn {
  return drawn(situation, { batches: 0.08, onBehalf: 0.05, weights: weightsOf(situation) });
}

function weightsOf(situation: Situation): Weights {
  const { pool, knowledge } = situation;
  const unknown = ABOUT.filter(({ kind }) => knowledge.names(kind, pool).length === 0);
  const weights = weightsOfAgent(situation);
  const less = unknown.flatMap(({ types }) => types).map((type) => [type, SELDOM * (weights[type] ?? 1)]);
  return { ...weights, ...Object.fromEntries(less) };
}

/** What is decided about something that is there: where there is nothing, seldom. */
const ABOUT = [
  { kind: 'auction', types: ['SubmitBid', 'CloseAuction', 'CancelAuction', 'ExtendAuction'] },
  { kind: 'vote', types: ['Vote', 'CloseVote'] },
  { kind: 'negotiation', types: ['Propose', 'AcceptProposal', 'RejectProposal'] },
  { kind: 'delegation', types: ['RevokeDelegation'] },
  { kind: 'task', types: ['ClaimTask', 'CancelTask', 'ForceRelease'] },
] as const;
const SELDOM = 0.1;

function weightsOfAgent({ pool, agent, knowledge }: Situation): Weights {
  if (!knowledge.exists(pool)) return OF_FOUNDERS;
  if (!knowledge.isMember(agent, pool)) return OF_STRANGERS;
  return knowledge.held(agent, pool).length > 0 ? OF_HOLDERS : WEIGHTS;
}

/** What operators of the system decide: in a pool, or over all pools of a shard. */
export function operated(situation: Situation): Drawn {
  const weights = situation.pool === SHARD_POOL ? OVER_A_SHARD : OF_OPERATORS;
  return drawn(situation, { batches: 0, onBehalf: 0, weights });
}

function drawn({ dice, now, pool, agent, knowledge }: Situation, shares: Shares): Drawn {
  const scene: Scene = {
    random: dice,
    now,
    pool,
    agent,
    agents: AGENTS,
    labels: ['read', 'draw'],
    options: ['red', 'green', 'blue'],
    lasts: () => dice.magnitude(100, 8_000),
    name: (kind) => knowledge.make(kind, pool),
    known: (kind) => dice.oneOf(knowledge.names(kind, pool)) ?? `${kind}0`,
    held: () => dice.oneOf(knowledge.held(agent, pool)),
  };
  return drawDecision(scene, shares);
}
