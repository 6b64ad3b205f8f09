/**
 * What the descriptions of the streams say: the protocol, the number of shards and of streams, and which log it is. They
 * hold nothing that ever changes, because a configuration is only ever written as a whole.
 */
import type { StreamInfo } from '@nats-io/jetstream';
import { ConfigurationError } from '../lib/errors.ts';
import { otherProtocol, PROTOCOL } from '../protocol/version.ts';

/** The values fixed when the system was created, and the identities of the log's streams. */
export interface Layout {
  /** The protocol of what it holds. */
  readonly version: number;
  readonly shards: number;
  /** The names that the streams of the log were given when they were made: another one is another log. A shard is in one of them. */
  readonly logs: readonly string[];
}

const DESCRIPTION =
  /^converge layout (?<version>\d+), (?<shards>\d+) shards(, stream (?<stream>\d+) of (?<streams>\d+))?(, log (?<log>[A-Za-z0-9:.-]+))?((?<marked>, marked)|, trimmed below (?<below>\d+) on (?<trimmed>[\d,-]+))?$/;

/** One stream of the log: what its description says. */
export interface LogStream {
  readonly version: number;
  readonly shards: number;
  /** Which of them it is, and how many there are. */
  readonly index: number;
  readonly streams: number;
  readonly logIdentity: string;
}

/** `marked`: what was trimmed stands in the trim marks, and their absence says nothing. */
export function describe({ version, shards, index, streams, logIdentity }: LogStream): string {
  const which = streams === 1 ? '' : `, stream ${index} of ${streams}`;
  return `converge layout ${version}, ${shards} shards${which}, log ${logIdentity}, marked`;
}

/** Has it had trim marks from the beginning, or since they were made of its description? */
export function isMarked({ config }: Pick<StreamInfo, 'config'>): boolean {
  return DESCRIPTION.exec(config.description ?? '')?.groups?.marked !== undefined;
}

/**
 * Which log this is: a name that it was given when it was made. Logs from before that have only the time of their
 * creation, which servers (seen on 2.9.10) change: restarted, updated and restarted again, a stream was created when the server
 * first started again.
 */
export function logIdentityOf({ config, created }: Pick<StreamInfo, 'config' | 'created'>): string {
  return DESCRIPTION.exec(config.description ?? '')?.groups?.log ?? created;
}

const EVENTS_DESCRIPTION = /^converge events, protocol \d+, stream (?<stream>[A-Za-z0-9]+)$/;

/** Which stream of events this is, as {@link logIdentityOf}: positions in another one are others. */
export function eventsIdentityOf({ config, created }: Pick<StreamInfo, 'config' | 'created'>): string {
  return EVENTS_DESCRIPTION.exec(config.description ?? '')?.groups?.stream ?? created;
}

/** Throws a {@link ConfigurationError} for what is no stream of a log, or one of another protocol. */
export function logStreamOf(info: StreamInfo): LogStream {
  const { config } = info;
  const { version, shards, stream, streams } = DESCRIPTION.exec(config.description ?? '')?.groups ?? {};
  if (version === undefined || shards === undefined) {
    throw new ConfigurationError(`stream ${config.name} exists but is not a Converge log`);
  }
  if (Number(version) !== PROTOCOL) {
    throw new ConfigurationError(otherProtocol(`stream ${config.name}`, Number(version)));
  }
  return {
    version: Number(version),
    shards: Number(shards),
    index: Number(stream ?? 0),
    streams: Number(streams ?? 1),
    logIdentity: logIdentityOf(info),
  };
}

/** Shards of one stream of the log. */
export function shardsIn(index: number, streams: number, shards: number): number[] {
  return Array.from({ length: shards }, (_, shard) => shard).filter((shard) => shard % streams === index);
}

/** How far the log was trimmed, from the description of an older log. */
export interface DescribedTrim {
  /** No message at or above was ever trimmed. */
  readonly below: number;
  /** Shards of which something was. */
  readonly shards: ReadonlySet<number>;
}

export function trimMarkOf({ config }: Pick<StreamInfo, 'config'>): DescribedTrim {
  const { below, trimmed } = DESCRIPTION.exec(config.description ?? '')?.groups ?? {};
  if (below === undefined || trimmed === undefined) return { below: 1, shards: new Set() };
  return { below: Number(below), shards: new Set(trimmed.split(',').flatMap(numbersOf)) };
}

/** `3` or `3-5`. */
function numbersOf(range: string): number[] {
  const [first = 0, last = first] = range.split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
