/** The agents that submit, claim and report, in a process of their own. */
import { z } from 'zod';
import { Agents } from '../support/agent.ts';
import { Lifecycles, lifecyclesSchema } from '../support/lifecycles.ts';
import { configOf, serve } from '../support/serve.ts';

const config = configOf(
  z.object({ url: z.string(), namespace: z.string(), shards: z.int(), agents: z.array(z.string()) }),
);
const agents = await Agents.connect(config);
const WINDOW = 2_000;

/** Ids of this process are never used twice. */
let runs = 0;

const poolsSchema = z.object({ pools: z.array(z.string()) });

/** Every agent becomes a member of every pool. */
async function prepare(args: unknown): Promise<{ accepted: number }> {
  const { pools } = poolsSchema.parse(args);
  let accepted = 0;
  const count = (json: string): void => {
    if (json.includes('"status":"accepted"')) accepted++;
  };
  for (const pool of pools) {
    for (const [i, agent] of config.agents.entries()) {
      if (i === 0) agents.publish(pool, agent, `create-${pool}`, { type: 'CreatePool' }, count);
      agents.publish(pool, agent, `join-${pool}`, { type: 'JoinPool' }, count);
    }
    await agents.atMost(WINDOW);
  }
  await agents.atMost(0);
  return { accepted };
}

serve(
  {
    prepare,
    lifecycles: (args) =>
      new Lifecycles(agents, config.agents, `${runs++}`, lifecyclesSchema.parse(args)).run(),
  },
  () => agents.close(),
);
