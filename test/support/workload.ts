/**
 * Random but repeatable traffic on one shard: what agents, sweepers and strangers write, with log times. It visits
 * every decision type, sweeps with changing retention, batches, repeats of earlier messages, and rubbish.
 */
import type { LogMessage } from '../../src/bus/log-reader.ts';
import { Random } from '../../verify/kit/chance/random.ts';

export type Traffic = Omit<LogMessage, 'seq'>;

export interface WorkloadOptions {
  readonly ns: string;
  readonly seed: number;
  readonly count: number;
  readonly shard?: number;
  readonly pools?: readonly string[];
  /** Share of sweeps. */
  readonly sweeps?: number;
  /** With what operators decide, and with quotas that are reached. */
  readonly operated?: boolean;
  /** Log time of the first message. */
  readonly start?: number;
}

const AGENTS = ['ann', 'bob', 'cat', 'dan'];
const TOPICS = ['maths', 'art'];
const SKILLS = ['read', 'write', 'draw'];
const OPTIONS = ['red', 'green', '2', '10'];
export const START = 1_700_000_000_000;

export function workload({
  ns,
  seed,
  count,
  shard = 0,
  pools = ['commons', 'p1', 'p2', 'p3', 'p4'],
  sweeps = 0.06,
  start = START,
  operated = false,
}: WorkloadOptions): Traffic[] {
  const random = new Random(seed);
  const below = (n: number): number => random.integer(n);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const chance = (share: number): boolean => random.next() < share;
  const some = <T>(from: readonly T[]): T[] => from.filter(() => chance(0.5));
  const traffic: Traffic[] = [];
  const guesses = new Map(pools.map((pool) => [pool, new Guess(pick)]));
  let at = start;
  let ids = 0;
  let tasks = 0;
  let entities = 0;

  function skills(): unknown[] {
    return some([...SKILLS, ['read', 'draw']]);
  }

  function submit(guess: Guess): object {
    const { recent } = guess;
    const taskId = recent.length === 0 || chance(0.95) ? `t${tasks++}` : pick(recent);
    const dependsOn = recent.length > 1 && chance(0.3) ? { dependsOn: [pick(recent), pick(recent)] } : {};
    guess.submitted(taskId);
    return {
      type: 'SubmitTask',
      taskId,
      objective: pick(['plain', 'ünïcode ✓', 'line\u2028separator "quoted"']),
      ...(chance(0.3) ? { inputs: { 10: 1, 2: [1e-7, -0, 'x'], a: { z: null } } } : {}),
      ...(chance(0.4) ? { topic: pick(TOPICS) } : {}),
      ...(chance(0.3) ? { requiredCapabilities: skills() } : {}),
      ...(chance(0.4) ? { priority: below(5) - 2 } : {}),
      ...(chance(0.1) ? { notBefore: at + below(2_000) } : {}),
      ...(chance(0.1) ? { deadline: at + below(3_000) - 100 } : {}),
      ...dependsOn,
      ...(chance(0.5) ? { constraints: constraints() } : {}),
    };
  }

  function constraints(): object {
    return {
      claimTtlMs: 50 + below(5_000),
      maxAttempts: 1 + below(3),
      maxExpiries: 1 + below(3),
      ...(chance(0.3) ? { backoffMs: below(500), 7: 'seven', cpu: 0.5 } : {}),
      ...(chance(0.3) ? { maxRunMs: 100 + below(2_000) } : {}),
    };
  }

  function createPool(): object {
    return {
      type: 'CreatePool',
      ...(chance(0.2) ? { admission: { kind: 'allowlist', agents: some(AGENTS) } } : {}),
      ...(chance(0.2) ? { capacity: 1 + below(3) } : {}),
      ...(chance(0.3) ? { submitters: 'members', maxClaimsPerAgent: 2 } : {}),
      ...(chance(0.3) ? { defaults: { claimTtlMs: 200, maxExpiries: 2, note: 'kept' } } : {}),
    };
  }

  /** What one agent decides about tasks: more often than not about one that it may well hold. */
  function aboutTask(guess: Guess, agent: string): object {
    const mine = guess.claimedBy(agent);
    const taskId =
      mine.length > 0 && chance(0.8) ? pick(mine) : guess.recent.length > 0 ? pick(guess.recent) : 't0';
    const kind = below(100);
    if (kind < 25 || mine.length === 0) {
      const wanted = guess.recent.length > 0 ? pick(guess.recent) : 't0';
      guess.claimed(wanted, agent);
      return { type: 'ClaimTask', taskId: wanted, ...(chance(0.2) ? { claimTtlMs: 300 } : {}) };
    }
    if (kind < 40) {
      return { type: 'RenewClaim', taskId, ...(chance(0.5) ? { progress: random.next(), note: 'on' } : {}) };
    }
    if (kind < 48) return { type: 'ReleaseTask', taskId };
    if (kind < 75) return { type: 'ReportTask', taskId, result: { ok: true, 3: below(9) } };
    if (kind < 90) return { type: 'FailTask', taskId, reason: 'no', retryable: chance(0.7) };
    return { type: 'CancelTask', taskId, ...(chance(0.5) ? { reason: 'moot' } : {}) };
  }

  function openAuction(guess: Guess): object {
    const auctionId = `a${entities++}`;
    guess.opened('auction', auctionId);
    const kind = pick(['first_price_sealed', 'second_price_sealed', 'english', 'dutch'] as const);
    return {
      type: 'OpenAuction',
      auctionId,
      kind,
      direction: pick(['forward', 'reverse']),
      closesAt: at + 500 + below(8_000),
      ...(chance(0.3) ? { reserve: pick(['2.5', 3, '0.000001']) } : {}),
      ...(kind === 'dutch' || chance(0.3) ? { startPrice: 10 } : {}),
      ...(kind === 'dutch' ? { step: '0.5', stepMs: 50 + below(200) } : {}),
      ...(kind === 'english' ? { increment: pick([1, [{ below: 5, step: '0.5' }, { step: 1 }]]) } : {}),
      ...(kind === 'english' && chance(0.5) ? { proxy: true, softCloseMs: below(300) } : {}),
      ...(chance(0.4) && guess.recent.length > 0 ? { taskId: pick(guess.recent) } : {}),
      ...(chance(0.3) ? { lot: { 5: 'five', a: 1 } } : {}),
    };
  }

  function openVote(guess: Guess): object {
    const voteId = `v${entities++}`;
    guess.opened('vote', voteId);
    const methods = [
      'plurality',
      'majority',
      { supermajority: { num: 2, den: 3 } },
      'unanimous',
      'approval',
      'ranked',
      'schulze',
      'borda',
    ];
    return {
      type: 'OpenVote',
      voteId,
      question: 'which?',
      options: OPTIONS,
      method: pick(methods),
      closesAt: at + 500 + below(8_000),
      ...(chance(0.5) ? { electorate: AGENTS } : {}),
      ...(chance(0.3) ? { weights: { ann: 3 } } : {}),
      ...(chance(0.3) ? { quorum: below(4) } : {}),
      ...(chance(0.3) ? { changeable: false, closeWhenDecided: false } : {}),
    };
  }

  function ballot(): object {
    return pick([
      () => ({ option: pick(OPTIONS) }),
      () => ({ approvals: some(OPTIONS) }),
      () => ({ ranking: some(OPTIONS) }),
      () => ({ abstain: true }),
    ])();
  }

  function openNegotiation(guess: Guess, agent: string): object {
    const sessionId = `n${entities++}`;
    guess.opened('negotiation', sessionId);
    const participants = [agent, pick(AGENTS.filter((name) => name !== agent))];
    const deadline = chance(0.5) ? { deadline: at + 500 + below(8_000) } : {};
    return {
      type: 'OpenNegotiation',
      sessionId,
      participants,
      proposal: { price: below(9), 1: 'x' },
      ...deadline,
    };
  }

  function delegate(agent: string, pool: string): object {
    const isPooled = chance(0.2);
    return {
      type: 'Delegate',
      delegateeId: isPooled ? pool : pick(AGENTS.filter((name) => name !== agent)),
      kind: isPooled ? 'pooled' : 'direct',
      scope: pick([
        ['tasks'],
        ['Vote', 'auctions'],
        ['tasks', 'votes', 'auctions', 'negotiations', 'delegations'],
      ]),
      ...(chance(0.5) ? { expiresAt: at + below(9_000) } : {}),
      ...(chance(0.5) ? { maxDepth: below(3) } : {}),
    };
  }

  function together(guess: Guess, agent: string, pool: string): object {
    const auctionId = guess.anyOf('auction') ?? 'a0';
    const voteId = guess.anyOf('vote') ?? 'v0';
    const sessionId = guess.anyOf('negotiation') ?? 'n0';
    const kind = below(100);
    if (kind < 10) return openAuction(guess);
    if (kind < 32) {
      const content = chance(0.2) ? { content: { note: 'mine' } } : {};
      return { type: 'SubmitBid', auctionId, amount: pick([1, 2, '2.75', 5, 7, '9.999999', -1]), ...content };
    }
    if (kind < 35) return { type: 'CloseAuction', auctionId };
    if (kind < 37) return { type: 'CancelAuction', auctionId };
    if (kind < 45) return openVote(guess);
    if (kind < 60) return { type: 'Vote', voteId, ...ballot() };
    if (kind < 62) return { type: 'CloseVote', voteId };
    if (kind < 70) return openNegotiation(guess, agent);
    if (kind < 76) return { type: 'Propose', sessionId, content: { price: below(9) } };
    if (kind < 82) return { type: 'AcceptProposal', sessionId, proposalId: `p-${1 + below(2)}` };
    if (kind < 84) return { type: 'RejectProposal', sessionId, reason: 'no' };
    if (kind < 95) return delegate(agent, pool);
    return { type: 'RevokeDelegation', delegationId: `d${Math.max(0, ids - below(60))}` };
  }

  function single(guess: Guess, agent: string, pool: string): object {
    const decided = chance(0.35) ? together(guess, agent, pool) : alone(guess, agent);
    return chance(0.06) ? { ...decided, onBehalfOf: pick(AGENTS) } : decided;
  }

  function alone(guess: Guess, agent: string): object {
    const kind = below(100);
    if (kind < 6) return createPool();
    if (kind < 18) {
      return {
        type: 'JoinPool',
        ...(chance(0.8) ? { capabilities: chance(0.5) ? SKILLS : some(SKILLS) } : {}),
        ...(chance(0.2) ? { presenceMs: 100 + below(2_000) } : {}),
      };
    }
    if (kind < 20) return { type: 'LeavePool' };
    if (kind < 22) return { type: 'Heartbeat' };
    if (kind < 23) return { type: 'ClosePool' };
    if (kind < 43) return submit(guess);
    if (kind < 53) {
      return { type: 'ClaimNextTask', limit: 1 + below(3), ...(chance(0.2) ? { topics: some(TOPICS) } : {}) };
    }
    return aboutTask(guess, agent);
  }

  function quotas(): object {
    return {
      ...(chance(0.5) ? { agentDecisionsPerS: pick([5, 40, 700]), agentDecisionsBurst: 1 + below(9) } : {}),
      ...(chance(0.5) ? { poolDecisionsPerS: pick([20, 90]), poolDecisionsBurst: 1 + below(20) } : {}),
      ...(chance(0.3) ? { agentClaims: 1 + below(3), poolClaims: 2 + below(5) } : {}),
      ...(chance(0.3) ? { agentAuctions: 1 + below(2), poolVotes: 1 + below(3), agentSessions: 1 } : {}),
      ...(chance(0.3) ? { agentBytes: 50 + below(2_000), poolBytes: 100 + below(9_000) } : {}),
    };
  }

  function operate(): { pool: string; agent: string; body: string } {
    const id = `o${ids++}`;
    const agentId = pick(AGENTS);
    if (chance(0.3)) {
      const type = pick(['BanAgent', 'UnbanAgent', 'UnbanAgent', 'UnbanAgent']);
      return { pool: '_shard', agent: '_operator', body: JSON.stringify({ id, type, agentId }) };
    }
    const pool = pick(pools);
    const taskId = pick([...(guesses.get(pool)?.recent ?? []), 't0']);
    const body = pick<object>([
      { type: 'PausePool', reason: 'ünïcode' },
      { type: 'ResumePool' },
      { type: 'ResumePool' },
      { type: 'UpdatePool', operators: some(AGENTS), ...(chance(0.6) ? { quotas: quotas() } : {}) },
      { type: 'ForceRelease', taskId },
      { type: 'RemoveMember', agentId },
      { type: 'BanAgent', agentId, reason: 'loud', ...(chance(0.3) ? { cancelWork: true } : {}) },
      { type: 'UnbanAgent', agentId },
      { type: 'UnbanAgent', agentId },
    ]);
    const agent = pick([...AGENTS, '_operator', '_operator']);
    return { pool, agent, body: JSON.stringify({ id, ...body }) };
  }

  function decision(): { pool: string; agent: string; body: string } {
    const pool = pick(pools);
    const agent = pick(AGENTS);
    const guess = guesses.get(pool) ?? new Guess(pick);
    const id = `d${ids++}`;
    if (chance(0.08)) {
      const decisions = Array.from({ length: 1 + below(4) }, () => single(guess, agent, pool));
      return { pool, agent, body: JSON.stringify({ id, type: 'Batch', atomic: chance(0.5), decisions }) };
    }
    return { pool, agent, body: JSON.stringify({ id, ...single(guess, agent, pool) }) };
  }

  function sweep(): { pool: string; agent: string; body: string } {
    const settings = chance(0.5)
      ? {
          outcomeRetentionMs: pick([300, 2_000, 600_000]),
          finalRetentionMs: pick([200, 1_500, 86_400_000]),
          finalRetentionCount: pick([3, 20, 100_000]),
          ...(operated ? quotas() : {}),
        }
      : undefined;
    const limit = chance(0.3) ? { limit: 1 + below(10) } : {};
    const until = chance(0.1) ? { until: at - below(500) } : {};
    const body = { id: `s${ids++}`, type: 'Sweep', ...limit, ...until, ...(settings && { settings }) };
    return { pool: '_shard', agent: '_sweeper', body: JSON.stringify(body) };
  }

  function rubbish(): { pool: string; agent: string; body: string } {
    const id = `r${ids++}`;
    const body = pick([
      '',
      'not json',
      '[]',
      `{"id":"${id}"}`,
      `{"id":"${id}","type":"NoSuchThing"}`,
      `{"id":"${id}","type":"SubmitTask","taskId":"x","objective":1}`,
      `{"id":"${id}","type":"Heartbeat","__proto__":{"a":1}}`,
      `{"id":"${id}","type":"Heartbeat","id":"${id}"}`,
      '[{"line\\nbreak":1e999}]',
    ]);
    return { pool: pick(pools), agent: pick(AGENTS), body };
  }

  while (traffic.length < count) {
    at += below(40);
    const kind = random.next();
    const earlier = traffic[below(traffic.length)];
    if (kind < 0.08 && earlier !== undefined) {
      // Sent again, at another time; sometimes the log's clock stands still or goes back a little.
      traffic.push({ ...earlier, at: chance(0.2) ? at - 30 : at });
      continue;
    }
    const decide = operated && chance(0.15) ? operate : decision;
    const made = kind < 0.11 ? rubbish() : kind < 0.11 + sweeps ? sweep() : decide();
    const subject = `${ns}.decisions.${shard}.${made.pool}.${made.agent}`;
    traffic.push({ at, subject, data: Buffer.from(made.body) });
  }
  return traffic;
}

/** What probably stands in a pool: enough to aim at, without knowing the rules. */
class Guess {
  readonly recent: string[] = [];
  readonly #open = new Map<string, string[]>();
  readonly #pick: <T>(from: readonly T[]) => T;
  readonly #claims = new Map<string, string[]>();

  constructor(pick: <T>(from: readonly T[]) => T) {
    this.#pick = pick;
  }

  opened(kind: string, id: string): void {
    this.#open.set(kind, [...(this.#open.get(kind) ?? []), id].slice(-4));
  }

  anyOf(kind: string): string | undefined {
    const open = this.#open.get(kind);
    return open && this.#pick(open);
  }

  submitted(taskId: string): void {
    this.recent.push(taskId);
    if (this.recent.length > 12) this.recent.shift();
  }

  claimed(taskId: string, agent: string): void {
    this.#claims.set(agent, [...this.claimedBy(agent), taskId].slice(-3));
  }

  claimedBy(agent: string): readonly string[] {
    return this.#claims.get(agent) ?? [];
  }
}
