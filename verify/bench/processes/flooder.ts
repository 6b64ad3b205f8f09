/** One agent that decides far more than it may, in a process of its own. It waits for nothing. */
import { z } from 'zod';
import { Agents } from '../support/agent.ts';
import { submission } from '../support/lifecycles.ts';
import { openLoop, openLoopSchema } from '../support/open-loop.ts';
import { configOf, serve } from '../support/serve.ts';

const AGENT = 'flood';
const config = configOf(z.object({ url: z.string(), namespace: z.string(), shards: z.int() }));
const agents = await Agents.connect({ ...config, agents: [AGENT] });
const floodSchema = openLoopSchema.extend({ pool: z.string() });
let runs = 0;

serve(
  {
    async flood(args) {
      const { pool, ...load } = floodSchema.parse(args);
      const run = runs++;
      let limited = 0;
      const started = performance.now();
      const report = await openLoop(load, (i, answered) => {
        const id = `f-${run}-${i}`;
        agents.publish(pool, AGENT, id, submission(id, i), (json, at) => {
          if (json.includes('"code":"rate_limited"')) limited++;
          answered(at);
        });
      });
      return { answered: report.answered, limited, tookMs: performance.now() - started };
    },
  },
  () => agents.close(),
);
