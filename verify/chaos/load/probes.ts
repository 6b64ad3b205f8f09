/**
 * Decides a little thing in every shard ten times a second, whatever happens: how long after a fault the first decision
 * that was sent after it has its outcome is the time that the shard needed to recover.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { shardOf } from '../../../src/protocol/shard.ts';
import type { Key } from '../checker/testimony.ts';
import type { Sender } from './sender.ts';

const EVERY_MS = 100;
/** Probes that nobody confirmed; no more are sent then, so that an outage does not end in a flood. */
const MOST_OPEN = 20;
const AGENT = 'probe';
/** Longer than any fault takes. */
const REMEMBERED_MS = 180_000;

interface Heard {
  readonly sentAt: number;
  readonly heardAt: number;
}

export class Probes {
  readonly #sender: Sender;
  readonly #pools: readonly string[];
  /** Probes without an outcome, and when they were sent. */
  readonly #open = new Map<string, { readonly shard: number; readonly at: number }>();
  readonly #unconfirmed: number[];
  /** Per shard: probes whose outcome came lately, in that order. */
  readonly #heard: Heard[][];
  #watches: { since: number; recovered: Map<number, number>; done: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #next = 0;
  #isPaused = false;

  constructor(sender: Sender, shards: number) {
    this.#sender = sender;
    this.#pools = poolsOnEveryShard('probes', shards);
    this.#unconfirmed = this.#pools.map(() => 0);
    this.#heard = this.#pools.map(() => []);
  }

  async start(): Promise<void> {
    for (const pool of this.#pools) {
      await this.#sender.decide(AGENT, pool, { id: 'create', type: 'CreatePool' });
      await this.#sender.decide(AGENT, pool, { id: 'join', type: 'JoinPool' });
    }
    this.#timer = setInterval(() => this.#probe(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  set paused(paused: boolean) {
    this.#isPaused = paused;
  }

  onOutcome({ agent, id }: Key): void {
    if (agent !== AGENT) return;
    const probe = this.#open.get(id);
    if (probe === undefined) return;
    this.#open.delete(id);
    const now = Date.now();
    const heard = this.#heard[probe.shard] ?? [];
    heard.push({ sentAt: probe.at, heardAt: now });
    while ((heard[0]?.heardAt ?? now) < now - REMEMBERED_MS) heard.shift();
    for (const watch of this.#watches) {
      if (probe.at < watch.since || watch.recovered.has(probe.shard)) continue;
      watch.recovered.set(probe.shard, now - watch.since);
      if (watch.recovered.size === this.#pools.length) watch.done();
    }
  }

  /**
   * How long each shard took, from `since`, to give a first new outcome; shards that did not within the time are missing.
   */
  async recovered(since: number, withinMs: number): Promise<ReadonlyMap<number, number>> {
    const recovered = new Map<number, number>();
    let done = (): void => undefined;
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    const watch = { since, recovered, done };
    // What breaks something can take long, and a shard may be at work again before it is done.
    for (const [shard, heard] of this.#heard.entries()) {
      const first = heard.find(({ sentAt }) => sentAt >= since);
      if (first !== undefined) recovered.set(shard, first.heardAt - since);
    }
    if (recovered.size === this.#pools.length) return recovered;
    this.#watches.push(watch);
    const late = new AbortController();
    await Promise.race([all, delay(withinMs, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    this.#watches = this.#watches.filter((each) => each !== watch);
    return recovered;
  }

  /**
   * The longest that any pool waited for an answer to what was sent since then; one that has none yet waits still. Answers are
   * told in the order of the log, so that one that is missing where a later one came was lost on its way.
   */
  slowest(since: number, exceptShard?: number): number {
    let slowestMs = 0;
    const newest = new Map<number, number>();
    for (const [shard, heard] of this.#heard.entries()) {
      if (shard === exceptShard) continue;
      for (const { sentAt, heardAt } of heard) {
        newest.set(shard, Math.max(newest.get(shard) ?? 0, sentAt));
        if (sentAt >= since) slowestMs = Math.max(slowestMs, heardAt - sentAt);
      }
    }
    for (const { shard, at } of this.#open.values()) {
      const isWaiting = at >= since && at > (newest.get(shard) ?? 0);
      if (isWaiting && shard !== exceptShard) slowestMs = Math.max(slowestMs, Date.now() - at);
    }
    return slowestMs;
  }

  #probe(): void {
    if (this.#isPaused) return;
    for (const [shard, pool] of this.#pools.entries()) {
      if ((this.#unconfirmed[shard] ?? 0) >= MOST_OPEN) continue;
      const id = `p${this.#next++}`;
      this.#open.set(id, { shard, at: Date.now() });
      this.#count(shard, 1);
      void this.#sender
        .sendOnce(AGENT, pool, { id, type: 'Heartbeat' })
        .finally(() => this.#count(shard, -1));
    }
  }

  #count(shard: number, by: number): void {
    this.#unconfirmed[shard] = (this.#unconfirmed[shard] ?? 0) + by;
  }
}

/** One pool for each shard, in their order. */
export function poolsOnEveryShard(prefix: string, shards: number): string[] {
  return Array.from({ length: shards }, (_, shard) => {
    for (let i = 0; ; i++) {
      const pool = `${prefix}-${i}`;
      if (shardOf(pool, shards) === shard) return pool;
    }
  });
}
