/** bee-queue with the settings that its documentation gives for speed: no events, no stored jobs, saveAll. */
import BeeQueue from 'bee-queue';
import { add, Completions, jobsOf, queueConfig, type Sum, sums } from '../support/queue-process.ts';
import { serve } from '../support/serve.ts';

const { role, url, queue: name, concurrency } = queueConfig();
const BULK = 1_000;

const queue = new BeeQueue<Sum>(name, {
  redis: { url },
  isWorker: role === 'consumer',
  getEvents: false,
  sendEvents: false,
  storeJobs: false,
  removeOnSuccess: true,
});
await queue.ready();
const completions = new Completions();
if (role === 'consumer') {
  queue.on('succeeded', () => completions.count());
  queue.process(concurrency, async ({ data }) => add(data));
}

serve(
  {
    work: (args) => completions.next(jobsOf(args)),
    async add(args) {
      const jobs = jobsOf(args);
      for (let first = 0; first < jobs; first += BULK) {
        const batch = sums(first, Math.min(BULK, jobs - first)).map((data) => queue.createJob(data));
        const [failed] = (await queue.saveAll(batch)).values();
        if (failed !== undefined) throw failed;
      }
    },
    async counts() {
      const { waiting, active, failed, delayed, newestJob } = await queue.checkHealth();
      return { added: newestJob ?? 0, unfinished: waiting + active + failed + delayed };
    },
  },
  async () => {
    await queue.close();
  },
);
