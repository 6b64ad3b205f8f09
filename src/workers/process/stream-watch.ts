/**
 * Watches what the shards stand on but do not look at themselves while they are idle: whether the log is still the one
 * that they have applied, and whether it and the events stream have room.
 */
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import type { Logger } from 'pino';
import { closeWhenNearlyFull, findStream, isNearlyFull, logIdentityOf } from '../../bus/streams.ts';
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
  readonly shards: () => Iterable<WatchedShard>;
  readonly logger: Logger;
  readonly alarms: Alarms;
}

type WatchedShard = Pick<ShardWorker, 'status' | 'position' | 'logIdentity' | 'interrupt'>;

const CHECK_MS = 1_000;

export class StreamWatch {
  readonly #options: StreamWatchOptions;
  readonly #checks: Periodic;
  #eventsAreFull = false;

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
  get eventsAreFull(): boolean {
    return this.#eventsAreFull;
  }

  /** After an outage the log may be another one, or shorter: every reader verifies before it reads on. */
  async #watchConnection(): Promise<void> {
    const { connection, shards, logger } = this.#options;
    for await (const { type } of connection.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue;
      logger.warn({ status: type }, 'the NATS connection changed');
      for (const shard of shards()) shard.interrupt(`NATS ${type}`);
    }
  }

  async #check(): Promise<void> {
    const { jsm, subjects } = this.#options;
    this.#checkEvents(await findStream(jsm, subjects.streams.events));
    const info = await this.#checkLog();
    if (info !== undefined) await this.#closeFullLog(info);
  }

  /** An idle shard reads nothing and so would not notice that its log was replaced. */
  async #checkLog(): Promise<StreamInfo | undefined> {
    const { jsm, subjects, shards } = this.#options;
    // Where the shards stand before the log is asked: under load they are further by the time it answers.
    const running = [...shards()].filter(({ status }) => status === 'running');
    const positions = running.map((shard) => ({
      shard,
      position: shard.position ?? 0,
      log: shard.logIdentity,
    }));
    const info = await findStream(jsm, subjects.streams.decisions);
    for (const { shard, position, log } of positions) {
      const isSame = info !== undefined && (log === undefined || logIdentityOf(info) === log);
      if (!isSame || info.state.last_seq < position) shard.interrupt('the log was replaced or rolled back');
    }
    return info;
  }

  async #closeFullLog(info: StreamInfo): Promise<void> {
    const isFull = await closeWhenNearlyFull(this.#options.jsm, info);
    this.#alarm('log_full', isFull, info, 'the log is full: it refuses decisions');
  }

  #checkEvents(info: StreamInfo | undefined): void {
    const isFull = info !== undefined && isNearlyFull(info);
    this.#eventsAreFull = isFull;
    this.#alarm('events_full', isFull, info, 'the events stream is full: publishing pauses');
  }

  #alarm(
    alarm: 'log_full' | 'events_full',
    isFull: boolean,
    info: StreamInfo | undefined,
    message: string,
  ): void {
    const { alarms } = this.#options;
    if (!isFull) alarms.clear(alarm, undefined);
    else alarms.raise(alarm, undefined, message, { bytes: info?.state.bytes, max: info?.config.max_bytes });
  }
}
