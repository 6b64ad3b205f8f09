import { type ConsumerMessages, DeliverPolicy, type JsMsg, jetstream } from '@nats-io/jetstream';
import { parseDecisionSubject, subjects } from '../../protocol/subjects.ts';
import { timeText } from '../answer-text.ts';
import { formatBytes } from '../durations.ts';
import type { Entry, Since, Source, SourceOptions } from './source.ts';

interface DeadLetter {
  readonly shard: number;
  /** Where it stands in the log, and when it was put among the dead letters. */
  readonly seq: number;
  readonly at: number;
  readonly reason: string;
  readonly subject: string;
  /** Size of the message; `body` may hold less of it. */
  readonly bytes: number;
  readonly body: string;
}

export async function deadLetterSource(options: SourceOptions): Promise<Source> {
  const { connection, namespace, pool, agent, since } = options;
  const { streams } = subjects(namespace);
  const consumer = await jetstream(connection).consumers.get(streams.deadLetters, startOf(since));
  const messages: ConsumerMessages = await consumer.consume();
  return {
    async *entries(): AsyncGenerator<Entry> {
      for await (const message of messages) {
        const letter = letterOf(message);
        const author = parseDecisionSubject(namespace, letter.subject);
        if (pool !== undefined && author?.pool !== pool) continue;
        if (agent !== undefined && author?.agent !== agent) continue;
        yield { value: letter, line: lineOf(letter) };
      }
    },
    close: () => void messages.close(),
  };
}

function startOf(since: Since): { deliver_policy: DeliverPolicy; opt_start_time?: string } {
  if (since === 'new') return { deliver_policy: DeliverPolicy.New };
  if (since === 'all') return { deliver_policy: DeliverPolicy.All };
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(since.at).toISOString() };
}

function letterOf(message: JsMsg): DeadLetter {
  const header = (name: string): string => message.headers?.get(name) ?? '';
  return {
    shard: Number(message.subject.split('.').at(-1)),
    seq: Number(header('Converge-Seq')),
    at: Math.floor(message.info.timestampNanos / 1_000_000),
    reason: header('Converge-Reason'),
    subject: header('Converge-Subject'),
    bytes: Number(header('Converge-Bytes')),
    body: Buffer.from(message.data).toString('utf8'),
  };
}

function lineOf({ at, shard, seq, reason, subject, bytes }: DeadLetter): string {
  return `${timeText(at)}  shard ${shard}, position ${seq}  ${reason}  ${subject}  ${formatBytes(bytes)}`;
}
