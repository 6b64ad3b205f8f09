/** pg-boss at its fastest: jobs inserted, fetched and completed by the hundred, without waiting between fetches. */
import { setTimeout as delay } from 'node:timers/promises';
import PgBoss from 'pg-boss';
import { add, Completions, jobsOf, queueConfig, type Sum, sums } from '../support/queue-process.ts';
import { serve } from '../support/serve.ts';

const { role, url, queue: name, concurrency } = queueConfig();
const BULK = 1_000;
const IDLE_MS = 5;

const boss = new PgBoss({ connectionString: url, max: 4 });
boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`));
await boss.start();
if (role === 'producer') await boss.createQueue(name);
const completions = new Completions();
let isStopping = false;

async function work(): Promise<void> {
  while (!isStopping) {
    const jobs = await boss.fetch<Sum>(name, { batchSize: concurrency });
    if (jobs.length === 0) {
      await delay(IDLE_MS);
      continue;
    }
    for (const { data } of jobs) add(data);
    await boss.complete(
      name,
      jobs.map(({ id }) => id),
    );
    completions.count(jobs.length);
  }
}

/** Two fetch in turn, so that one works while the other waits for the database. */
const workers = role === 'consumer' ? [work(), work()] : [];

serve(
  {
    work: (args) => completions.next(jobsOf(args)),
    async add(args) {
      const jobs = jobsOf(args);
      for (let first = 0; first < jobs; first += BULK) {
        await boss.insert(sums(first, Math.min(BULK, jobs - first)).map((data) => ({ name, data })));
      }
    },
    async counts() {
      // By the order of its states: a job that failed is in neither number, and so is missed.
      const added = await boss.getQueueSize(name, { before: 'failed' });
      const unfinished = await boss.getQueueSize(name, { before: 'completed' });
      return { added, unfinished };
    },
  },
  async () => {
    isStopping = true;
    await Promise.all(workers);
    await boss.stop({ graceful: false });
  },
);
