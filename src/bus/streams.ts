/**
 * The streams, and everything fixed when a system is created: the version of the layout, the number of shards
 * and which log it is. The decision stream itself carries them, so that an emptied Redis can be filled again from it, and
 * nothing that ever changes: a process that changes a limit writes the whole description back as it was read.
 */

import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { ConfigurationError } from '../lib/errors.ts';
import { defined } from '../protocol/defined.ts';
import { type Subjects, subjects as subjectsOf } from '../protocol/subjects.ts';
import { PROTOCOL } from '../protocol/version.ts';
import {
  describe,
  isMarked,
  type Layout,
  type LogStream,
  logIdentityOf,
  logStreamOf,
  shardsIn,
  trimMarkOf,
} from './layout.ts';
import { adoptDescription, chooseIdentity, type KnownElsewhere, saySo } from './log-origin.ts';
import { NatsTrimMarks } from './nats-trim-marks.ts';
import { refusedStream } from './refused-stream.ts';
import {
  deadLetterStream,
  decisionStream,
  eventStream,
  markStream,
  type StreamLimits,
  snapshotStream,
} from './stream-configs.ts';
import { wholeStream } from './whole-stream.ts';

const NOT_FOUND = 10059;

/**
 * Creates missing streams and verifies existing ones. Many workers may call it at once. A stream of the log that marks,
 * state or snapshots know is not created again: it was lost, and its shards halt until it is restored.
 */
export async function ensureStreams(
  jsm: JetStreamManager,
  subjects: Subjects,
  shards: number,
  limits: StreamLimits,
  knownElsewhere: KnownElsewhere = async () => undefined,
): Promise<Layout> {
  await ensure(jsm, markStream(subjects, limits));
  const streams = subjects.logStreams.length;
  if (streams > shards) {
    throw new ConfigurationError(
      `the log of ${shards} shards cannot be spread over ${streams} streams: set CONVERGE_LOG_STREAMS to at most as many`,
    );
  }
  // Before anything is made: what there is says for how many it was made.
  for (const name of subjects.logStreams) checkedLog(await findStream(jsm, name), shards, streams);
  const logs: string[] = [];
  for (let index = 0; index < streams; index++) {
    const wanted = { version: PROTOCOL, shards, index, streams };
    logs.push(await ensureLog(jsm, subjects, wanted, limits, knownElsewhere));
    await ensure(jsm, eventStream(subjects, wanted, limits));
  }
  await ensure(jsm, deadLetterStream(subjects, limits));
  await ensure(jsm, snapshotStream(subjects, limits));
  return { version: PROTOCOL, shards, logs };
}

/** Answers which log it is. */
async function ensureLog(
  jsm: JetStreamManager,
  subjects: Subjects,
  wanted: Omit<LogStream, 'logIdentity'>,
  limits: StreamLimits,
  knownElsewhere: KnownElsewhere,
): Promise<string> {
  const { index, streams, shards } = wanted;
  const marks = new NatsTrimMarks(jsm, subjects);
  const found = await findStream(jsm, subjects.logOf(index));
  const own = shardsIn(index, streams, shards);
  if (found === undefined) {
    const { logIdentity, isLost } = await chooseIdentity(marks, own, knownElsewhere);
    if (isLost) return logIdentity;
    const made = await ensure(jsm, decisionStream(subjects, { ...wanted, logIdentity }, limits));
    const log = checkedLog(made, shards, streams) ?? { logIdentity };
    await saySo(marks, own, log.logIdentity);
    return log.logIdentity;
  }
  const log = { ...wanted, logIdentity: logIdentityOf(found) };
  if (!isMarked(found)) await adopt(jsm, marks, subjects, found, log);
  // With more room than before it can be open again at once.
  await closeWhenNearlyFull(jsm, await ensure(jsm, decisionStream(subjects, log, limits)));
  return log.logIdentity;
}

/** Throws a {@link ConfigurationError} for a log that was made for other numbers. */
function checkedLog(info: StreamInfo | undefined, shards: number, streams: number): LogStream | undefined {
  if (info === undefined) return undefined;
  const log = logStreamOf(info);
  if (log.shards !== shards) {
    throw new ConfigurationError(
      `stream ${info.config.name} was created with ${log.shards} shards, the configuration says ${shards} ` +
        '(CONVERGE_SHARDS); the number of shards is fixed when a system is created',
    );
  }
  if (log.streams !== streams) {
    throw new ConfigurationError(
      `stream ${info.config.name} is one of ${log.streams} of the log, the configuration says ${streams} ` +
        '(CONVERGE_LOG_STREAMS); the number of streams is fixed when a system is created',
    );
  }
  return log;
}

/** The description of an older version counts once: from then on the marks count. */
async function adopt(
  jsm: JetStreamManager,
  marks: NatsTrimMarks,
  subjects: Subjects,
  found: StreamInfo,
  log: LogStream,
): Promise<void> {
  const own = shardsIn(log.index, log.streams, log.shards);
  await adoptDescription(marks, { jsm, subjects }, own, log.logIdentity, trimMarkOf(found));
  const { config } = await jsm.streams.info(found.config.name);
  await jsm.streams.update(config.name, { ...config, description: describe(log) });
}

/**
 * The layout of an existing system; undefined when there is none in this namespace. Where a stream of the log is gone, its
 * identity is empty.
 */
export async function findLayout(jsm: JetStreamManager, subjects: Subjects): Promise<Layout | undefined> {
  const first = await findStream(jsm, subjects.streams.decisions);
  if (first === undefined) return undefined;
  const { version, shards, streams, logIdentity } = logStreamOf(first);
  const others = subjectsOf(subjects.namespace, streams).logStreams.slice(1);
  const found = await Promise.all(others.map((name) => findStream(jsm, name)));
  const identities = found.map((info) => (info === undefined ? '' : logStreamOf(info).logIdentity));
  return { version, shards, logs: [logIdentity, ...identities] };
}

/** Undefined when there is none; one that is being created is waited for. */
export async function findStream(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await wholeStream(jsm, name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NOT_FOUND) return undefined;
    throw error;
  }
}

async function ensure(
  jsm: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<StreamInfo> {
  const found = await findStream(jsm, config.name);
  if (found === undefined) {
    try {
      return await jsm.streams.add(config);
    } catch (error) {
      // Another worker may have been faster, with the same or other limits.
      const theirs = await findStream(jsm, config.name);
      if (theirs === undefined) throw refusedStream(error, config);
      return theirs;
    }
  }
  // Limits can be moved at any time; what identifies the stream cannot, and is verified by the caller.
  const wanted = limitsOf(config);
  const isAsWanted = Object.entries(limitsOf(found.config)).every(
    ([name, value]) => !(name in wanted) || Reflect.get(wanted, name) === value,
  );
  if (isAsWanted) return found;
  refuseToDrop(found, wanted);
  refuseReplicas(found, wanted);
  try {
    return await jsm.streams.update(config.name, { ...found.config, ...wanted });
  } catch (error) {
    throw refusedStream(error, config);
  }
}

/** To fit a lower limit the server drops the oldest messages, no matter what the stream discards when it is full. */
function refuseToDrop({ config, state }: StreamInfo, { max_bytes }: Partial<StreamConfig>): void {
  if (config.discard !== DiscardPolicy.New || max_bytes === undefined || state.bytes <= max_bytes) return;
  throw new ConfigurationError(
    `stream ${config.name} holds ${state.bytes} bytes, the configuration allows ${max_bytes}: ` +
      'its oldest messages would be dropped',
  );
}

/** More replicas are added at once; fewer would make the system less safe because of a forgotten setting. */
function refuseReplicas({ config, cluster }: StreamInfo, { num_replicas }: Partial<StreamConfig>): void {
  if (num_replicas === undefined || num_replicas === config.num_replicas) return;
  if (num_replicas > config.num_replicas) {
    if (cluster !== undefined) return;
    // A single server of 2.9 takes the number and keeps one replica all the same.
    throw new ConfigurationError(
      `stream ${config.name} cannot have ${num_replicas} replicas: the server is not in a cluster. ` +
        'Set CONVERGE_REPLICAS to at most the number of its servers',
    );
  }
  throw new ConfigurationError(
    `stream ${config.name} has ${config.num_replicas} replicas, the configuration says ${num_replicas} ` +
      '(CONVERGE_REPLICAS): set it to what there is, or edit the streams first (nats stream edit --replicas)',
  );
}

/** Kept free in a stream that must not drop anything: what can arrive between two looks at it. */
const RESERVE_SHARE = 0.05;
const LEAST_RESERVE_BYTES = 1024 * 1024;
/** No decision is so small. */
const NOTHING_FITS = 1;

export function isNearlyFull({ config, state }: StreamInfo): boolean {
  const max = config.max_bytes;
  if (max <= 0) return false;
  const reserve = Math.max(max * RESERVE_SHARE, Math.min(LEAST_RESERVE_BYTES, max / 2));
  return state.bytes > max - reserve;
}

/**
 * Closes the log to new messages shortly before it is full, and opens it when there is room again; returns whether it is
 * closed. Servers before 2.10.5 misjudge what a message takes: one that just does not fit any more is stored, and the
 * oldest messages of the log are dropped for it, though the stream is set to refuse.
 */
export async function closeWhenNearlyFull(jsm: JetStreamManager, info: StreamInfo): Promise<boolean> {
  const isFull = isNearlyFull(info);
  const isClosed = info.config.max_msg_size === NOTHING_FITS;
  if (isFull !== isClosed) {
    const max_msg_size = isFull ? NOTHING_FITS : -1;
    await jsm.streams.update(info.config.name, { ...info.config, max_msg_size });
  }
  return isFull;
}

function limitsOf({
  max_bytes,
  max_age,
  max_msgs,
  duplicate_window,
  num_replicas,
}: Partial<StreamConfig>): Partial<StreamConfig> {
  return {
    ...defined({ num_replicas, max_bytes, max_age, max_msgs, duplicate_window }),
  };
}
