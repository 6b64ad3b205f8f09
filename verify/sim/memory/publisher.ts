/** Where a worker publishes: the same order and the same confirmations as on NATS, into streams in memory. */
import type { LogMessage } from '../../../src/bus/log-message.ts';
import { PublishError } from '../../../src/lib/errors.ts';
import { SHARD_POOL, SWEEPER } from '../../../src/protocol/names.ts';
import type { Subjects } from '../../../src/protocol/subjects.ts';
import type { DeadLetter } from '../../../src/workers/shard/outbox.ts';
import type { Pack } from '../../../src/workers/shard/packs.ts';
import type { ShardPublisher } from '../../../src/workers/shard/ports.ts';
import type { Link } from './link.ts';
import type { MemoryStream } from './stream.ts';

export interface MemoryPublisherOptions {
  readonly link: Link;
  readonly subjects: Subjects;
  readonly decisions: MemoryStream;
  readonly events: MemoryStream;
  readonly deadLetters: MemoryStream;
  readonly eventsAreFull: () => boolean;
  readonly onResult: (key: string, outcome: string) => void;
  readonly newId: () => string;
  /** False when the log is to grow no more: then sweeps are left out. */
  readonly maySweep: () => boolean;
}

export class MemoryPublisher implements ShardPublisher {
  readonly #options: MemoryPublisherOptions;

  constructor(options: MemoryPublisherOptions) {
    this.#options = options;
  }

  result(key: string, outcome: string): void {
    const { link, onResult } = this.#options;
    link.send(() => onResult(key, outcome));
  }

  async packs(packs: readonly Pack[]): Promise<void> {
    const { link, events: stream, eventsAreFull } = this.#options;
    if (eventsAreFull()) throw new PublishError('the events stream is full');
    await link.sequence(
      'publish',
      packs.map(
        ({ subject, id, json }) =>
          () =>
            stream.publish(subject, Buffer.from(json), id),
      ),
    );
  }

  async deadLetter({ seq }: DeadLetter, message: LogMessage): Promise<void> {
    const { link, deadLetters, subjects } = this.#options;
    const [shard] = message.subject.slice(`${subjects.namespace}.decisions.`.length).split('.');
    const id = `dead-${shard}-${seq}`;
    await link.sequence('publish', [() => deadLetters.publish(message.subject, message.data, id)]);
  }

  async flush(): Promise<void> {
    await this.#options.link.request('publish', () => undefined);
  }

  async sweep(shard: number, at?: number): Promise<void> {
    const { link, subjects, decisions, newId, maySweep } = this.#options;
    if (!maySweep()) return;
    const id = newId();
    const subject = subjects.shardDecision(shard, SWEEPER, SHARD_POOL);
    const payload = Buffer.from(JSON.stringify({ id, type: 'Sweep', at }));
    await link.request('publish', () => decisions.publish(subject, payload));
  }

  async settle(shard: number, id: string): Promise<void> {
    const { link, subjects, decisions } = this.#options;
    const subject = subjects.shardDecision(shard, SWEEPER, SHARD_POOL);
    const payload = Buffer.from(JSON.stringify({ id, type: 'Settle' }));
    await link.request('publish', () => decisions.publish(subject, payload));
  }
}
