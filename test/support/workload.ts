/**
 * Random but repeatable traffic on one shard: what agents, sweepers and strangers write, with log times. It visits
 * every decision type, sweeps with changing retention, batches, repeats of earlier messages, and rubbish.
 */
import type { LogMessage } from '../../src/bus/log-reader.ts';

export type Traffic = Omit<LogMessage, 'seq'>;

/** mulberry32: small, and the same everywhere. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface WorkloadOptions {
  readonly ns: string;
  readonly seed: number;
  readonly count: number;
  readonly shard?: number;
  readonly pools?: readonly string[];
  /** Share of sweeps. */
  readonly sweeps?: number;
}

const AGENTS = ['ann', 'bob', 'cat', 'dan'];
const TOPICS = ['maths', 'art'];
const SKILLS = ['read', 'write', 'draw'];
export const START = 1_700_000_000_000;

export function workload({
  ns,
  seed,
  count,
  shard = 0,
  pools = ['commons', 'p1', 'p2', 'p3', 'p4'],
  sweeps = 0.06,
}: WorkloadOptions): Traffic[] {
  const random = randomOf(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const chance = (share: number): boolean => random() < share;
  const some = <T>(from: readonly T[]): T[] => from.filter(() => chance(0.5));
  const traffic: Traffic[] = [];
  const guesses = new Map(pools.map((pool) => [pool, new Guess()]));
  let at = START;
  let ids = 0;
  let tasks = 0;

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
      return { type: 'RenewClaim', taskId, ...(chance(0.5) ? { progress: random(), note: 'on' } : {}) };
    }
    if (kind < 48) return { type: 'ReleaseTask', taskId };
    if (kind < 75) return { type: 'ReportTask', taskId, result: { ok: true, 3: below(9) } };
    if (kind < 90) return { type: 'FailTask', taskId, reason: 'no', retryable: chance(0.7) };
    return { type: 'CancelTask', taskId, ...(chance(0.5) ? { reason: 'moot' } : {}) };
  }

  function single(guess: Guess, agent: string): object {
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

  function decision(): { pool: string; agent: string; body: string } {
    const pool = pick(pools);
    const agent = pick(AGENTS);
    const guess = guesses.get(pool) ?? new Guess();
    const id = `d${ids++}`;
    if (chance(0.08)) {
      const decisions = Array.from({ length: 1 + below(4) }, () => single(guess, agent));
      return { pool, agent, body: JSON.stringify({ id, type: 'Batch', atomic: chance(0.5), decisions }) };
    }
    return { pool, agent, body: JSON.stringify({ id, ...single(guess, agent) }) };
  }

  function sweep(): { pool: string; agent: string; body: string } {
    const settings = chance(0.5)
      ? {
          outcomeRetentionMs: pick([300, 2_000, 600_000]),
          finalRetentionMs: pick([200, 1_500, 86_400_000]),
          finalRetentionCount: pick([3, 20, 100_000]),
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
    const kind = random();
    const earlier = traffic[below(traffic.length)];
    if (kind < 0.08 && earlier !== undefined) {
      // Sent again, at another time; sometimes the log's clock stands still or goes back a little.
      traffic.push({ ...earlier, at: chance(0.2) ? at - 30 : at });
      continue;
    }
    const made = kind < 0.11 ? rubbish() : kind < 0.11 + sweeps ? sweep() : decision();
    const subject = `${ns}.decisions.${shard}.${made.pool}.${made.agent}`;
    traffic.push({ at, subject, data: Buffer.from(made.body) });
  }
  return traffic;
}

/** What probably stands in a pool: enough to aim at, without knowing the rules. */
class Guess {
  readonly recent: string[] = [];
  readonly #claims = new Map<string, string[]>();

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
