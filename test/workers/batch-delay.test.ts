/** Who waits for company before a commit: what is refused for its rate, and what nobody waits for. */
import { describe, expect, it } from 'vitest';
import { World } from '../../src/handlers/world/world.ts';
import { settingsSchema } from '../../src/protocol/settings.ts';
import { batchDelayMs } from '../../src/workers/shard/batch-delay.ts';
import { decodeMessages } from '../../src/workers/shard/decide-batch.ts';
import { MemoryLog, startShard } from '../support/shard.ts';
import { useSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const START = 1_700_000_000_000;
const RATE = { perS: 10, burst: 8 };
const system = useSystem();

function delayOf(agent: string, payload: string, used: Readonly<Record<string, number>>): number {
  const world = World.genesis(0, 1);
  world.settings = settingsSchema.parse({
    agentDecisionsPerS: RATE.perS,
    agentDecisionsBurst: RATE.burst,
    poolDecisionsPerS: RATE.perS,
    poolDecisionsBurst: RATE.burst,
  });
  for (const [key, count] of Object.entries(used)) world.buckets.take(key, RATE, count, START);
  const message = {
    seq: 1,
    at: START,
    subject: `x.decisions.0.commons.${agent}`,
    data: Buffer.from(payload),
  };
  const [entry] = decodeMessages([message], { namespace: 'x', shard: 0, shards: 1 });
  if (entry === undefined) throw new Error('nothing was decoded');
  return batchDelayMs(entry, world);
}

const BEAT = JSON.stringify({ id: 'd', type: 'Heartbeat' });

describe('how long a message waits for company', () => {
  it('not at all, while its agent has used half of its burst at most', () => {
    expect(delayOf('ann', BEAT, {})).toBe(0);
    expect(delayOf('ann', BEAT, { 'agent/ann': 4 })).toBe(0);
    expect(delayOf('ann', BEAT, { 'agent/bob': 8 })).toBe(0);
  });

  it('a little, when its agent has used more', () => {
    const little = delayOf('ann', BEAT, { 'agent/ann': 5 });
    expect(little).toBeGreaterThan(0);
    expect(delayOf('ann', BEAT, { 'agent/ann': 8 })).toBeGreaterThan(little);
  });

  it('longest, when it will be refused, for its agent or for its pool', () => {
    const refused = delayOf('ann', BEAT, { 'agent/ann': 8 });
    expect(delayOf('ann', BEAT, { 'pool/commons': 8 })).toBe(refused);
  });

  it('not for what all in its pool did together, while the pool has room', () => {
    expect(delayOf('ann', BEAT, { 'pool/commons': 7 })).toBe(0);
  });

  it('when it is no decision: nobody waits for an answer', () => {
    expect(delayOf('ann', 'not json', {})).toBeGreaterThan(0);
  });
});

describe('a worker', () => {
  const say = (log: MemoryLog, ns: string, agent: string, i: number): void => {
    const data = Buffer.from(JSON.stringify({ id: `d${i}`, type: 'Heartbeat' }));
    log.append({ at: START, subject: `${ns}.decisions.0.commons.${agent}`, data });
  };

  it('commits what is refused together with what comes after it, however long that takes', async () => {
    const ns = 'batch-delay';
    const log = new CountingLog();
    let commits = 0;
    // Time that stands still: no delay ends by itself.
    const clock = { now: () => 0, monotonic: () => 0, sleep: async () => undefined };
    const shard = await startShard(system, { ns, log, clock, newCommitId: () => `p-${commits++}` });
    const settings = settingsSchema.parse({ agentDecisionsPerS: 1, agentDecisionsBurst: 1 });
    const sweep = Buffer.from(JSON.stringify({ id: 's', type: 'Sweep', settings }));
    log.append({ at: START, subject: `${ns}.decisions.0._shard._sweeper`, data: sweep });
    say(log, ns, 'ann', 0);
    await shard.applied();
    const before = commits;
    for (let i = 1; i <= 3; i++) {
      say(log, ns, 'ann', i);
      await until('it to be read', () => log.isAllRead);
    }
    expect(commits).toBe(before);
    say(log, ns, 'bob', 4);
    await shard.applied();
    expect(commits).toBe(before + 1);
    const { results } = shard.publisher;
    await until('the last to be told', () => results.some(({ key }) => key.includes('bob')));
    const codes = results.slice(-4).map(({ outcome }) => JSON.parse(outcome).code);
    expect(codes).toEqual(['rate_limited', 'rate_limited', 'rate_limited', undefined]);
  });
});

/** Knows what was taken from it. */
class CountingLog extends MemoryLog {
  #taken = 0;

  get isAllRead(): boolean {
    return this.#taken === this.lastSeq;
  }

  override async open(position: Parameters<MemoryLog['open']>[0]): ReturnType<MemoryLog['open']> {
    const reader = await super.open(position);
    return {
      take: async (max, waitMs) => {
        const taken = await reader.take(max, Math.min(waitMs, 1_000));
        this.#taken = taken.at(-1)?.seq ?? this.#taken;
        return taken;
      },
      nudge: () => reader.nudge(),
      interrupt: (why) => reader.interrupt(why),
      close: () => reader.close(),
    };
  }
}
