/** What stands in the streams at the end, written into the history: read as any subscriber can. */
import { createHash } from 'node:crypto';
import { type JsMsg, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { eventsIn, PACK_HEADERS } from '../../../src/protocol/packs.ts';
import type { Subjects } from '../../../src/protocol/subjects.ts';
import type { Recorder } from './recorder.ts';

const WITHIN_MS = 120_000;
/** Packs are large: what is requested at once has to fit into what a server keeps for a slow reader. */
const AT_ONCE = 64;
const MOST_CHARS = 16_384;

export async function takeStreams(
  connection: NatsConnection,
  { streams }: Subjects,
  recorder: Recorder,
): Promise<void> {
  await readStream(connection, streams.decisions, (message) =>
    recorder.write({
      t: 'logged',
      seq: message.seq,
      time: Math.floor(message.info.timestampNanos / 1_000_000),
      subject: message.subject,
      text: shortened(message.string()),
    }),
  );
  await readStream(connection, streams.events, (message) => {
    const { seq, subject, headers } = message;
    const events = eventsIn(message.data);
    recorder.write({
      t: 'pack',
      seq,
      id: headers?.get('Nats-Msg-Id') ?? '',
      first: headers?.get(PACK_HEADERS.first) ?? '',
      last: headers?.get(PACK_HEADERS.last) ?? '',
      count: headers?.get(PACK_HEADERS.events) ?? '',
      subject,
      events: events.map((event) => ({
        id: event?.id ?? '',
        sequence: event?.sequence ?? '',
        source: event?.source ?? '',
      })),
    });
    for (const event of events) {
      const text = shortened(JSON.stringify(event ?? null));
      recorder.write({ t: 'event', seq, id: event?.id ?? '', subject, text });
    }
  });
  await readStream(connection, streams.deadLetters, (message) =>
    recorder.write({ t: 'deadletter', seq: Number(message.headers?.get('Converge-Seq')) }),
  );
}

/**
 * What is very long stands in the history as what it is recognised by: of all that is judged only whether it is the same
 * counts.
 */
export function shortened(text: string): string {
  if (text.length <= MOST_CHARS) return text;
  try {
    return JSON.stringify(JSON.parse(text), (_, value: unknown) =>
      typeof value === 'string' && value.length > MOST_CHARS
        ? `sha256:${createHash('sha256').update(value).digest('hex')}`
        : value,
    );
  } catch {
    return text;
  }
}

export async function readStream(
  connection: NatsConnection,
  stream: string,
  take: (message: JsMsg) => void,
): Promise<void> {
  const js = jetstream(connection);
  const { state } = await (await js.jetstreamManager()).streams.info(stream);
  if (state.messages === 0) return;
  const consumer = await js.consumers.get(stream);
  const messages = await consumer.consume({ max_messages: AT_ONCE });
  const deadline = setTimeout(() => void messages.close(), WITHIN_MS);
  let last = 0;
  try {
    for await (const message of messages) {
      last = message.seq;
      take(message);
      if (last >= state.last_seq) break;
    }
  } finally {
    clearTimeout(deadline);
    await messages.close();
  }
  if (last < state.last_seq)
    throw new Error(`${stream} could be read up to ${last} of ${state.last_seq} only`);
}
