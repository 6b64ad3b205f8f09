/** Steady traffic whose end can be proved: every acknowledged decision is counted, and none may be lost or doubled. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { faultsIn } from './legal-history.ts';
import type { PubAck, RawAgent, RawOutcome } from './raw-agent.ts';
import type { Space } from './system.ts';
import { until } from './until.ts';

export interface Sent {
  readonly id: string;
  readonly pool: string;
  readonly ack: PubAck;
}

/** How much goes on being sent after the test has what it asked for: whatever it does next happens under load. */
const AHEAD = 300;

export class Load {
  /** Every decision that the log acknowledged. */
  readonly sent: Sent[] = [];
  readonly #agent: RawAgent;
  readonly #pools: readonly string[];
  #goal = 0;
  #isRunning = true;
  #ids = 0;
  readonly #done: Promise<void>;

  constructor(agent: RawAgent, pools: readonly string[]) {
    this.#agent = agent;
    this.#pools = pools;
    this.#done = this.#run();
  }

  /** Resolves when so many more decisions are acknowledged. */
  async more(count: number, withinMs?: number): Promise<void> {
    const goal = this.sent.length + count;
    this.#goal = goal + AHEAD;
    await until(`${goal} decisions to be acknowledged`, () => this.sent.length >= goal, withinMs);
  }

  async stop(): Promise<readonly Sent[]> {
    this.#isRunning = false;
    await this.#done;
    return this.sent;
  }

  /** One task after the other: submitted, claimed, reported. What the log does not confirm is sent again. */
  async #run(): Promise<void> {
    while (this.#isRunning && !this.#agent.nats.isClosed()) {
      if (this.sent.length >= this.#goal) await delay(5);
      else await Promise.all(this.#pools.map((pool) => this.#lifecycle(pool)));
    }
  }

  async #lifecycle(pool: string): Promise<void> {
    const taskId = `t-${this.#ids++}`;
    for (const body of [
      { type: 'SubmitTask', taskId, objective: 'load', constraints: { claimTtlMs: 600_000 } },
      { type: 'ClaimTask', taskId },
      { type: 'ReportTask', taskId, result: { done: taskId } },
    ]) {
      const id = `d-${this.#ids++}`;
      while (!this.#agent.nats.isClosed()) {
        const ack = await this.#agent.send(pool, { id, ...body }).catch(() => undefined);
        if (ack === undefined) continue;
        this.sent.push({ id, pool, ack });
        break;
      }
    }
  }
}

/** I1, I6: every acknowledged decision has exactly one outcome, that of its first place in the log, and was accepted. */
export async function expectAllApplied(space: Space, agent: RawAgent, sent: readonly Sent[]): Promise<void> {
  await space.applied(20_000);
  const wrong: unknown[] = [];
  for (const { id, pool, ack } of sent) {
    const { ok, error } = await agent.query('outcome', { agent: agent.name, decisionId: id, pool });
    if (ok?.status !== 'accepted' || ok.seq > ack.seq) wrong.push({ id, pool, ack, ok, error });
  }
  expect(wrong.slice(0, 3)).toEqual([]);
}

/** I4: every event of every outcome is there, and the sequence of each pool has no gap and its order is the log's. */
export async function expectEventsComplete(space: Space): Promise<void> {
  await space.published(20_000);
  const events = await space.events();
  const expected = await expectedEventIds(space);
  expect(events.map(({ id }) => id).sort()).toEqual(expected.sort());
  expect(faultsIn(events)).toEqual([]);
}

/** What the recorded outcomes say that there is: all of them are still remembered in these tests. */
async function expectedEventIds(space: Space): Promise<string[]> {
  const ids: string[] = [];
  for (let shard = 0; shard < space.shards; shard++) {
    const outcomes = await space.system.redis.hvals(`${space.ns}:{${shard}}:s:outcomes`);
    ids.push(...outcomes.flatMap((json) => (JSON.parse(json) as RawOutcome).events));
  }
  return ids;
}
