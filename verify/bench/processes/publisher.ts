/** The agents that submit, claim and report, in a process of their own. */
import { z } from 'zod';
import { Agents } from '../support/agent.ts';
import { acceptedMembers, Lifecycles, lifecyclesSchema, submission } from '../support/lifecycles.ts';
import { openLoop, openLoopSchema } from '../support/open-loop.ts';
import { claimNextTimes, pendingTasksTimes, requestsSchema } from '../support/request-times.ts';
import { configOf, serve } from '../support/serve.ts';

const config = configOf(
  z.object({ url: z.string(), namespace: z.string(), shards: z.int(), agents: z.array(z.string()) }),
);
const agents = await Agents.connect(config);
const [firstAgent = ''] = config.agents;
const WINDOW = 2_000;
const BATCH = 100;

/** Ids of this process are never used twice. */
let runs = 0;

const poolsSchema = z.object({ pools: z.array(z.string()), agents: z.array(z.string()).optional() });

/** Creates pools, and makes agents (all of them, if none are named) members of every one. */
async function prepare(args: unknown): Promise<{ accepted: number }> {
  const { pools, agents: members = config.agents } = poolsSchema.parse(args);
  let accepted = 0;
  const count = (json: string): void => {
    if (json.includes('"status":"accepted"')) accepted++;
  };
  for (const pool of pools) {
    for (const [i, agent] of members.entries()) {
      if (i === 0) agents.publish(pool, agent, `create-${pool}`, { type: 'CreatePool' }, count);
      agents.publish(pool, agent, `join-${pool}`, { type: 'JoinPool' }, count);
    }
    await agents.atMost(WINDOW);
  }
  await agents.atMost(0);
  return { accepted };
}

const submitSchema = z.object({ pool: z.string(), tasks: z.int().min(1) });

/** Tasks that nobody claims. */
async function submit(args: unknown): Promise<{ accepted: number }> {
  const { pool, tasks } = submitSchema.parse(args);
  const run = runs++;
  let accepted = 0;
  for (let first = 0; first < tasks; first += BATCH) {
    const decisions = Array.from({ length: Math.min(BATCH, tasks - first) }, (_, i) =>
      submission(`w-${run}-${first + i}`, first + i),
    );
    agents.publish(pool, firstAgent, `${run}-w-${first}`, { type: 'Batch', decisions }, (json) => {
      accepted += acceptedMembers(JSON.parse(json));
    });
    await agents.atMost(WINDOW / BATCH);
  }
  await agents.atMost(0);
  return { accepted };
}

const latencySchema = openLoopSchema.extend({
  pools: z.array(z.string()).min(1),
  /** Who decides, each about whole tasks in turn; the first agent alone, if none are named. */
  agents: z.array(z.string()).min(1).default([firstAgent]),
});

/** One message a decision: submit, claim and report of one task after the other, in turn in each pool. */
async function latency(args: unknown): Promise<object> {
  const { pools, agents: names, ...load } = latencySchema.parse(args);
  const run = `${runs++}`;
  let accepted = 0;
  const report = await openLoop(load, (i, answered) => {
    const task = Math.floor(i / 3);
    const pool = pools[task % pools.length] ?? '';
    const taskId = `l-${run}-${task}`;
    const bodies = [
      submission(taskId, task),
      { type: 'ClaimTask', taskId },
      { type: 'ReportTask', taskId, result: { sum: task } },
    ];
    const body = bodies[i % 3] ?? { type: 'Heartbeat' };
    agents.publish(pool, names[task % names.length] ?? firstAgent, `${run}-l-${i}`, body, (json, at) => {
      if (json.includes('"status":"accepted"')) accepted++;
      answered(at);
    });
  });
  return { ...report, accepted };
}

serve(
  {
    prepare,
    submit,
    latency,
    lifecycles: (args) =>
      new Lifecycles(agents, config.agents, `${runs++}`, lifecyclesSchema.parse(args)).run(),
    pendingTasksTimes: (args) => pendingTasksTimes(agents, requestsSchema.parse(args)),
    claimNextTimes: (args) => claimNextTimes(agents, `${runs++}`, requestsSchema.parse(args)),
    /** Sends one decision and waits for its outcome, however long that takes. */
    async probe(args) {
      const [pool = ''] = poolsSchema.parse(args).pools;
      const started = performance.now();
      await agents.decide(pool, firstAgent, `probe-${runs++}`, { type: 'Heartbeat' });
      return { tookMs: performance.now() - started };
    },
  },
  () => agents.close(),
);
