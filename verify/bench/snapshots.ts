/**
 * What a snapshot costs, and what it saves: one shard with so many unfinished tasks, copied while nothing and while
 * something happens, restored, and for comparison made again from the whole log. Prints a table in Markdown.
 *
 *   node dist/verify/bench/snapshots.js [tasks ...]
 */
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { connect, type NatsConnection } from 'nats';
import { pino } from 'pino';
import { z } from 'zod';
import { subjects } from '../../src/protocol/subjects.ts';
import { shardKeys } from '../../src/state/keys.ts';
import { type Config, parseConfig } from '../../src/workers/config.ts';
import { startWorker } from '../../src/workers/process/worker.ts';
import { rebuild } from '../../src/workers/snapshots/rebuild.ts';
import { OwnSystem } from '../kit/system/own-system.ts';

const MEBIBYTE = 1024 * 1024;
/** Longer than a run, and as long as any interval may be. */
const NEVER_MS = 60 * 60 * 1_000;
const AT_ONCE = 2_000;
const LOAD_EVERY_MS = 20;
const LOAD_AT_ONCE = 40;

const taken = z.object({
  msg: z.literal('took a snapshot'),
  position: z.number(),
  bytes: z.number(),
  storedBytes: z.number(),
  durationMs: z.number(),
  pauseMs: z.number(),
});
type Taken = z.output<typeof taken>;

/** The log lines of a worker, as objects. */
class Lines extends Writable {
  readonly all: unknown[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (const line of chunk.toString().split('\n')) if (line !== '') this.all.push(JSON.parse(line));
    done();
  }

  snapshots(): Taken[] {
    return this.all.flatMap((line) => {
      const parsed = taken.safeParse(line);
      return parsed.success ? [parsed.data] : [];
    });
  }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(10);
}

let ids = 0;

function submit(nats: NatsConnection, namespace: string): void {
  const id = `t${ids++}`;
  const decision = {
    ...{ id, type: 'SubmitTask', taskId: id, priority: ids % 5 },
    objective: `Do what has to be done for item ${id}, and say how it went.`,
    inputs: { url: `https://example.org/items/${id}`, retries: ids % 7, tags: ['a', 'b', `c${ids % 100}`] },
  };
  nats.publish(subjects(namespace).decision('commons', 'ann', 1), JSON.stringify(decision));
}

async function measure(tasks: number, config: Config, nats: NatsConnection, redis: Redis): Promise<string[]> {
  const { namespace } = config;
  const position = async (): Promise<number> => Number(await redis.hget(shardKeys(namespace, 0).meta, 'seq'));
  const filler = await startWorker(config, { logger: pino({ level: 'silent' }) });
  for (let sent = 0; sent < tasks; sent += AT_ONCE) {
    for (let i = sent; i < Math.min(tasks, sent + AT_ONCE); i++) submit(nats, namespace);
    await nats.flush();
    await until(async () => (await position()) >= Math.min(tasks, sent + AT_ONCE));
  }
  await filler.stop();

  const lines = new Lines();
  const logger = pino({ level: 'info' }, lines);
  const often = { ...config, snapshotEveryMs: 300 };
  const worker = await startWorker(often, { logger });
  await until(() => lines.snapshots().length > 0);
  const [idle] = lines.snapshots();
  const busyFrom = lines.snapshots().length;
  let sent = 0;
  const load = setInterval(() => {
    for (let i = 0; i < LOAD_AT_ONCE; i++) submit(nats, namespace);
    sent += LOAD_AT_ONCE;
  }, LOAD_EVERY_MS);
  const began = performance.now();
  await until(() => lines.snapshots().length > busyFrom);
  const rate = Math.round(sent / ((performance.now() - began) / 1_000));
  clearInterval(load);
  const busy = lines.snapshots()[busyFrom];
  await worker.stop();

  const timed = async (fromLog: boolean): Promise<{ readonly ms: number; readonly digest: string }> => {
    const started = performance.now();
    const { digest } = await rebuild(config, { logger: pino({ level: 'silent' }), force: true, fromLog });
    return { ms: Math.round(performance.now() - started), digest };
  };
  const fromSnapshot = await timed(false);
  const fromLog = await timed(true);
  if (fromSnapshot.digest !== fromLog.digest) throw new Error('the snapshot gave another state than the log');
  if (idle === undefined || busy === undefined) throw new Error('no snapshot was taken');
  const mb = (bytes: number): string => (bytes / MEBIBYTE).toFixed(1);
  return [
    String(tasks),
    `${mb(idle.bytes)} / ${mb(idle.storedBytes)}`,
    `${idle.durationMs}`,
    `${idle.pauseMs}`,
    `${busy.durationMs} (at ${rate}/s)`,
    `${busy.pauseMs}`,
    String(fromSnapshot.ms),
    String(fromLog.ms),
  ];
}

const sizes = process.argv.slice(2).map(Number);
const system = await OwnSystem.start({ name: 'bench-snapshots', env: process.env });
const { servers } = system;
const nats = await connect({ servers: servers.nats.url });
const redis = new Redis(servers.redis.url);
console.log(
  '| tasks | MiB of text / stored | idle: ms | waited ms | under load: ms | waited ms | rebuilt from it, ms | from the log, ms |',
);
console.log('|---|---|---|---|---|---|---|---|');
for (const tasks of sizes.length > 0 ? sizes : [10_000, 100_000]) {
  const config = parseConfig({
    ...{ namespace: `bench-${tasks}`, shards: 1, httpPort: -1, sweepEveryMs: NEVER_MS },
    ...{ sweepOverdueMs: NEVER_MS, snapshotEveryMs: NEVER_MS, snapshotEveryDecisions: NEVER_MS },
    ...{ logMaxBytes: 512 * MEBIBYTE, eventsMaxBytes: 512 * MEBIBYTE, snapshotsMaxBytes: 512 * MEBIBYTE },
    ...{ natsUrl: servers.nats.url, redisUrl: servers.redis.url },
  });
  console.log(`| ${(await measure(tasks, config, nats, redis)).join(' | ')} |`);
}
redis.disconnect();
await nats.close();
await system.stop();
