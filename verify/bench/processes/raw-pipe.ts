/**
 * The limit of this design on this machine: reads the log as a worker does, writes as many bytes to Redis in one
 * command a batch, publishes as many results and events of the same sizes, and knows nothing of what it moves.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { z } from 'zod';
import { connectNats } from '../../../src/bus/connection.ts';
import { type LogMessage, LogReader, messageHash } from '../../../src/bus/log-reader.ts';
import { StreamPublisher } from '../../../src/bus/stream-publisher.ts';
import { ensureStreams } from '../../../src/bus/streams.ts';
import { LogInterruptedError } from '../../../src/lib/errors.ts';
import { subjects as subjectsOf } from '../../../src/protocol/subjects.ts';
import { connectForCommits, openRedis } from '../../../src/state/redis.ts';
import { parseConfig } from '../../../src/workers/config.ts';
import { packMessage } from '../../../src/workers/shard/nats-ports.ts';
import { packsOf } from '../../../src/workers/shard/packs.ts';
import type { RenderedEvent } from '../../../src/workers/shard/render.ts';
import { configOf, serve } from '../support/serve.ts';
import { ROOM } from '../support/servers.ts';

const options = configOf(
  z.object({ natsUrl: z.string(), redisUrl: z.string(), namespace: z.string(), shards: z.int() }),
);
const config = parseConfig({ ...options, ...ROOM });

/** How ours looked when it was measured, by the kind of message (the first letter of the second part of its id). */
const shapeSchema = z.object({
  commitBytesPerMessage: z.number(),
  kinds: z.record(
    z.string(),
    z.object({
      /** An outcome, as ours sent it. */
      outcome: z.string(),
      events: z.int(),
      eventBytes: z.number(),
      verb: z.string(),
    }),
  ),
});

type Shape = z.output<typeof shapeSchema>;

let shape: Shape = { commitBytesPerMessage: 0, kinds: {} };
let payload = '';

/** Writes and counts: two calls are the least that stores a batch and can be checked afterwards. */
const SCRIPT = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('INCRBY', KEYS[2], ARGV[2])";
/** As the outbox of a worker: so many batches of events may be unconfirmed. */
const MAX_UNCONFIRMED = 8;
const IDLE_WAIT_MS = 250;

const subjects = subjectsOf(options.namespace);
const nats = await connectNats({ url: options.natsUrl, name: 'raw pipe' });
const jsm = await jetstreamManager(nats);
const redis = await openRedis(connectForCommits(options.redisUrl));
const layout = await ensureStreams(jsm, subjects, options.shards, config);
const streams = new StreamPublisher(nats);
const sha = z.string().parse(await redis.script('LOAD', SCRIPT));
let isStopping = false;

const readers = new Map<number, LogReader>();

/** Works on one shard's log; reads on from where it was when reading is interrupted, as a worker does. */
async function pump(shard: number): Promise<void> {
  let last: LogMessage | undefined;
  while (!isStopping) {
    try {
      const reader = await open(shard, last);
      readers.set(shard, reader);
      await pumpFrom(reader, shard, (message) => {
        last = message;
      });
    } catch (error) {
      if (!(error instanceof LogInterruptedError)) throw error;
      process.stderr.write(`raw pipe, shard ${shard}: ${error.message}\n`);
    }
  }
}

async function open(shard: number, last: LogMessage | undefined): Promise<LogReader> {
  const source = {
    connection: nats,
    jsm,
    stream: subjects.streams.decisions,
    filter: subjects.shardLog(shard),
    shard,
    marks: undefined,
  };
  return await LogReader.open(source, {
    seq: last?.seq ?? 0,
    logIdentity: layout.logs[0] ?? '',
    hash: last === undefined ? undefined : messageHash(last),
  });
}

async function pumpFrom(
  reader: LogReader,
  shard: number,
  applied: (message: LogMessage) => void,
): Promise<void> {
  const unconfirmed = new Set<Promise<void>>();
  while (!isStopping) {
    const batch = await reader.take(config.maxBatch, IDLE_WAIT_MS);
    const last = batch.at(-1);
    if (last === undefined) continue;
    await commit(shard, batch.length);
    applied(last);
    const sent = streams.publish(publish(batch, shard)).finally(() => unconfirmed.delete(sent));
    unconfirmed.add(sent);
    if (unconfirmed.size >= MAX_UNCONFIRMED) await Promise.race(unconfirmed);
  }
  await Promise.all(unconfirmed);
}

async function commit(shard: number, messages: number): Promise<void> {
  const bytes = Math.round(shape.commitBytesPerMessage * messages);
  if (payload.length < bytes) payload = 'x'.repeat(bytes);
  const tag = `${options.namespace}:{${shard}}`;
  await redis.evalsha(sha, 2, `${tag}:state`, `${tag}:count`, payload.slice(0, bytes), String(messages));
}

/** Sends the results; gives the events that are to be published. */
function publish(batch: readonly LogMessage[], shard: number): Parameters<StreamPublisher['publish']>[0] {
  const packs = new Map<string, RenderedEvent[]>();
  for (const { seq, subject, data } of batch) {
    const [, , , pool = '', agent = ''] = subject.split('.');
    const id = idOf(data);
    const kind = shape.kinds[id.split('-')[1] ?? ''];
    nats.publish(subjects.result(agent, id), Buffer.from(kind?.outcome ?? ACCEPTED));
    if (kind === undefined) continue;
    const events = packs.get(pool) ?? [];
    packs.set(pool, events);
    for (let n = 0; n < kind.events; n++) {
      const json = eventOf(kind.verb, kind.eventBytes);
      events.push({ subject: subjects.events(shard, pool), sequence: seq, id: `${shard}-${seq}-${n}`, json });
    }
  }
  return [...packs.values()].flatMap((events) => packsOf(events).map(packMessage));
}

const ACCEPTED = '{"status":"accepted"}';

/** Messages begin with `{"id":"`. */
function idOf(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset + 7, data.indexOf(QUOTE, 7) - 7).toString('latin1');
}
const QUOTE = 0x22;

const eventBodies = new Map<string, string>();
function eventOf(verb: string, bytes: number): string {
  let body = eventBodies.get(verb);
  if (body === undefined) {
    const head = `{"type":"converge.task.${verb}","pad":"`;
    body = `${head.padEnd(bytes - 2, 'e')}"}`;
    eventBodies.set(verb, body);
  }
  return body;
}

const pumps = Array.from({ length: options.shards }, (_, shard) => pump(shard));

serve(
  {
    shape: (args) => {
      shape = shapeSchema.parse(args);
      return {};
    },
    /** Messages committed so far, by the counters in Redis. */
    committed: async () => {
      const tags = pumps.map((_, shard) => `${options.namespace}:{${shard}}:count`);
      const counts = await redis.mget(tags);
      return { committed: counts.reduce((sum, count) => sum + Number(count ?? 0), 0) };
    },
  },
  async () => {
    isStopping = true;
    for (const reader of readers.values()) reader.nudge();
    await Promise.all(pumps);
    for (const reader of readers.values()) reader.close();
    streams.close();
    redis.disconnect();
    await nats.close();
  },
);
