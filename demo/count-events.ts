import { DeliverPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { PACK_HEADERS } from '../src/protocol/packs.ts';

/** How many events the packs of a stream hold, as their headers say. */
export async function countEvents(jsm: JetStreamManager, stream: string): Promise<number> {
  const { state } = await jsm.streams.info(stream);
  if (state.messages === 0) return 0;
  const consumer = await jsm.jetstream().consumers.get(stream, {
    deliver_policy: DeliverPolicy.All,
    headers_only: true,
  });
  let events = 0;
  const messages = await consumer.consume({ max_messages: 1_000 });
  for await (const { seq, headers } of messages) {
    events += Number(headers?.get(PACK_HEADERS.events) ?? 0);
    if (seq >= state.last_seq) break;
  }
  await messages.close();
  return events;
}
