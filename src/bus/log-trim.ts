/** Takes the oldest messages off the log. What may go is for others to say. */
import { AckPolicy, DeliverPolicy, type JetStreamManager } from '@nats-io/jetstream';

const CONSUMER_LIFETIME_NANOS = 5_000_000_000;

/** The first message that was stored at or after a time; what follows the last one when there is none. */
export async function firstSince(jsm: JetStreamManager, stream: string, time: number): Promise<number> {
  const { name, delivered } = await jsm.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: new Date(time).toISOString(),
    inactive_threshold: CONSUMER_LIFETIME_NANOS,
    mem_storage: true,
    num_replicas: 1,
  });
  await jsm.consumers.delete(stream, name).catch(() => false);
  return delivered.stream_seq + 1;
}

/** Removes the messages of one shard below a position; answers how many there were. */
export async function trimShard(
  jsm: JetStreamManager,
  stream: string,
  shardLog: string,
  below: number,
): Promise<number> {
  const { purged } = await jsm.streams.purge(stream, { filter: shardLog, seq: below });
  return purged;
}
