/** Reads a stretch of the log once, for programs that look at it: not to apply it. */
import { AckPolicy, DeliverPolicy, type JetStreamManager, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import type { LogMessage } from './log-message.ts';
import { lastMessage, nextMessage } from './log-reader.ts';

/** Declarations of operators about the time of a shard (Clock), after a position and in order. */
export async function clockMessages(
  jsm: JetStreamManager,
  stream: string,
  subject: string,
  after: number,
): Promise<LogMessage[]> {
  const found: LogMessage[] = [];
  const last = await lastMessage(jsm, stream, subject);
  // Seldom one at all: asking for the last one is all that it usually takes.
  for (let seq = after; last !== undefined && seq < last.seq; ) {
    const next = await nextMessage(jsm, stream, subject, seq + 1);
    if (next === undefined) break;
    found.push(next);
    seq = next.seq;
  }
  return found;
}

const LIVES_NANOS = 10_000_000_000;
const AT_ONCE = 1_000;
const WAITS_MS = 2_000;

/** Everything from a position to where the log ends now, in order. */
export async function* scanLog(
  connection: NatsConnection,
  jsm: JetStreamManager,
  stream: string,
  from: number,
): AsyncGenerator<LogMessage> {
  const { state } = await jsm.streams.info(stream);
  if (state.messages === 0 || from > state.last_seq) return;
  const info = await jsm.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(from, state.first_seq),
    inactive_threshold: LIVES_NANOS,
    mem_storage: true,
    num_replicas: 1,
  });
  const consumer = await jetstream(connection).consumers.get(stream, info.name);
  try {
    for (let seq = 0; seq < state.last_seq; ) {
      const before = seq;
      for await (const message of await consumer.fetch({ max_messages: AT_ONCE, expires: WAITS_MS })) {
        seq = message.seq;
        yield { seq, at: message.time.getTime(), subject: message.subject, data: message.data };
        if (seq >= state.last_seq) return;
      }
      // Nothing came: what is missing at the end was removed.
      if (seq === before) return;
    }
  } finally {
    await consumer.delete().catch(() => false);
  }
}

/** The server's clock: the creation time of a consumer made just for that. Milliseconds since the epoch. */
export async function serverTime(jsm: JetStreamManager, stream: string): Promise<number> {
  const { name, created } = await jsm.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.New,
    inactive_threshold: LIVES_NANOS,
    mem_storage: true,
    num_replicas: 1,
  });
  await jsm.consumers.delete(stream, name).catch(() => false);
  return Date.parse(created);
}
