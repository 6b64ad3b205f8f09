/** What the servers themselves say was done in a namespace: events in JetStream, tasks in Redis. */
import { setTimeout as delay } from 'node:timers/promises';
import { DeliverPolicy, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from 'nats';
import { z } from 'zod';
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
  #tally = { after: 0, last: 0, types: new Map<string, number>() };

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
      const found = (await this.#typesAfter(after)).get(`converge.task.${verb}`) ?? 0;
      if (found >= expected || tries >= MAX_TRIES) return found;
      await delay(RETRY_MS);
    }
  }

  /** An event of this kind, as one of the last packs holds it; undefined when there is none. */
  async lastTaskEvent(verb: string): Promise<string | undefined> {
    const stream = this.#subjects.streams.events;
    for (let seq = await this.eventsEnd(), tries = 0; seq > 0 && tries < MAX_TRIES; seq--, tries++) {
      const message = await this.#jsm.streams.getMessage(stream, { seq });
      const found =
        message === null
          ? undefined
          : entriesOf(message.data).find(({ type }) => type === `converge.task.${verb}`);
      if (found !== undefined) return JSON.stringify(found);
    }
    return undefined;
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

  /** How many events of each type stand behind a place. What was read for the same place is not read again. */
  async #typesAfter(after: number): Promise<ReadonlyMap<string, number>> {
    if (this.#tally.after !== after) this.#tally = { after, last: after, types: new Map() };
    const tally = this.#tally;
    const end = await this.eventsEnd();
    if (tally.last >= end) return tally.types;
    const consumer = await this.#jsm.jetstream().consumers.get(this.#subjects.streams.events, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: tally.last + 1,
    });
    const messages = await consumer.consume({ max_messages: 64 });
    for await (const message of messages) {
      for (const { type = '' } of entriesOf(message.data)) {
        tally.types.set(type, (tally.types.get(type) ?? 0) + 1);
      }
      tally.last = message.seq;
      if (message.seq >= end) break;
    }
    await messages.close();
    return tally.types;
  }
}

/** What a pack holds, of which only the type is looked at: the raw pipe's events have nothing else. */
function entriesOf(data: Uint8Array): { readonly type?: string | undefined }[] {
  return packSchema.parse(JSON.parse(Buffer.from(data).toString('utf8')));
}

const packSchema = z.array(z.looseObject({ type: z.string().optional() }));
const MAX_TRIES = 100;
const RETRY_MS = 50;
