/** The whole examination, in the order in which one thing depends on another. */

import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { logIdentityOf } from '../../bus/layout.ts';
import { logDurability } from '../../bus/log-durability.ts';
import { QueryClient } from '../../bus/query-client.ts';
import { SnapshotBucket } from '../../bus/snapshot-bucket.ts';
import { findLayout, findStream } from '../../bus/streams.ts';
import { ConfigurationError, messageOf } from '../../lib/errors.ts';
import { pushAll } from '../../protocol/lists.ts';
import { type Subjects, subjects } from '../../protocol/subjects.ts';
import { askRedis } from '../../servers/ask-redis.ts';
import { liveWorkers } from '../../state/live-workers.ts';
import { type Redis, tlsOptionsOf } from '../../state/redis.ts';
import { stateDurability } from '../../state/state-durability.ts';
import { type Config, redisTls } from '../../workers/config.ts';
import { askerFor, callerOf, openJetStream, withNats } from '../nats-connection.ts';

import { withRedis } from '../redis-connection.ts';
import { alarmCheck } from './alarm-check.ts';
import { type Check, fail } from './check.ts';
import { clockCheck, shardTimeCheck } from './clock-check.ts';
import { durabilityCheck } from './durability-check.ts';
import { loadChecks } from './load-checks.ts';
import { markCheck, readMarks } from './mark-check.ts';
import { identityChecks, jetStreamCheck, natsCheck, natsDurability } from './nats-checks.ts';
import { redisCheck, redisStateChecks } from './redis-checks.ts';
import { gatherEvidence, shardChecks } from './shard-checks.ts';
import { endsOfShards, lookAtShards } from './shard-look.ts';
import { snapshotCheck } from './snapshot-check.ts';
import { logCheck, otherStreamChecks } from './stream-checks.ts';
import { queriesCheck, redisNow, sweepCheck, workersCheck } from './worker-checks.ts';

export interface Examination {
  readonly checks: readonly Check[];
  readonly isNatsThere: boolean;
  readonly isRedisThere: boolean;
}

/** Facts about NATS on which the other checks depend. */
interface System {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly subjects: Subjects;
  readonly logs: readonly StreamInfo[];
  readonly shards: number;
}

export async function examine(config: Config, areShardsGiven: boolean): Promise<Examination> {
  const checks: Check[] = [];
  const isRedisThere = await examineRedis(config, checks);
  let isNatsThere = false;
  try {
    const examineAll = async (connection: NatsConnection): Promise<void> => {
      isNatsThere = true;
      const system = await examineNats(connection, config, areShardsGiven, checks);
      if (system !== undefined && isRedisThere) {
        await withRedis(config, (redis) => examineSystem(system, redis, config, checks));
      }
    };
    await withNats(config, examineAll, callerOf(config));
  } catch (error) {
    if (isNatsThere) checks.push(fail('examination', `could not finish the check: ${messageOf(error)}`));
    else checks.push(fail('nats', messageOf(error)));
  }
  return { checks, isNatsThere, isRedisThere };
}

async function examineRedis(config: Config, checks: Check[]): Promise<boolean> {
  const { redisUrl } = config;
  try {
    const files = redisTls(config);
    const answer = await askRedis(redisUrl, files === undefined ? undefined : tlsOptionsOf(files));
    checks.push(redisCheck(answer, redisUrl));
    if (answer.ready) pushAll(checks, await withRedis(config, redisStateChecks));
    return true;
  } catch (error) {
    checks.push(fail('redis', `Redis does not answer: ${messageOf(error)}`));
    return false;
  }
}

async function examineNats(
  connection: NatsConnection,
  config: Config,
  areShardsGiven: boolean,
  checks: Check[],
): Promise<System | undefined> {
  checks.push(await natsCheck(connection, config.natsUrl));
  if (callerOf(config) !== undefined) pushAll(checks, identityChecks(connection));
  let jsm: JetStreamManager;
  try {
    jsm = await openJetStream(connection);
  } catch (error) {
    checks.push(fail('jetstream', messageOf(error)));
    return undefined;
  }
  checks.push(await jetStreamCheck(jsm));
  const found = await findLogs(jsm, subjects(config.namespace));
  if (!('logs' in found)) {
    checks.push(found);
    return undefined;
  }
  const { logs, shards, names } = found;
  const version = connection.info?.version ?? '0';
  for (const log of logs) checks.push(natsDurability(logDurability(log, version), version));
  if (areShardsGiven && config.shards !== shards) {
    checks.push(
      fail('shards', `the configuration says ${config.shards}, the system was created with ${shards}`),
    );
  }
  for (const log of logs) checks.push(logCheck(log, shards));
  pushAll(checks, await otherStreamChecks(jsm, names));
  return { connection, jsm, subjects: names, logs, shards };
}

/** The streams of the log, and the names of all streams as there are so many. */
interface FoundLogs {
  readonly logs: readonly StreamInfo[];
  readonly shards: number;
  readonly names: Subjects;
}

async function findLogs(jsm: JetStreamManager, first: Subjects): Promise<Check | FoundLogs> {
  const { namespace } = first;
  try {
    const layout = await findLayout(jsm, first);
    if (layout === undefined) {
      const [lost] = (await readMarks(jsm, first, 1)).values();
      if (lost?.made === true)
        return fail('log', `the log is gone: the trim marks belong to log ${lost.log}. Restore it`);
      return fail('log', `there is no system in namespace ${namespace}: the first worker creates it`);
    }
    const names = subjects(namespace, layout.logs.length);
    const logs: StreamInfo[] = [];
    for (const name of names.logStreams) {
      const info = await findStream(jsm, name);
      if (info === undefined)
        return fail('log', `stream ${name}, one of ${layout.logs.length} of the log, is gone. Restore it`);
      logs.push(info);
    }
    return { logs, shards: layout.shards, names };
  } catch (error) {
    if (error instanceof ConfigurationError) return fail('log', error.message);
    throw error;
  }
}

async function examineSystem(
  { connection, jsm, subjects: names, logs, shards }: System,
  redis: Redis,
  config: Config,
  checks: Check[],
): Promise<void> {
  const { namespace } = config;
  const workers = await liveWorkers(redis, namespace);
  const clocks = await clockCheck(redis, config.redisUrl, namespace, workers);
  checks.push(clocks.check, workersCheck(workers));
  if (workers.length > 0)
    checks.push(
      await queriesCheck(new QueryClient({ connection, subjects: names, asker: askerFor(config) })),
    );
  const all = Array.from({ length: shards }, (_, shard) => shard);
  const identities = logs.map(logIdentityOf);
  const evidence = await gatherEvidence({
    logs: identities,
    isAnyoneAlive: workers.length > 0,
    ends: () => endsOfShards(jsm, names, shards),
    look: () => lookAtShards(redis, namespace, all),
    lastSeqs: () =>
      Promise.all(names.logStreams.map(async (name) => (await jsm.streams.info(name)).state.last_seq)),
  });
  const [log] = logs;
  const version = connection.info?.version ?? '0';
  if (log !== undefined)
    checks.push(durabilityCheck(logDurability(log, version), await stateDurability(redis)));
  const marks = await readMarks(jsm, names, shards);
  checks.push(markCheck(marks, identities, shards));
  const bucket = await SnapshotBucket.open(connection, jsm, names);
  checks.push(await snapshotCheck(bucket, identities, marks, shards));
  const now = clocks.now ?? (await redisNow(redis));
  pushAll(checks, shardChecks(evidence, now));
  pushAll(checks, loadChecks(evidence.first, evidence.second));
  checks.push(shardTimeCheck(evidence.second, now));
  checks.push(await sweepCheck(redis, namespace, now));
  // Last, because it takes as long as answers may come.
  checks.push(await alarmCheck(connection, namespace, workers.length));
}
