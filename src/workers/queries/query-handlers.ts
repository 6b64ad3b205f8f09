/** Puts together what queries answer: the state from Redis, the log from NATS. */
import type { StreamInfo } from '@nats-io/jetstream';
import type { EventFeeds } from '../../bus/event-feeds.ts';
import type { QueryHandlers } from '../../bus/query-service.ts';
import type { Stats, WorkerAlarm } from '../../protocol/queries.ts';
import { PROTOCOL } from '../../protocol/version.ts';
import type { SystemKeys } from '../../state/keys.ts';
import type { StateQueries } from '../../state/queries.ts';
import type { Redis } from '../../state/redis.ts';

export interface QuerySources {
  readonly queries: StateQueries;
  readonly redis: Redis;
  readonly keys: SystemKeys;
  /** The streams of the log; undefined in place of one that is gone. */
  readonly logs: () => Promise<readonly (StreamInfo | undefined)[]>;
  readonly feeds: EventFeeds;
  /** Names of the workers that live. */
  readonly liveWorkers: () => readonly string[];
  /** Of those. */
  readonly alarms: () => readonly WorkerAlarm[];
}

export function queryHandlers({
  queries,
  redis,
  keys,
  logs,
  feeds,
  liveWorkers,
  alarms,
}: QuerySources): QueryHandlers {
  return {
    task: (query) => queries.task(query),
    tasks: (query, _asker, deadline) => queries.tasks(query, deadline),
    'pending-tasks': (query, _asker, deadline) => queries.pendingTasks(query, deadline),
    pool: (query, _asker, deadline) => queries.pool(query, deadline),
    pools: (query, _asker, deadline) => queries.pools(query, deadline),
    'pools-of-agent': (query) => queries.poolsOfAgent(query),
    members: (query, _asker, deadline) => queries.members(query, deadline),
    offers: (query, _asker, deadline) => queries.offers(query, deadline),
    outcome: (query) => queries.outcome(query),
    auction: (query) => queries.auction(query),
    auctions: (query, _asker, deadline) => queries.auctions(query, deadline),
    vote: (query) => queries.vote(query),
    votes: (query, _asker, deadline) => queries.votes(query, deadline),
    negotiation: (query) => queries.negotiation(query),
    delegations: (query, _asker, deadline) => queries.delegations(query, deadline),
    stats: async ({ pool }, _asker, deadline) => {
      const ofPool = pool === undefined ? undefined : await queries.poolStats(pool, deadline);
      if (ofPool !== undefined && 'error' in ofPool) return ofPool;
      const [shards, streams, lastSweep] = await Promise.all([
        queries.shardStats(),
        logs(),
        redis.get(keys.lastSweep),
      ]);
      const stats: Stats = {
        protocol: PROTOCOL,
        shards,
        workers: [...liveWorkers()],
        alarms: alarms(),
        pools: ofPool === undefined ? [] : [ofPool.ok],
        logLastSeq: streams.map((info) => info?.state.last_seq ?? 0),
        logMessages: streams.map((info) => info?.state.messages ?? 0),
        logBytes: streams.map((info) => info?.state.bytes ?? 0),
        ...lastSweepOf(lastSweep),
      };
      return { ok: stats };
    },
    feed: async (query, asker) =>
      asker.kind === 'anyone'
        ? { error: { code: 'invalid_query', message: 'a feed goes to a name: ask on queries.feed.<name>' } }
        : { ok: await feeds.open(asker.kind === 'agent' ? asker.agent : asker.name, query) },
  };
}

function lastSweepOf(json: string | null): Pick<Stats, 'lastSweepAt'> {
  const at: unknown = json === null ? undefined : Reflect.get(JSON.parse(json), 'at');
  return typeof at === 'number' ? { lastSweepAt: at } : {};
}
