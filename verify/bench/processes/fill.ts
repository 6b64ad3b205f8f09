/**
 * Stores tasks that were completed before, without the way there: copies of one that went through the front door, with
 * ids and times of their own, written by the project's own store in its own commits. Nobody works on the shards meanwhile.
 */
import { z } from 'zod';
import type { DocumentChange } from '../../../src/protocol/document-change.ts';
import type { CompletedTask } from '../../../src/protocol/documents.ts';
import { decisionKey } from '../../../src/protocol/outcome.ts';
import { shardOf } from '../../../src/protocol/shard.ts';
import { outcomeBytes as rememberedBytes, shardKeys } from '../../../src/state/keys.ts';
import { connectForCommits, connectForReads, openRedis } from '../../../src/state/redis.ts';
import { RedisShardStore } from '../../../src/state/redis-shard-store.ts';
import { parse } from '../../../src/state/replies.ts';
import type { OutcomeRecord } from '../../../src/state/shard-store.ts';
import { configOf, serve } from '../support/serve.ts';

const { url, namespace, shards } = configOf(
  z.object({ url: z.string(), namespace: z.string(), shards: z.int() }),
);
const commits = await openRedis(connectForCommits(url));
const reads = await openRedis(connectForReads(url));
const fillSchema = z.object({ pool: z.string(), tasks: z.int().min(1) });
const PER_COMMIT = 500;
let ids = 0;

/** One pool with so many more final tasks. */
async function fill(args: unknown): Promise<{ stored: number }> {
  const { pool, tasks } = fillSchema.parse(args);
  const keys = shardKeys(namespace, shardOf(pool, shards));
  const store = new RedisShardStore(commits, reads, keys);
  const stored = await store.load();
  const { position, now, settings, outcomes: remembered } = stored;
  let outcomeBytes = remembered.bytes;
  let { endedBytes } = stored;
  if (settings === undefined || position.hash === undefined || position.logIdentity === undefined) {
    throw new Error(`${pool} is on a shard where nothing happened yet`);
  }
  const { seq, hash, logIdentity } = position;
  const template = await completedTask(pool);
  const receipt = await reads.hget(keys.receipts, keyOf(template));
  const nextDue = Number((await reads.hget(keys.meta, 'due')) || Number.NaN);
  for (let first = 0; first < tasks; first += PER_COMMIT) {
    const batch = Array.from({ length: Math.min(PER_COMMIT, tasks - first) }, (_, i) =>
      copyOf(template, ids++, first + i + 1),
    );
    const outcomes = batch.map((task) => receiptOf(task, receipt ?? '{}', template));
    outcomeBytes += outcomes.reduce((sum, { key, json }) => sum + rememberedBytes(key, json), 0);
    for (const task of batch) endedBytes += Buffer.byteLength(JSON.stringify(task));
    await store.commit({
      id: `fill-${pool}-${first}`,
      expected: position,
      next: { seq, hash, logIdentity, now, clock: undefined },
      settings,
      nextDue: Number.isNaN(nextDue) ? undefined : nextDue,
      // A hint for loading; the shard's own next commit says what it is.
      bytes: 0,
      changes: batch.map((task): DocumentChange => ({ kind: 'task', pool, before: undefined, after: task })),
      sequences: new Map(),
      classes: new Map(),
      outcomes,
      outcomeBytes,
      endedBytes,
      forgotten: [],
      outbox: undefined,
      bans: new Map(),
      buckets: new Map(),
      turns: new Map(),
      fences: new Map(),
      published: [],
    });
  }
  return { stored: await reads.zcard(keys.entitiesIn(pool, 'task', 'completed')) };
}

async function completedTask(pool: string): Promise<CompletedTask> {
  const keys = shardKeys(namespace, shardOf(pool, shards));
  const [id] = await reads.zrange(keys.entitiesIn(pool, 'task', 'completed'), 0, '0');
  const json = id === undefined ? null : await reads.hget(keys.entities(pool, 'task'), id);
  if (json === null) throw new Error(`no task of ${pool} is completed yet`);
  return parse<CompletedTask>(json);
}

function copyOf(template: CompletedTask, id: number, order: number): CompletedTask {
  const origin = { ...template.origin, decisionId: `old-${id}` };
  return { ...template, taskId: `old-${id}`, order, origin };
}

function keyOf({ pool, origin }: CompletedTask): string {
  return decisionKey(pool, origin.agent, origin.decisionId);
}

/** For as long as a task is kept, so is the outcome of its submission. */
function receiptOf(task: CompletedTask, json: string, template: CompletedTask): OutcomeRecord {
  const own = json
    .replaceAll(template.origin.decisionId, task.origin.decisionId)
    .replaceAll(template.taskId, task.taskId);
  return { key: keyOf(task), json: own, at: task.submittedAt, created: 1 };
}

serve({ fill }, async () => {
  commits.disconnect();
  reads.disconnect();
});
