/** What is counted is what a worker's heap holds, within a third, whatever it is that agents fill it with. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { applyDecision } from '../../../src/handlers/kernel/apply.ts';
import { World } from '../../../src/handlers/world/world.ts';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import { DEFAULT_SETTINGS } from '../../../src/protocol/settings.ts';
import { PLACE, START, send } from '../message.ts';

setFlagsFromString('--expose-gc');
const gc: () => void = runInNewContext('gc');

function heapBytes(): number {
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}

const UNLIMITED = 1_000_000_000_000;

function emptyWorld(): World {
  const world = World.genesis(PLACE.shard, PLACE.shards);
  world.changeSettings({
    ...DEFAULT_SETTINGS,
    shardBytes: UNLIMITED,
    agentShardBytes: UNLIMITED,
    agentBytes: UNLIMITED,
    poolBytes: UNLIMITED,
    agentPools: 1_000_000,
  });
  return world;
}

type Made = DecisionInput & { readonly pool?: string; readonly agent?: string };

/** What the world holds, and what it counts, after so many decisions that were read from bytes as a worker reads them. */
function measure(
  count: number,
  make: (i: number) => Made,
): { readonly heap: number; readonly bytes: number } {
  const world = emptyWorld();
  const decide = (i: number, made: Made) => {
    const { pool = 'work', agent = 'ann', ...body } = made;
    const decoded = send(agent, pool, { id: `d-${i}`, ...body } as never);
    if (decoded.kind !== 'decision') throw new Error(JSON.stringify(decoded).slice(0, 300));
    const context = {
      now: START,
      shard: 0,
      seq: i + 1,
      index: 0,
      pool,
      agent,
      self: agent,
      decisionId: `d-${i}`,
    };
    const applied = applyDecision(world, decoded.decision, context);
    if (applied.status === 'rejected') throw new Error(`${applied.code}: ${applied.message}`);
    if (i % 256 === 0) world.takeChanges();
  };
  decide(-2, { type: 'CreatePool' });
  decide(-1, { type: 'JoinPool' });
  world.takeChanges();
  const before = heapBytes();
  const counted = world.bytes;
  for (let i = 0; i < count; i++) decide(i, make(i));
  world.takeChanges();
  const heap = heapBytes() - before;
  return { heap, bytes: world.bytes - counted };
}

const task = (i: number, fields: object = {}): Made => ({
  type: 'SubmitTask',
  taskId: `task-${i}`,
  objective: `do what is to be done, number ${i}`,
  ...fields,
});

const SHAPES: Readonly<Record<string, readonly [number, (i: number) => Made]>> = {
  'small tasks': [10_000, (i) => task(i)],
  'tasks with inputs': [
    8_000,
    (i) =>
      task(i, {
        inputs: { url: `https://example.org/${i}`, retries: i, tags: ['a', 'bc'], deep: { yes: true } },
      }),
  ],
  'tasks on topics of their own': [4_000, (i) => task(i, { topic: `topic-${i}` })],
  'tasks that require something of their own': [
    1_000,
    (i) => task(i, { requiredCapabilities: [Array.from({ length: 20 }, (_, k) => `c-${i}-${k}`)] }),
  ],
  'tasks that wait for others': [5_000, (i) => task(i, i % 2 === 0 ? {} : { dependsOn: [`task-${i - 1}`] })],
  'tasks on a common topic': [4_000, (i) => task(i, { topic: 'maps', requiredCapabilities: ['draw'] })],
  'tasks with a deadline': [8_000, (i) => task(i, { deadline: START + 1_000_000 + i })],
  'large tables': [60, (i) => task(i, { inputs: Array.from({ length: 6_000 }, (_, k) => ({ a: k + i })) })],
  'nothing but brackets': [40, (i) => task(i, { inputs: Array.from({ length: 19_000 }, () => []) })],
  'nothing but braces': [40, (i) => task(i, { inputs: Array.from({ length: 19_000 }, () => ({})) })],
  numbers: [40, (i) => task(i, { inputs: Array.from({ length: 19_000 }, (_, k) => k + i) })],
  fractions: [40, (i) => task(i, { inputs: Array.from({ length: 19_000 }, (_, k) => k + i + 0.5) })],
  'short texts': [40, (i) => task(i, { inputs: Array.from({ length: 19_000 }, (_, k) => `${k}-${i}`) })],
  'objects with many members': [
    40,
    (i) =>
      task(i, { inputs: Object.fromEntries(Array.from({ length: 9_000 }, (_, k) => [`m${k}-${i}`, k])) }),
  ],
  'objects of all shapes': [
    40,
    (i) =>
      task(i, { inputs: Array.from({ length: 4_000 }, (_, k) => ({ [`m${k}-${i}`]: 1, [`n${k}`]: 2 })) }),
  ],
  'large texts': [200, (i) => task(i, { inputs: `${i}`.padEnd(100_000, 'x') })],
  'large texts of other scripts': [200, (i) => task(i, { inputs: `${i}`.padEnd(50_000, 'ж') })],
  pools: [5_000, (i) => ({ type: 'CreatePool', pool: `pool-${i}` })],
  members: [
    8_000,
    (i) => ({ type: 'JoinPool', agent: `agent-${i}`, capabilities: ['a', `b${i}`], presenceMs: 60_000 }),
  ],
  auctions: [
    5_000,
    (i) => ({
      type: 'OpenAuction',
      auctionId: `a-${i}`,
      kind: 'english',
      closesAt: START + 60_000 + i,
      increment: '1',
    }),
  ],
  bids: [
    5_000,
    (i) =>
      i % 100 === 0
        ? { type: 'OpenAuction', auctionId: `a-${i}`, kind: 'first_price_sealed', closesAt: START + 60_000 }
        : {
            type: 'SubmitBid',
            auctionId: `a-${i - (i % 100)}`,
            agent: `bidder-${i}`,
            amount: `${i}`,
            content: { why: `because ${i}` },
          },
  ],
  votes: [
    1_000,
    (i) => ({
      type: 'OpenVote',
      voteId: `v-${i}`,
      question: 'Which one?',
      options: ['red', 'green', 'blue'],
      method: 'plurality',
      closesAt: START + 60_000,
      electorate: Array.from({ length: 10 }, (_, k) => `agent-${k}`),
    }),
  ],
  negotiations: [
    5_000,
    (i) => ({
      type: 'OpenNegotiation',
      sessionId: `s-${i}`,
      participants: ['ann', 'bob'],
      proposal: { price: i },
    }),
  ],
  'standing offers': [8_000, (i) => ({ type: 'StandBy', pool: 'commons', agent: `agent-${i}` })],
  'standing offers on topics of their own': [
    4_000,
    (i) => ({
      type: 'StandBy',
      pool: 'commons',
      agent: `agent-${i}`,
      topics: ['maps', `topic-${i}`, `other-${i}`],
    }),
  ],
  delegations: [5_000, (i) => ({ type: 'Delegate', delegateeId: `agent-${i}`, scope: ['tasks'] })],
};

describe('the heap takes what is counted', () => {
  const measured: { readonly heap: number; readonly bytes: number }[] = [];

  it.each(Object.entries(SHAPES))('for %s: never a third more', (_name, [count, make]) => {
    const { heap, bytes } = measure(count, make);
    measured.push({ heap, bytes });
    expect(heap / bytes).toBeLessThan(1.3);
    expect(heap / bytes).toBeGreaterThan(0.4);
  });

  it('for all of it together: no third more, and no third less', () => {
    const heap = measured.reduce((sum, of) => sum + of.heap, 0);
    const bytes = measured.reduce((sum, of) => sum + of.bytes, 0);
    expect(heap / bytes).toBeGreaterThan(0.7);
    expect(heap / bytes).toBeLessThan(1.3);
  });
});
