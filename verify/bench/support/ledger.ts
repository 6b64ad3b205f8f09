/** What the servers themselves say was done in a namespace: events in JetStream, tasks in Redis. */
import { setTimeout as delay } from 'node:timers/promises';
import { AckPolicy, DeliverPolicy, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from 'nats';
import type { TaskState } from '../../../src/protocol/documents.ts';
import { type Subjects, subjects } from '../../../src/protocol/subjects.ts';
import { shardKeys } from '../../../src/state/keys.ts';
import { connectForReads, openRedis, type Redis } from '../../../src/state/redis.ts';
import type { BenchServers } from './servers.ts';

export class Ledger {
  readonly #nats: NatsConnection;
  readonly #jsm: JetStreamManager;
  readonly #redis: Redis;
  readonly #subjects: Subjects;
  readonly #shards: number;

  static async open(servers: BenchServers, namespace: string, shards: number): Promise<Ledger> {
    const nats = await connect({ servers: servers.nats.url });
    const redis = await openRedis(connectForReads(servers.redis.url));
    return new Ledger(nats, await jetstreamManager(nats), redis, subjects(namespace), shards);
  }

  private constructor(
    nats: NatsConnection,
    jsm: JetStreamManager,
    redis: Redis,
    names: Subjects,
    shards: number,
  ) {
    this.#nats = nats;
    this.#jsm = jsm;
    this.#redis = redis;
    this.#subjects = names;
    this.#shards = shards;
  }

  /** The end of the events stream: what is counted later begins here. */
  async eventsEnd(): Promise<number> {
    return (await this.#jsm.streams.info(this.#subjects.streams.events)).state.last_seq;
  }

  /** Events `task.<verb>` after a place, once there are as many as expected or nothing comes any more. */
  async taskEvents(verb: string, after: number, expected: number): Promise<number> {
    for (let tries = 0; ; tries++) {
      const found = await this.#count(`${this.#subjects.namespace}.events.*.task.*.${verb}`, after);
      if (found >= expected || tries >= MAX_TRIES) return found;
      await delay(RETRY_MS);
    }
  }

  /** An event of this kind, as the stream holds it; undefined when there is none. */
  async lastTaskEvent(verb: string): Promise<Uint8Array | undefined> {
    const subject = `${this.#subjects.namespace}.events.*.task.*.${verb}`;
    const message = await this.#jsm.streams.getMessage(this.#subjects.streams.events, {
      last_by_subj: subject,
    });
    return message?.data;
  }

  /** Tasks in a state, by the indexes in Redis. */
  async tasksIn(state: TaskState): Promise<number> {
    let tasks = 0;
    for (let shard = 0; shard < this.#shards; shard++) {
      const keys = shardKeys(this.#subjects.namespace, shard);
      const pools = await this.#redis.hkeys(keys.pools);
      const counts = await Promise.all(
        pools.map((pool) => this.#redis.zcard(keys.entitiesIn(pool, 'task', state))),
      );
      tasks += counts.reduce((sum, count) => sum + count, 0);
    }
    return tasks;
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
    await this.#nats.close();
  }

  /** A consumer that nobody reads says how much it would deliver. */
  async #count(filter: string, after: number): Promise<number> {
    const stream = this.#subjects.streams.events;
    const info = await this.#jsm.consumers.add(stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: after + 1,
      filter_subject: filter,
      inactive_threshold: 5_000_000_000,
      mem_storage: true,
      num_replicas: 1,
    });
    await this.#jsm.consumers.delete(stream, info.name);
    return info.num_pending;
  }
}

const MAX_TRIES = 100;
const RETRY_MS = 50;
