/** Floods: whoever fills the memory of the workers is refused by a quota that says whose it is, and the others go on. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConvergeClient } from '../../../src/client/core/client.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { shardOf } from '../../../src/protocol/shard.ts';
import type { SecuritySystem } from '../system.ts';
import { type Attack, OUTCOME_WITHIN_MS, POLL_MS, type Scene, verdict } from './attack.ts';

/** Small enough that a flood of some megabytes meets each of them; the rest of the cases needs far less. */
export const FLOODED_SETTINGS = {
  agentBytes: 2_000_000,
  agentShardBytes: 3_000_000,
  poolBytes: 5_000_000,
  shardBytes: 6_000_000,
  agentPools: 20,
  endedBytes: 1_000_000,
};

const LARGE = 'x'.repeat(200_000);
const MOST = 60;

export const ON_MEMORY: readonly Attack[] = [
  {
    what: 'fills one pool alone: bob is refused by his own quota, ann is not',
    expected: 'rate_limited agentBytes; ann: accepted; bob may end what he has: accepted',
    run: ({ system, ann, bob }) => oneAgent(system, ann, bob),
  },
  {
    what: 'fills a shard with several names: it is full for all, and what ends something passes',
    expected: 'rate_limited shardBytes; CancelTask: accepted; another shard: accepted',
    run: (scene) => manyNames(scene),
  },
  {
    what: 'makes pools without end: refused by the number that one agent may own',
    expected: 'rate_limited agentPools; ann: accepted',
    run: ({ system, ann, bob }) => manyPools(system, ann, bob),
  },
  {
    what: 'ends large work without end: all of it is accepted, and the oldest is removed',
    expected: 'accepted; the oldest is gone; the newest is there',
    run: ({ system, bob }) => largeEndedWork(system, bob),
  },
];

const submit = (taskId: string) =>
  ({ type: 'SubmitTask', taskId, objective: 'x', inputs: { text: LARGE } }) as const;

async function oneAgent(system: SecuritySystem, ann: ConvergeClient, bob: ConvergeClient): Promise<string> {
  const [pool = '', other = ''] = poolsIn(system, 1, 'one');
  await bob.decide(pool, { type: 'CreatePool' });
  await ann.decide(other, { type: 'CreatePool' });
  const refused = await fill(bob, pool, 'one');
  const others = await ann.decide(other, submit('ann'));
  const ends = await bob.decide(pool, { type: 'CancelTask', taskId: 'one-0' });
  await cancelAll(bob, pool, 'one');
  await ann.decide(other, { type: 'CancelTask', taskId: 'ann' });
  return `${refused}; ann: ${verdict(others)}; bob may end what he has: ${verdict(ends)}`;
}

async function manyNames({ system, ann, bob }: Scene): Promise<string> {
  const gus = await system.client('gus');
  const agents = [ann, bob, gus];
  const pools = poolsIn(system, 2, 'names');
  // Each in pools of his own, up to what he may have in a shard; the shard is full before the last of them is refused for that.
  let refused = '';
  for (const [i, agent] of agents.entries()) {
    for (const pool of pools.slice(2 * i, 2 * i + 2)) {
      await agent.decide(pool, { type: 'CreatePool' });
      refused = await fill(agent, pool, `names-${i}`);
    }
  }
  const [first = ''] = pools;
  const ends = await ann.decide(first, { type: 'CancelTask', taskId: 'names-0-0' });
  const [elsewhere = ''] = poolsIn(system, 3, 'names');
  const other = await ann.decide(elsewhere, { type: 'CreatePool' });
  for (const [i, agent] of agents.entries()) {
    for (const pool of pools.slice(2 * i, 2 * i + 2)) await cancelAll(agent, pool, `names-${i}`);
  }
  return `${refused}; CancelTask: ${verdict(ends)}; another shard: ${verdict(other)}`;
}

async function manyPools(system: SecuritySystem, ann: ConvergeClient, bob: ConvergeClient): Promise<string> {
  const pools = poolsIn(system, 0, 'many', MOST);
  let refused = 'never refused';
  for (const pool of pools) {
    const outcome = await bob.decide(pool, { type: 'CreatePool' });
    if (outcome.status === 'accepted') continue;
    refused = refusal(outcome);
    break;
  }
  const [, , mine = ''] = poolsIn(system, 0, 'ann');
  const others = await ann.decide(mine, { type: 'CreatePool' });
  return `${refused}; ann: ${verdict(others)}`;
}

async function largeEndedWork(system: SecuritySystem, bob: ConvergeClient): Promise<string> {
  const [pool = ''] = poolsIn(system, 3, 'ended');
  await bob.decide(pool, { type: 'CreatePool' });
  const verdicts = new Set<string>();
  for (let i = 0; i < MOST; i++) {
    verdicts.add(verdict(await bob.decide(pool, submit(`ended-${i}`))));
    verdicts.add(verdict(await bob.decide(pool, { type: 'CancelTask', taskId: `ended-${i}` })));
  }
  const isThere = (taskId: string) => bob.query('task', { pool, taskId }).then(Boolean, () => false);
  const deadline = performance.now() + OUTCOME_WITHIN_MS;
  while ((await isThere('ended-0')) && performance.now() < deadline) await delay(POLL_MS);
  const oldest = (await isThere('ended-0')) ? 'is there' : 'is gone';
  const newest = (await isThere(`ended-${MOST - 1}`)) ? 'is there' : 'is gone';
  return `${[...verdicts].join(', ')}; the oldest ${oldest}; the newest ${newest}`;
}

/** Until something is refused: by which quota. */
async function fill(agent: ConvergeClient, pool: string, name: string): Promise<string> {
  for (let i = 0; i < MOST; i++) {
    const outcome = await agent.decide(pool, submit(`${name}-${i}`));
    if (outcome.status === 'rejected') return refusal(outcome);
  }
  return 'never refused';
}

function refusal({ code, data }: Outcome): string {
  const { quota } = Object(data);
  return `${code} ${quota}`;
}

async function cancelAll(agent: ConvergeClient, pool: string, name: string): Promise<void> {
  for (let i = 0; i < MOST; i++) {
    const outcome = await agent.decide(pool, { type: 'CancelTask', taskId: `${name}-${i}` });
    if (outcome.status === 'rejected' && outcome.code === 'task_not_found') return;
  }
}

/** Names of pools that are in this shard. */
function poolsIn({ shards }: SecuritySystem, shard: number, name: string, count = 6): string[] {
  const pools: string[] = [];
  for (let i = 0; pools.length < count; i++) {
    if (shardOf(`${name}-${i}`, shards) === shard) pools.push(`${name}-${i}`);
  }
  return pools;
}
