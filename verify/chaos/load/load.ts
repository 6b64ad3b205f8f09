/** Agents at work: many flows side by side, at a bounded rate, sending again what was sent and now and then nonsense. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { Subjects } from '../../../src/protocol/subjects.ts';
import { Random } from '../../kit/chance/random.ts';
import type { Recorder } from '../history/recorder.ts';
import { FLOWS } from './flows.ts';
import { poison } from './poison.ts';
import { poolsOnEveryShard } from './probes.ts';
import type { Decision, Sender } from './sender.ts';
import type { Stage } from './stage.ts';

export interface LoadOptions {
  readonly sender: Sender;
  readonly subjects: Subjects;
  readonly shards: number;
  readonly recorder: Recorder;
  readonly seed: number;
  /** Decisions a second, at most, besides the probes. */
  readonly rate: number;
}

const AGENTS = 9;
const FLOWS_AT_ONCE = 48;
const TICK_MS = 20;
const SENT_AGAIN = 0.04;
const SENT_AGAIN_WITHIN_MS = 2_000;
const POISON_EVERY_MS = 1_500;
/** What was decided lately and can be sent again. */
const MOST_RECENT = 200;

export class Load {
  readonly #options: LoadOptions;
  readonly #random: Random;
  readonly #pools: readonly string[];
  readonly #agents: readonly string[];
  readonly #recent: { readonly agent: string; readonly pool: string; readonly decision: Decision }[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #flows: Promise<void>[] = [];
  readonly #resent = new Set<Promise<unknown>>();
  #timers: NodeJS.Timeout[] = [];
  #next = 0;
  /** Decisions of each pool. */
  readonly #decided = new Map<string, number>();
  #isEnding = false;
  #isPaused = false;
  #tokens = 0;
  #underWay = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#pools = poolsOnEveryShard('pool', options.shards);
    this.#agents = Array.from({ length: AGENTS }, (_, i) => `agent-${i}`);
  }

  /** Creates the pools and lets the agents join them; then they are at work. */
  async start(): Promise<void> {
    const { rate } = this.#options;
    this.#timers = [
      setInterval(() => this.#fill((rate * TICK_MS) / 1_000), TICK_MS),
      setInterval(() => this.#poison(), POISON_EVERY_MS),
    ];
    for (const pool of this.#pools) {
      await this.#decide('agent-0', pool, { type: 'CreatePool' });
      await Promise.all(this.#agents.map((agent) => this.#decide(agent, pool, { type: 'JoinPool' })));
    }
    for (let i = 0; i < FLOWS_AT_ONCE; i++) this.#flows.push(this.#play());
  }

  /** Decisions that are sent and have no outcome yet. */
  get underWay(): number {
    return this.#underWay;
  }

  /** No new decision goes out while it is paused. */
  set paused(paused: boolean) {
    this.#isPaused = paused;
  }

  /** Lets every flow end where it is; resolves when nothing is under way any more, or the sender was ended. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#isPaused = false;
    for (const timer of this.#timers) clearInterval(timer);
    for (const go of this.#waiting.splice(0)) go();
    await Promise.all(this.#flows);
    await Promise.all(this.#resent);
  }

  /** Sends some of the recent decisions again at once. */
  async sendAgain(count: number): Promise<void> {
    const again = this.#random.shuffled(this.#recent).slice(0, count);
    await Promise.all(
      again.map(({ agent, pool, decision }) => this.#options.sender.send(agent, pool, decision)),
    );
  }

  /** Messages into the log that no agent would send. */
  async poisonNow(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#poison()));
  }

  async #poison(): Promise<void> {
    if (this.#isPaused) return;
    const { sender, subjects, shards, recorder } = this.#options;
    const { subject, payload } = poison(this.#random, subjects, shards, this.#pools, `x${this.#next++}`);
    const seq = await sender.publish(subject, payload);
    if (seq !== undefined) recorder.write({ t: 'poison', at: Date.now(), seq });
  }

  async #play(): Promise<void> {
    const all = FLOWS.reduce((sum, [share]) => sum + share, 0);
    while (!this.#isEnding) {
      let at = this.#random.integer(all);
      const chosen = FLOWS.find(([share]) => {
        at -= share;
        return at < 0;
      });
      await chosen?.[1](this.#stage());
    }
  }

  #stage(): Stage {
    const pool = this.#pools[this.#random.integer(this.#pools.length)] ?? 'commons';
    const [a = '', b = '', c = ''] = this.#random.shuffled(this.#agents);
    return {
      pool,
      random: this.#random,
      agents: [a, b, c],
      newName: () => `n${this.#next++}`,
      decide: (agent, fields) => this.#decide(agent, pool, fields),
    };
  }

  async #decide(
    agent: string,
    pool: string,
    fields: { readonly type: string; readonly [field: string]: unknown },
  ): Promise<Outcome | undefined> {
    await this.#turn();
    if (this.#isEnding) return undefined;
    // The same ids in every pool: an id belongs to an agent in a pool.
    const count = this.#decided.get(pool) ?? 0;
    this.#decided.set(pool, count + 1);
    const decision = { id: `d${count}`, ...fields };
    this.#underWay++;
    const outcome = await this.#options.sender.decide(agent, pool, decision);
    this.#underWay--;
    if (outcome === undefined) return undefined;
    this.#recent.push({ agent, pool, decision });
    if (this.#recent.length > MOST_RECENT) this.#recent.shift();
    if (this.#random.chance(SENT_AGAIN)) this.#sendAgainLater(agent, pool, decision);
    return outcome;
  }

  /** At once, or when the next decisions have come between. */
  #sendAgainLater(agent: string, pool: string, decision: Decision): void {
    const { sender } = this.#options;
    const after = this.#random.chance(0.5) ? 0 : this.#random.integer(SENT_AGAIN_WITHIN_MS);
    const sent = delay(after)
      .then(() => (this.#isEnding || this.#isPaused ? false : sender.send(agent, pool, decision)))
      .finally(() => this.#resent.delete(sent));
    this.#resent.add(sent);
  }

  /** Its turn, at the rate that is allowed. */
  #turn(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isEnding) resolve();
      else this.#waiting.push(resolve);
    });
  }

  #fill(tokens: number): void {
    if (this.#isPaused) return;
    this.#tokens = Math.min(this.#tokens + tokens, this.#options.rate);
    while (this.#tokens >= 1 && this.#waiting.length > 0) {
      this.#tokens--;
      this.#waiting.shift()?.();
    }
  }
}
