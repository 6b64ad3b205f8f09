/** What a worker that gives a shard away may still publish: nothing, once it has left something to the next owner. */
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { WorkerMetrics } from '../../src/workers/health/metrics.ts';
import { encodeOutbox } from '../../src/workers/shard/outbox.ts';
import { OutboxPublisher } from '../../src/workers/shard/outbox-publisher.ts';
import { packsOf } from '../../src/workers/shard/packs.ts';
import { SYSTEM_CLOCK } from '../../src/workers/shard/ports.ts';
import { DIRECT_LINK } from '../../verify/sim/memory/link.ts';
import { MemoryShard } from '../../verify/sim/memory/shard.ts';
import { memoryShardStore } from '../../verify/sim/memory/shard-store.ts';
import { MemoryLog, RecordingPublisher } from '../support/shard.ts';
import { until } from '../support/until.ts';

const owed = (seq: number) => ({
  results: [`p.ann.d${seq}`],
  refusals: [],
  packs: packsOf([{ subject: 'x.events.0.p', sequence: seq, id: `0-${seq}-0`, json: `{"id":"0-${seq}-0"}` }]),
  deadLetters: [],
});

function outbox() {
  const publisher = new RecordingPublisher();
  let holds = true;
  const outbox = new OutboxPublisher({
    store: memoryShardStore(DIRECT_LINK, new MemoryShard()),
    log: new MemoryLog(),
    publisher,
    clock: { ...SYSTEM_CLOCK, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    logger: pino({ level: 'silent' }),
    metrics: new WorkerMetrics(),
    holdsLease: () => holds,
  });
  const publish = (seq: number): Promise<void> =>
    outbox.publish(seq, owed(seq), new Map([[`p.ann.d${seq}`, '{}']]), new Map());
  const ids = (): string[] => publisher.published.map(({ id }) => id);
  return { outbox, publisher, publish, ids, setLease: (held: boolean) => (holds = held) };
}

it('S52: nothing of a pool is offered before what comes earlier is stored', async () => {
  const { outbox: owing, publisher } = outbox();
  const event = (n: number) => ({
    subject: 'x.events.0.p',
    sequence: n,
    id: `0-1-${n}`,
    json: `{"id":"0-1-${n}"}`,
  });
  const packs = packsOf(Array.from({ length: 1_500 }, (_, n) => event(n + 1)));
  publisher.broken = true;
  await owing.publish(1, { results: [], refusals: [], packs, deadLetters: [] }, new Map(), new Map());
  await until('the first to be refused some times', () => publisher.refused > 3);
  publisher.broken = false;
  await owing.finish();
  expect(publisher.rounds.map((round) => round.map(({ count }) => count))).toEqual([[1_000], [500]]);
});

// Seed 16708 of the simulator: the lease was in doubt when the shard was given away, and then it was not.
it('what is committed after something was left behind stays behind it, also when the lease holds again', async () => {
  const { outbox: left, publish, ids, publisher, setLease } = outbox();
  setLease(false);
  await publish(1);
  left.close();
  setLease(true);
  await publish(2);
  await left.finish();
  expect(ids()).toEqual([]);
  expect(publisher.results).toEqual([]);
});

// Seed 11050: reading the store took longer than a worker may need to stop, and what was read was published for ever.
it('what is found in the store when the shard is given away already is left there', async () => {
  const { outbox: left, ids, setLease } = outbox();
  setLease(false);
  left.close();
  await left.drain([{ seq: 1, payload: encodeOutbox(owed(1)) ?? '' }]);
  expect(ids()).toEqual([]);
});

it('what was let go for now, because the shard is loaded again, is published when it is found again', async () => {
  const { outbox: kept, publish, ids, setLease } = outbox();
  setLease(false);
  await publish(1);
  kept.abandon();
  setLease(true);
  await kept.drain([{ seq: 1, payload: encodeOutbox(owed(1)) ?? '' }]);
  await publish(2);
  await until('both to be published', () => ids().length === 2);
  expect(ids()).toEqual(['0-1-0', '0-2-0']);
});
