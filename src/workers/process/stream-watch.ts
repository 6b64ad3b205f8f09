/**
 * Watches what the shards stand on but do not look at themselves while they are idle: whether the log is still the one
 * that they have applied, and whether it and the events stream have room.
 */
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import type { Logger } from 'pino';
import { logIdentityOf } from '../../bus/layout.ts';
import { closeWhenNearlyFull, findStream, isNearlyFull } from '../../bus/streams.ts';
import { messageOf } from '../../lib/errors.ts';
import { Periodic } from '../../lib/periodic.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { Alarms } from '../health/alarms.ts';
import type { ShardWorker } from '../shard/shard-worker.ts';

export interface StreamWatchOptions {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly subjects: Subjects;
  /** Those that this worker owns at the moment. */
  readonly shards: () => Iterable<readonly [number, WatchedShard]>;
  readonly logger: Logger;
  readonly alarms: Alarms;
}

type WatchedShard = Pick<ShardWorker, 'status' | 'position' | 'logIdentity' | 'interrupt'>;

const CHECK_MS = 1_000;

export class StreamWatch {
  readonly #options: StreamWatchOptions;
  readonly #checks: Periodic;
  #fullEvents: ReadonlySet<string> = new Set();

  constructor(options: StreamWatchOptions) {
    this.#options = options;
    this.#checks = new Periodic({
      everyMs: CHECK_MS,
      run: () => this.#check(),
      onError: (error) => options.logger.debug({ reason: messageOf(error) }, 'could not check the log'),
    });
  }

  start(): void {
    void this.#watchConnection();
    this.#checks.start();
  }

  close(): void {
    void this.#checks.stop();
  }

  /**
   * A stream that is full refuses one event and takes the next, smaller one: that would break their order. So
   * publishing pauses a little before, the outbox fills, the shards wait, and the log refuses new decisions.
   */
  areEventsFull(shard: number): boolean {
    return this.#fullEvents.has(this.#options.subjects.eventsStreamOf(shard));
  }

  /** After an outage the log may be another one, or shorter: every reader verifies before it reads on. */
  async #watchConnection(): Promise<void> {
    const { connection, shards, logger } = this.#options;
    for await (const { type } of connection.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue;
      logger.warn({ status: type }, 'the NATS connection changed');
      for (const [, shard] of shards()) shard.interrupt(`NATS ${type}`);
    }
  }

  async #check(): Promise<void> {
    const { jsm, subjects } = this.#options;
    this.#checkEvents(await Promise.all(subjects.eventStreams.map((name) => findStream(jsm, name))));
    await this.#closeFullLogs(await this.#checkLogs());
  }

  /** An idle shard reads nothing and so would not notice that its log was replaced. */
  async #checkLogs(): Promise<readonly (StreamInfo | undefined)[]> {
    const { jsm, subjects, shards } = this.#options;
    // Where the shards stand before the log is asked: under load they are further by the time it answers.
    const running = [...shards()].filter(([, { status }]) => status === 'running');
    const positions = running.map(([number, shard]) => ({
      ...{ number, shard },
      position: shard.position ?? 0,
      log: shard.logIdentity,
    }));
    const streams = await Promise.all(subjects.logStreams.map((name) => findStream(jsm, name)));
    for (const { number, shard, position, log } of positions) {
      const info = streams[number % streams.length];
      const isSame = info !== undefined && (log === undefined || logIdentityOf(info) === log);
      if (!isSame || info.state.last_seq < position) shard.interrupt('the log was replaced or rolled back');
    }
    return streams;
  }

  async #closeFullLogs(streams: readonly (StreamInfo | undefined)[]): Promise<void> {
    const full: StreamInfo[] = [];
    for (const info of streams) {
      if (info !== undefined && (await closeWhenNearlyFull(this.#options.jsm, info))) full.push(info);
    }
    this.#alarm('log_full', full, 'the log is full: it refuses decisions');
  }

  #checkEvents(streams: readonly (StreamInfo | undefined)[]): void {
    const full = streams.flatMap((info) => (info !== undefined && isNearlyFull(info) ? [info] : []));
    this.#fullEvents = new Set(full.map(({ config }) => config.name));
    this.#alarm('events_full', full, 'the events stream is full: publishing pauses');
  }

  #alarm(alarm: 'log_full' | 'events_full', full: readonly StreamInfo[], message: string): void {
    const { alarms, subjects } = this.#options;
    const [info] = full;
    if (info === undefined) {
      alarms.clear(alarm, undefined);
      return;
    }
    const names = full.map(({ config }) => config.name);
    const which = subjects.logStreams.length === 1 ? message : `${message} (${names.join(', ')})`;
    alarms.raise(alarm, undefined, which, { bytes: info.state.bytes, max: info.config.max_bytes });
  }
}
