/** Applies a log to an empty store, one message at a time and with nothing going wrong: what the log implies. */
import { pino } from 'pino';
import type { LogMessage } from '../../src/bus/log-message.ts';
import { Alarms } from '../../src/workers/health/alarms.ts';
import { WorkerMetrics } from '../../src/workers/health/metrics.ts';
import type { Clock } from '../../src/workers/shard/ports.ts';
import { ShardWorker } from '../../src/workers/shard/shard-worker.ts';
import { DIRECT_LINK } from './memory/link.ts';
import { MemoryShard } from './memory/shard.ts';
import { memoryShardStore } from './memory/shard-store.ts';
import { turn } from './scheduler.ts';
import { SUBJECTS } from './servers.ts';
import { eventTexts, type ToldEvent } from './told-events.ts';

export interface Implied {
  readonly shard: MemoryShard;
  readonly events: readonly ToldEvent[];
  /** Every outcome that a decision was answered with, in log order, by `pool.agent.id`. */
  readonly outcomes: ReadonlyMap<string, readonly string[]>;
  /** Positions of messages that nobody could be answered for. */
  readonly deadLetters: readonly number[];
  /** How far the replay came: short of the end, something stopped it. */
  readonly position: number;
}

const LOGGER = pino({ level: 'silent' });
const STOPPED_CLOCK: Clock = { now: () => 0, monotonic: () => 0, sleep: () => new Promise(() => undefined) };
const METRICS = new WorkerMetrics();
/** Turns of the event loop after which a replay that has not ended is stuck. */
const MOST_TURNS = 1_000;

/** `known` are the Clocks by which the times were decided, whether or not `messages` come as far. */
export async function replay(
  shard: number,
  shards: number,
  messages: readonly LogMessage[],
  logIdentity: string,
  known: readonly LogMessage[],
): Promise<Implied> {
  const stored = new MemoryShard();
  const events: ToldEvent[] = [];
  const outcomes = new Map<string, string[]>();
  const deadLetters: number[] = [];
  const applied = messages.filter(({ subject }) => subject === SUBJECTS.clocks(shard));
  const clocks = [...new Set([...applied, ...known])].sort((a, b) => a.seq - b.seq);
  let taken = 0;
  let isOver = messages.length === 0;
  const worker = new ShardWorker({
    namespace: SUBJECTS.namespace,
    shard,
    shards,
    subjects: SUBJECTS,
    store: memoryShardStore(DIRECT_LINK, stored),
    log: {
      clocks: async (after) => clocks.filter(({ seq }) => seq > after),
      identity: async () => logIdentity,
      read: async (seq) => messages.find((message) => message.seq === seq),
      open: async () => ({
        async take() {
          const next = messages[taken++];
          if (next !== undefined) return [next];
          isOver = true;
          return await new Promise(() => undefined);
        },
        nudge: () => undefined,
        interrupt: () => undefined,
        close: () => undefined,
      }),
    },
    publisher: {
      result: (key, outcome) => {
        const known = outcomes.get(key);
        if (known === undefined) outcomes.set(key, [outcome]);
        else if (known.at(-1) !== outcome) known.push(outcome);
      },
      packs: async (packs) => void events.push(...packs.flatMap(eventTexts)),
      deadLetter: async ({ seq }) => void deadLetters.push(seq),
      flush: async () => undefined,
      sweep: async () => undefined,
      settle: async () => undefined,
    },
    clock: STOPPED_CLOCK,
    logger: LOGGER,
    alarms: new Alarms({ logger: LOGGER, clock: STOPPED_CLOCK }),
    metrics: METRICS,
    maxBatch: 1,
    maxBatchBytes: Number.MAX_SAFE_INTEGER,
    sweepOverdueMs: Number.MAX_SAFE_INTEGER,
    holdsLease: () => true,
    newCommitId: () => `replay-${taken}`,
  });
  for (let turns = 0; !isOver && worker.status !== 'halted' && turns < MOST_TURNS; turns++) await turn();
  await turn();
  return { shard: stored, events, outcomes, deadLetters, position: stored.position().seq };
}
