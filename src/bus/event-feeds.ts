/**
 * Events for those who have no JetStream of their own: a worker makes the consumer, the NATS server delivers from the
 * stream straight to `feeds.<asker>.<token>`, where only that asker may listen. A consumer that nobody listens to lapses.
 */
import { AckPolicy, type ConsumerConfig, type ConsumerInfo, type JetStreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection, nuid } from 'nats';
import { UnavailableError } from '../lib/errors.ts';
import { parsePosition } from '../protocol/positions.ts';
import type { OpenedFeed, QueryOf } from '../protocol/queries.ts';
import { shardOf } from '../protocol/shard.ts';
import type { Subjects } from '../protocol/subjects.ts';
import { PROTOCOL } from '../protocol/version.ts';
import { deliveryFrom, poolFilter } from './delivery-from.ts';
import { eventsIdentityOf } from './layout.ts';
import { findStream } from './streams.ts';

/** The header of the last message of a feed that a worker has closed: why. */
export const FEED_CLOSED = 'Converge-Closed';

/** Of one asker; beyond, the newest ones are closed, and told so. */
const MAX_FEEDS = 64;
const HEARTBEAT_NANOS = 1_000_000_000;
/** How long nobody may listen. */
const INACTIVE_NANOS = 5_000_000_000;

export class EventFeeds {
  readonly #jsm: JetStreamManager;
  readonly #subjects: Subjects;
  readonly #shards: number;
  readonly #connection: NatsConnection;

  constructor(connection: NatsConnection, jsm: JetStreamManager, subjects: Subjects, shards: number) {
    this.#connection = connection;
    this.#jsm = jsm;
    this.#subjects = subjects;
    this.#shards = shards;
  }

  async open(
    asker: string,
    { pool, stream: index = 0, token, after, since }: QueryOf<'feed'>,
  ): Promise<OpenedFeed> {
    const stream = this.#subjects.eventsStreamOf(pool === undefined ? index : shardOf(pool, this.#shards));
    const info = await findStream(this.#jsm, stream);
    if (info === undefined) throw new UnavailableError(`there is no stream ${stream}`);
    const { state } = info;
    // Without a beginning: what happens from now on.
    const next = nextOf(after) ?? (since === undefined ? state.last_seq + 1 : undefined);
    const consumer = await this.#jsm.consumers.add(stream, {
      ...deliveryFrom(next, since),
      name: `feed-${nuid.next()}`,
      deliver_subject: this.#subjects.feed(asker, token),
      ...poolFilter(this.#subjects, this.#shards, pool),
      ack_policy: AckPolicy.None,
      flow_control: true,
      idle_heartbeat: HEARTBEAT_NANOS,
      inactive_threshold: INACTIVE_NANOS,
      mem_storage: true,
      num_replicas: 1,
    });
    // After the consumer was made: what the stream still holds now, the consumer has not passed over.
    const first = (await findStream(this.#jsm, stream))?.state.first_seq;
    if (first === undefined) throw new UnavailableError(`stream ${stream} no longer exists`);
    return {
      protocol: PROTOCOL,
      streams: this.#subjects.eventStreams.length,
      identity: eventsIdentityOf(info),
      first,
      last: state.last_seq,
      after: next === undefined ? consumer.delivered.stream_seq : next - 1,
    };
  }

  /** Closes feeds of pools that their reader may no longer see, and those beyond the limit. Returns how many it closed. */
  async closeForbidden(maySee: (asker: string, pool: string) => Promise<boolean>): Promise<number> {
    const counts = new Map<string, number>();
    const verdicts = new Map<string, Promise<boolean>>();
    let closed = 0;
    for await (const { stream_name: stream, name, config } of this.#consumers()) {
      const feed = this.#feedOf(config);
      if (feed === undefined) continue;
      const { asker, pool } = feed;
      const count = (counts.get(asker) ?? 0) + 1;
      counts.set(asker, count);
      const key = `${asker} ${pool}`;
      const verdict = verdicts.get(key) ?? (pool === undefined ? Promise.resolve(true) : maySee(asker, pool));
      verdicts.set(key, verdict);
      if (count <= MAX_FEEDS && (await verdict)) continue;
      if (count > MAX_FEEDS) this.#sayTooMany(config);
      // Gone already when its reader has left meanwhile.
      await this.#jsm.consumers.delete(stream, name).catch(() => false);
      closed++;
    }
    return closed;
  }

  async *#consumers(): AsyncGenerator<ConsumerInfo> {
    for (const stream of this.#subjects.eventStreams) yield* this.#jsm.consumers.list(stream);
  }

  /** Without a word its reader would open it again, and again hear nothing. */
  #sayTooMany({ deliver_subject }: ConsumerConfig): void {
    if (deliver_subject === undefined) return;
    const header = headers();
    header.set(FEED_CLOSED, `an agent may have at most ${MAX_FEEDS} feeds: close one before opening another`);
    this.#connection.publish(deliver_subject, undefined, { headers: header });
  }

  /** Whose feed the consumer is, and of which pool; undefined for consumers of others. */
  #feedOf({
    deliver_subject,
    filter_subject,
  }: ConsumerConfig): { readonly asker: string; readonly pool: string | undefined } | undefined {
    const ns = this.#subjects.namespace;
    if (deliver_subject === undefined || !deliver_subject.startsWith(`${ns}.feeds.`)) return undefined;
    const [asker] = deliver_subject.slice(`${ns}.feeds.`.length).split('.');
    if (asker === undefined) return undefined;
    // Some servers tell no filter as an empty one.
    if (filter_subject === undefined || filter_subject === '') return { asker, pool: undefined };
    const [, pool] = filter_subject.slice(`${ns}.events.`.length).split('.');
    return pool === undefined ? undefined : { asker, pool };
  }
}

function nextOf(position: string | undefined): number | undefined {
  return position === undefined ? undefined : parsePosition(position)?.seq;
}
