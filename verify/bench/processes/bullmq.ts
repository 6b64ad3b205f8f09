/** BullMQ as it is used: addBulk by the thousand in one process, a Worker in another. */
import { Queue, QueueEvents, Worker } from 'bullmq';
import { z } from 'zod';
import { connectForBullMq } from '../../../src/state/redis.ts';
import { openLoop, openLoopSchema } from '../support/open-loop.ts';
import { Completions, jobsOf, queueConfig, type Sum, add as sumOf, sums } from '../support/queue-process.ts';
import { serve } from '../support/serve.ts';

const { role, url, queue: name, concurrency } = queueConfig();
const BULK = 1_000;
const EVENTS_KEPT = 1_000_000;
/** A bounded history, as people keep it. */
const KEPT = { removeOnComplete: { count: 1_000 }, removeOnFail: { count: 1_000 } };

function produce(): void {
  const connection = connectForBullMq(url);
  const queue = new Queue<Sum>(name, { connection, defaultJobOptions: KEPT });
  let events: QueueEvents | undefined;
  let runs = 0;
  /** By default BullMQ keeps so few events that a listener which falls behind misses some. */
  async function listen(): Promise<void> {
    if (events !== undefined) return;
    await connection.hset(`bull:${name}:meta`, 'opts.maxLenEvents', String(EVENTS_KEPT));
    events = await listening();
  }
  async function add(args: unknown): Promise<void> {
    const jobs = jobsOf(args);
    for (let first = 0; first < jobs; first += BULK) {
      const count = Math.min(BULK, jobs - first);
      await queue.addBulk(sums(first, count).map((data) => ({ name: 'add', data })));
    }
  }
  serve(
    {
      add,
      /** Also waits until this process has been told of every one of them that it is completed. */
      async addAndHear(args) {
        await listen();
        const heard = completions.next(jobsOf(args));
        await add(args);
        return await heard;
      },
      async counts() {
        const states = await queue.getJobCounts('wait', 'active', 'delayed', 'failed', 'prioritized');
        return {
          added: Number((await connection.get(`bull:${name}:id`)) ?? 0),
          unfinished: Object.values(states).reduce((sum, count) => sum + count, 0),
        };
      },
      /** From when a job was due to be added to when this process hears that it is completed. */
      async latency(args) {
        await listen();
        const run = runs++;
        return await openLoop(openLoopSchema.parse(args), (i, answered) => {
          const jobId = `l-${run}-${i}`;
          heardOf.set(jobId, answered);
          queue.add('add', { a: i, b: 1 }, { jobId }).catch(() => heardOf.delete(jobId));
        });
      },
    },
    async () => {
      await events?.close();
      await queue.close();
      connection.disconnect();
    },
  );
}

/** Of the jobs that the producer has added. */
const completions = new Completions();
const heardOf = new Map<string, (at: number) => void>();

async function listening(): Promise<QueueEvents> {
  const events = new QueueEvents(name, {
    connection: connectForBullMq(url),
    // From the beginning: '$' would miss what is completed before the first read.
    lastEventId: '0-0',
  });
  events.on('completed', ({ jobId }) => {
    completions.count();
    heardOf.get(jobId)?.(performance.now());
    heardOf.delete(jobId);
  });
  await events.waitUntilReady();
  return events;
}

function consume(): void {
  const worker = new Worker<Sum>(name, async ({ data }) => sumOf(data), {
    connection: connectForBullMq(url),
    concurrency,
  });
  worker.on('completed', () => completions.count());
  serve(
    {
      work: (args) => completions.next(jobsOf(args)),
      concurrency: (args) => {
        worker.concurrency = z.object({ concurrency: z.int() }).parse(args).concurrency;
      },
    },
    () => worker.close(),
  );
}

if (role === 'producer') produce();
else consume();
