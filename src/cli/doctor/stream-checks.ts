/** The streams: are they there, laid out as they should be, and is there room. */
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import { findStream } from '../../bus/streams.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { formatBytes } from '../durations.ts';
import { type Check, fail, ok, warn } from './check.ts';

const NEARLY_FULL = 0.9;

export function logCheck({ config, state }: StreamInfo, shards: number): Check {
  const detail = `${config.name}: ${shards} shards, positions ${state.first_seq} to ${state.last_seq}, ${fillOf(config.max_bytes, state.bytes)}`;
  if (isNearlyFull(config.max_bytes, state.bytes))
    return warn('log', `${detail}: nearly full, then decisions are refused`);
  return ok('log', detail);
}

export async function otherStreamChecks(
  jsm: JetStreamManager,
  { streams, eventStreams }: Subjects,
): Promise<Check[]> {
  const [deadLetters, ...events] = await Promise.all(
    [streams.deadLetters, ...eventStreams].map((name) => findStream(jsm, name)),
  );
  return [
    ...events.map((info, index) => eventsCheck(info, eventStreams[index] ?? '')),
    deadLettersCheck(deadLetters, streams.deadLetters),
  ];
}

function eventsCheck(info: StreamInfo | undefined, stream: string): Check {
  if (info === undefined)
    return fail('events', `there is no stream ${stream}; a worker creates it when it starts`);
  const { config, state } = info;
  const detail = `${stream}: ${state.messages} packs of events, ${fillOf(config.max_bytes, state.bytes)}`;
  if (isNearlyFull(config.max_bytes, state.bytes)) {
    return warn('events', `${detail}: nearly full, then the shards wait for room`);
  }
  return ok('events', detail);
}

function deadLettersCheck(info: StreamInfo | undefined, stream: string): Check {
  if (info === undefined)
    return fail('dead-letters', `there is no stream ${stream}; a worker creates it when it starts`);
  const { messages } = info.state;
  if (messages === 0) return ok('dead-letters', 'none');
  return warn(
    'dead-letters',
    `${messages} messages could not be decoded: converge tail deadletters --since all`,
  );
}

function fillOf(most: number, bytes: number): string {
  return most < 0 ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(most)}`;
}

function isNearlyFull(most: number, bytes: number): boolean {
  return most > 0 && bytes > most * NEARLY_FULL;
}
