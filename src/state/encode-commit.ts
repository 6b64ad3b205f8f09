/** From a commit to the keys and arguments of commit.lua. */
import { writeChange } from './documents-to-writes.ts';
import { writeFences } from './fence-writes.ts';
import { classHash, rememberedEntry, type ShardKeys } from './keys.ts';
import { writeKnownClock } from './known-clock.ts';
import { Operations } from './operations.ts';
import type { ScriptInput } from './script-writer.ts';
import type { ShardCommit } from './shard-store.ts';

export function encodeCommit(keys: ShardKeys, commit: ShardCommit): ScriptInput {
  const writes = new Operations();
  const { expected, next } = commit;
  writes.add('HSET', keys.meta, 'now', String(next.now), 'settings', JSON.stringify(commit.settings));
  if (next.clock !== undefined) writes.add('HSET', keys.meta, 'clock', writeKnownClock(next.clock));
  const due = commit.nextDue === undefined ? '' : String(commit.nextDue);
  writes.add('HSET', keys.meta, 'due', due, 'bytes', String(commit.bytes));
  const removedPools = new Set<string>();
  for (const change of commit.changes) {
    writeChange(keys, change, commit.texts?.get(change), writes);
    if (change.kind === 'pool' && change.after === undefined) removedPools.add(change.pool);
  }
  for (const pool of removedPools) writes.add('HDEL', keys.sequences, pool);
  for (const [pool, sequence] of commit.sequences) {
    if (!removedPools.has(pool)) writes.addPair('HSET', keys.sequences, pool, String(sequence));
  }
  encodeClasses(keys, commit, writes);
  encodeBansAndBuckets(keys, commit, writes);
  encodeTurns(keys, commit, writes);
  encodeOutcomes(keys, commit, writes);
  if (commit.outbox !== undefined) writes.addPair('HSET', keys.outbox, String(next.seq), commit.outbox);
  for (const position of commit.published) writes.add('HDEL', keys.outbox, String(position));
  const encoded = writes.encode([keys.meta, keys.commit, keys.receiptCounts]);
  const head = [expected.seq, expected.hash ?? '', next.logIdentity, commit.id, next.seq, next.hash].map(
    String,
  );
  return { keys: encoded.keys, args: head.concat(encoded.args) };
}

function encodeClasses(keys: ShardKeys, { classes }: ShardCommit, writes: Operations): void {
  for (const [pool, changed] of classes) {
    for (const [claimClass, hasTasks] of changed) {
      const key = keys.pendingClasses(pool);
      if (hasTasks) writes.add('HSET', key, classHash(claimClass), claimClass);
      else writes.add('HDEL', key, classHash(claimClass));
    }
  }
}

function encodeBansAndBuckets(keys: ShardKeys, { bans, buckets }: ShardCommit, writes: Operations): void {
  for (const [agent, ban] of bans) {
    if (ban === undefined) writes.add('HDEL', keys.bans, agent);
    else writes.addPair('HSET', keys.bans, agent, JSON.stringify(ban));
  }
  for (const [key, fullAtUs] of buckets) {
    if (fullAtUs === undefined) writes.add('HDEL', keys.buckets, key);
    else writes.addPair('HSET', keys.buckets, key, String(fullAtUs));
  }
}

function encodeTurns(keys: ShardKeys, { turns, fences }: ShardCommit, writes: Operations): void {
  for (const [key, list] of fences) {
    writeFences(keys, key, list.length === 0 ? undefined : JSON.stringify(list), writes);
  }
  for (const [pool, turn] of turns) {
    if (turn === undefined) writes.add('HDEL', keys.turns, pool);
    else writes.addPair('HSET', keys.turns, pool, String(turn));
  }
}

function encodeOutcomes(keys: ShardKeys, commit: ShardCommit, writes: Operations): void {
  const { outcomes, outcomeBytes, endedBytes, forgotten } = commit;
  writes.add('HSET', keys.meta, 'outcomeBytes', String(outcomeBytes), 'endedBytes', String(endedBytes));
  for (const { key, json, at, created } of outcomes) {
    writes.addPair('HSET', keys.outcomes, key, json);
    writes.add('RPUSH', keys.outcomeOrder, rememberedEntry(at, key, json));
    if (created === 0) continue;
    writes.addPair('HSET', keys.receipts, key, json);
    writes.addPair('HSET', keys.receiptCounts, key, String(created));
  }
  if (forgotten.length > 0) {
    writes.addAll('HDEL', keys.outcomes, forgotten);
    writes.add('LTRIM', keys.outcomeOrder, String(forgotten.length), '-1');
  }
}
