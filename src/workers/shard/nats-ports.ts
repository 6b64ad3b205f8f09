/** The log and the publishing side of a shard, on NATS. */

import { randomUUID } from 'node:crypto';
import { type JetStreamManager, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { logIdentityOf } from '../../bus/layout.ts';
import { type LogMessage, LogReader, readMessage } from '../../bus/log-reader.ts';
import { clockMessages } from '../../bus/log-scan.ts';
import { NatsTrimMarks } from '../../bus/nats-trim-marks.ts';
import type { StreamMessage, StreamPublisher } from '../../bus/stream-publisher.ts';
import { findStream } from '../../bus/streams.ts';
import { messageOfStream } from '../../bus/whole-stream.ts';
import { LogDivergedError, PublishError } from '../../lib/errors.ts';
import { MAX_DECISION_BYTES } from '../../protocol/limits.ts';
import { SHARD_POOL, SWEEPER } from '../../protocol/names.ts';
import { resultTokens } from '../../protocol/outcome.ts';
import { PACK_CONTENT_TYPE, PACK_HEADERS } from '../../protocol/packs.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { DeadLetter } from './outbox.ts';
import type { Pack } from './packs.ts';
import type { ShardLog, ShardPublisher } from './ports.ts';

export function natsShardLog(
  connection: NatsConnection,
  jsm: JetStreamManager,
  subjects: Subjects,
  shard: number,
): ShardLog {
  const source = {
    connection,
    jsm,
    stream: subjects.logOf(shard),
    filter: subjects.shardLog(shard),
    shard,
    marks: new NatsTrimMarks(jsm, subjects),
  };
  return {
    async open(position) {
      if ((await findStream(jsm, source.stream)) === undefined) throw new LogDivergedError('the log is gone');
      return await LogReader.open(source, position);
    },
    read: (seq) => readMessage(jsm, source.stream, seq),
    clocks: (after) => clockMessages(jsm, source.stream, subjects.clocks(shard), after),
    async identity() {
      const info = await findStream(jsm, source.stream);
      if (info === undefined) throw new LogDivergedError('the log is gone');
      return logIdentityOf(info);
    },
  };
}

/** Appends a Settle, which has no outcome and is due at any time, and answers what time the log has stamped it with. */
export async function logStamp(
  connection: NatsConnection,
  jsm: JetStreamManager,
  subjects: Subjects,
  shard: number,
): Promise<number> {
  const subject = subjects.shardDecision(shard, SWEEPER, SHARD_POOL);
  const payload = JSON.stringify({ id: `clock-${randomUUID()}`, type: 'Settle' });
  const { seq } = await jetstream(connection, { timeout: STAMP_WITHIN_MS }).publish(subject, payload);
  const message = await readMessage(jsm, subjects.logOf(shard), seq);
  if (message === undefined) throw new PublishError('the log does not hold a message that it confirmed');
  return message.at;
}

const STAMP_WITHIN_MS = 2_000;

/** Dead letters keep this much of the message: it must fit into the payload together with its headers. */
const DEAD_LETTER_BYTES = 2 * MAX_DECISION_BYTES;

export function natsShardPublisher(
  connection: NatsConnection,
  streams: StreamPublisher,
  subjects: Subjects,
  eventsAreFull: () => boolean,
): ShardPublisher {
  return {
    result(key, outcome) {
      connection.publish(`${subjects.namespace}.results.${resultTokens(key)}`, Buffer.from(outcome));
    },
    async packs(packs) {
      if (eventsAreFull()) throw new PublishError('the events stream is full');
      await streams.publish(packs.map(packMessage));
    },
    async deadLetter({ seq, reason }, message) {
      await streams.publish([deadLetterMessage(subjects, { seq, reason }, message)]);
    },
    async flush() {
      await connection.flush();
    },
    async sweep(shard, at) {
      const id = `own-${randomUUID()}`;
      const subject = subjects.shardDecision(shard, SWEEPER, SHARD_POOL);
      const payload = JSON.stringify({ id, type: 'Sweep', at });
      await streams.publish([{ subject, payload }]);
    },
    async settle(shard, id) {
      const subject = subjects.shardDecision(shard, SWEEPER, SHARD_POOL);
      const payload = JSON.stringify({ id, type: 'Settle' });
      await streams.publish([{ subject, payload }]);
    },
  };
}

export function packMessage({ subject, id, first, last, count, json }: Pack): StreamMessage {
  const headers = {
    'Content-Type': PACK_CONTENT_TYPE,
    [PACK_HEADERS.first]: first,
    [PACK_HEADERS.last]: last,
    [PACK_HEADERS.events]: String(count),
  };
  return { subject, id, payload: json, headers };
}

/** The message that tells of a dead letter: what it says of itself stands in headers, whatever a stranger wrote. */
export function deadLetterMessage(
  subjects: Subjects,
  { seq, reason }: DeadLetter,
  message: LogMessage,
): StreamMessage {
  const shard = Number(message.subject.slice(`${subjects.namespace}.decisions.`.length).split('.')[0]);
  const headers = {
    'Converge-Reason': printable(reason),
    'Converge-Subject': printable(message.subject),
    'Converge-Seq': String(seq),
    'Converge-Bytes': String(message.data.byteLength),
  };
  const payload = message.data.subarray(0, DEAD_LETTER_BYTES);
  return { subject: subjects.deadLetter(shard), id: `dead-${shard}-${seq}`, payload, headers };
}

/** Header values are one line of printable ASCII. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 500);
}

/** The last message of a shard that the log holds, as the server says; 0 when it holds none. */
export async function lastSeqOf(jsm: JetStreamManager, subjects: Subjects, shard: number): Promise<number> {
  const message = await messageOfStream(jsm, subjects.logOf(shard), {
    last_by_subj: subjects.shardLog(shard),
  });
  return message?.seq ?? 0;
}
