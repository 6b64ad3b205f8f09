/**
 * Random but repeatable traffic on one shard: what agents, sweepers and strangers write, with log times. It visits
 * every decision type, sweeps with changing retention, batches, repeats of earlier messages, and rubbish.
 */
import type { LogMessage } from '../../src/bus/log-reader.ts';
import { Random } from '../../verify/kit/chance/random.ts';
import { type Drawn, drawDecision, weighing } from '../../verify/kit/decisions/draw.ts';
import { drawQuotas } from '../../verify/kit/decisions/every-type.ts';
import type { Claimed, Kind, Scene } from '../../verify/kit/decisions/scene.ts';

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

const AGENTS = ['ann', 'bob', 'cat', 'dan'] as const;
export const START = 1_700_000_000_000;

/** More often than not about tasks, and more often than not about one that the agent may well hold. */
const WEIGHTS = weighing({
  CreatePool: 4,
  JoinPool: 8,
  LeavePool: 1.3,
  Heartbeat: 1.3,
  ClosePool: 0.6,
  SubmitTask: 13,
  ClaimTask: 13,
  ClaimNextTask: 6.5,
  StandBy: 2.5,
  StandDown: 0.4,
  RenewClaim: 3,
  ReleaseTask: 1.6,
  ReportTask: 5.5,
  FailTask: 3,
  CancelTask: 2,
  OpenAuction: 3.5,
  SubmitBid: 7.5,
  CloseAuction: 1,
  CancelAuction: 0.7,
  ExtendAuction: 0.4,
  OpenVote: 2.8,
  Vote: 5.2,
  CloseVote: 0.7,
  OpenNegotiation: 2.8,
  Propose: 2,
  AcceptProposal: 2,
  RejectProposal: 0.7,
  Delegate: 3.8,
  RevokeDelegation: 1.7,
});
const OF_OPERATORS = weighing({
  PausePool: 1,
  ResumePool: 2,
  UpdatePool: 1,
  ForceRelease: 1,
  RemoveMember: 1,
  BanAgent: 1,
  UnbanAgent: 2,
});
const OVER_A_SHARD = weighing({ BanAgent: 1, UnbanAgent: 3 });

interface Made {
  readonly pool: string;
  readonly agent: string;
  readonly body: string;
}

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
  const chance = (share: number): boolean => random.chance(share);
  const traffic: Traffic[] = [];
  const guesses = new Map(pools.map((pool) => [pool, new Guess(random)]));
  let at = start;
  let ids = 0;
  let names = 0;

  function sceneOf(pool: string, agent: string): Scene {
    const guess = guesses.get(pool) ?? new Guess(random);
    return {
      random,
      now: at,
      pool,
      agent,
      agents: AGENTS,
      labels: ['read', 'write', 'draw'],
      options: ['red', 'green', '2', '10'],
      lasts: () => random.magnitude(50, 8_000),
      name: (kind) => guess.named(kind, `${kind.charAt(0)}${names++}`),
      known: (kind) => (kind === 'delegation' ? `d${Math.max(0, ids - below(60))}` : guess.known(kind)),
      held: () => guess.heldBy(agent),
    };
  }

  function decision(): Made {
    const pool = random.oneOf(pools) ?? 'commons';
    const agent = random.pick(AGENTS);
    const drawn = drawDecision(sceneOf(pool, agent), { batches: 0.08, onBehalf: 0.06, weights: WEIGHTS });
    guesses.get(pool)?.decided(agent, drawn);
    return { pool, agent, body: JSON.stringify({ id: `d${ids++}`, ...drawn }) };
  }

  function operate(): Made {
    const isOfShard = chance(0.3);
    const pool = isOfShard ? '_shard' : (random.oneOf(pools) ?? 'commons');
    const agent = isOfShard ? '_operator' : random.pick([...AGENTS, '_operator', '_operator']);
    const weights = isOfShard ? OVER_A_SHARD : OF_OPERATORS;
    const drawn = drawDecision(sceneOf(pool, agent), { batches: 0, onBehalf: 0, weights });
    return { pool, agent, body: JSON.stringify({ id: `o${ids++}`, ...drawn }) };
  }

  function sweep(): Made {
    const settings = chance(0.5)
      ? {
          outcomeRetentionMs: random.pick([300, 2_000, 600_000]),
          finalRetentionMs: random.pick([200, 1_500, 86_400_000]),
          finalRetentionCount: random.pick([3, 20, 100_000]),
          ...(operated ? drawQuotas(random) : {}),
        }
      : undefined;
    const limit = chance(0.3) ? { limit: 1 + below(10) } : {};
    const until = chance(0.1) ? { until: at - below(500) } : {};
    const body = { id: `s${ids++}`, type: 'Sweep', ...limit, ...until, ...(settings && { settings }) };
    return { pool: '_shard', agent: '_sweeper', body: JSON.stringify(body) };
  }

  function rubbish(): Made {
    const id = `r${ids++}`;
    const body = random.pick([
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
    return { pool: random.oneOf(pools) ?? 'commons', agent: random.pick(AGENTS), body };
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
  readonly #random: Random;
  readonly #names = new Map<Kind, string[]>();
  readonly #claims = new Map<string, string[]>();

  constructor(random: Random) {
    this.#random = random;
  }

  named(kind: Kind, name: string): string {
    this.#names.set(kind, [...(this.#names.get(kind) ?? []), name].slice(kind === 'task' ? -12 : -4));
    return name;
  }

  known(kind: Kind): string {
    return this.#random.oneOf(this.#names.get(kind) ?? []) ?? `${kind.charAt(0)}0`;
  }

  decided(agent: string, { type, taskId }: Drawn): void {
    if (type !== 'ClaimTask' || typeof taskId !== 'string') return;
    this.#claims.set(agent, [...(this.#claims.get(agent) ?? []), taskId].slice(-3));
  }

  heldBy(agent: string): Claimed | undefined {
    const taskId = this.#random.oneOf(this.#claims.get(agent) ?? []);
    return taskId === undefined ? undefined : { taskId };
  }
}
