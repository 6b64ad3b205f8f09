import { expect, it } from 'vitest';
import { dumpState } from '../support/dump-state.ts';
import { firstDifference } from '../support/first-difference.ts';
import { impliedIndexes, indexesOf } from '../support/implied-indexes.ts';
import { MemoryLog, RecordingPublisher, startShard } from '../support/shard.ts';
import { useSystem } from '../support/system.ts';
import { randomOf, type Traffic, workload } from '../support/workload.ts';

const system = useSystem({ redis: { appendOnly: false } });
const stat: Record<string, number> = {};
async function run(ns: string, traffic: readonly Traffic[], batch: number, owners = 1) {
  await system.redis.flushall();
  const log = new MemoryLog();
  const publisher = new RecordingPublisher();
  const random = randomOf(owners);
  const ends = Array.from({ length: owners - 1 }, () => Math.floor(random() * traffic.length)).sort(
    (a, b) => a - b,
  );
  for (const end of [...ends, traffic.length]) {
    for (const message of traffic.slice(log.messages.length, end)) log.append(message);
    const shard = await startShard(system, { ns, log, publisher, maxBatch: batch });
    await shard.applied();
    await shard.stop();
  }
  return {
    outcomes: publisher.results,
    events: publisher.published,
    deadLetters: publisher.deadLetters,
    state: await dumpState(system.redis, ns),
  };
}
const from = Number(process.env.FROM ?? 100),
  n = Number(process.env.N ?? 40);
it('fuzz', { timeout: 3_000_000 }, async () => {
  for (let seed = from; seed < from + n; seed++) {
    const ns = `f${seed}`;
    const traffic = workload({
      ns,
      seed,
      count: Number(process.env.COUNT ?? 1200),
      sweeps: [0.005, 0.02, 0.06][seed % 3] ?? 0.06,
    });
    const expected = await run(ns, traffic, 256);
    for (const { subject, json } of expected.events) {
      const k =
        'E ' +
        subject
          .split('.')
          .slice(3)
          .filter((_, i) => i !== 1)
          .join('.');
      stat[k] = (stat[k] ?? 0) + 1;
      void json;
    }
    for (const { outcome } of expected.outcomes) {
      const o = JSON.parse(outcome);
      const k = `O ${o.type} ${o.status} ${o.code ?? ''}`;
      stat[k] = (stat[k] ?? 0) + 1;
    }
    expect
      .soft(
        firstDifference(impliedIndexes(expected.state), indexesOf(expected.state)),
        `seed ${seed} indexes`,
      )
      .toBeUndefined();
    for (const [b, o] of [
      [1, 2],
      [5, 30],
      [256, 60],
    ] as const)
      expect
        .soft(firstDifference(expected, await run(ns, traffic, b, o)), `seed ${seed} b${b} o${o}`)
        .toBeUndefined();
  }
  console.log(
    Object.entries(stat)
      .sort()
      .map(([k, v]) => `${v}\t${k}`)
      .join('\n'),
  );
});
