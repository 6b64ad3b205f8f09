/**
 * Bugs to be found: each changes what a shard worker is given of the world, never the code itself, so that what is tested
 * is whether the simulation would notice such a bug, not whether a switch works.
 */
import { messageHash } from '../../src/bus/log-message.ts';
import { genesisMark, type TrimMarks } from '../../src/bus/trim-marks.ts';
import { WriteFailedError } from '../../src/lib/errors.ts';
import type { DocumentChange } from '../../src/protocol/document-change.ts';
import type { LeaseStore } from '../../src/state/lease-store.ts';
import type { ShardStore } from '../../src/state/shard-store.ts';
import { decodeOutbox } from '../../src/workers/shard/outbox.ts';
import type { ShardLog, ShardLogReader, ShardPublisher } from '../../src/workers/shard/ports.ts';
import type { TimeSource } from '../../src/workers/time/log-time.ts';
import type { Random } from '../kit/chance/random.ts';
import { playSeed } from './campaign.ts';
import type { Violation } from './findings.ts';
import { RULE_BUGS } from './planted-rules.ts';
import type { RunOptions } from './run.ts';
import type { Ports } from './worker.ts';

export type Bug =
  | ((ports: Ports, dice: Random) => Ports)
  /** One of how agents send. */
  | Pick<RunOptions, 'messageIdOf'>;

function withStore(ports: Ports, changed: Partial<ShardStore>): Ports {
  return { ...ports, store: { ...ports.store, ...changed } };
}

export const LEASE_BUGS: Readonly<Record<string, (store: LeaseStore) => LeaseStore>> = {
  'trust how long a lease lasts': (store) => ({
    ...store,
    acquire: async (shard, seen) => (seen === undefined ? await store.acquire(shard) : false),
  }),
};

/** What a worker is given of the trim marks. */
export const MARK_BUGS: Readonly<Record<string, (marks: TrimMarks) => TrimMarks>> = {
  'write a mark over a newer one': (marks) => ({
    read: (shard) => marks.read(shard),
    async write(shard, mark) {
      const { revision } = await marks.read(shard);
      return await marks.write(shard, mark, revision);
    },
  }),

  'take a missing mark for nothing trimmed': (marks) => ({
    async read(shard) {
      const { mark, revision } = await marks.read(shard);
      return { mark: mark ?? { ...genesisMark('stream 0'), made: true }, revision };
    },
    write: (shard, mark, revision) => marks.write(shard, mark, revision),
  }),
};

export const BUGS: Readonly<Record<string, Bug>> = {
  'skip the position check': (ports) =>
    withStore(ports, {
      async commit(commit) {
        return await ports.store.commit({ ...commit, expected: await ports.store.position() });
      },
    }),

  'publish before commit': (ports) =>
    withStore(ports, {
      async commit(commit) {
        const { packs } = decodeOutbox(commit.outbox ?? '');
        if (packs.length > 0) await ports.publisher.packs(packs).catch(() => undefined);
        return await ports.store.commit(commit);
      },
    }),

  'drop an outbox entry': (ports, dice) =>
    withStore(ports, {
      async commit(commit) {
        return await ports.store.commit(dice.chance(0.3) ? { ...commit, outbox: undefined } : commit);
      },
    }),

  'forget the epoch': (ports) =>
    withStore(ports, {
      async commit(commit) {
        return await ports.store.commit({ ...commit, changes: commit.changes.map(withoutEpoch) });
      },
    }),

  'take over without draining': (ports) => withStore(ports, { unpublished: async () => [] }),

  'drain what was there before loading': (ports) => {
    let before: ReturnType<ShardStore['unpublished']> = Promise.resolve([]);
    return withStore(ports, {
      async load() {
        before = Promise.resolve(await ports.store.unpublished());
        return await ports.store.load();
      },
      unpublished: () => before,
    });
  },

  'clear the outbox at once': (ports) =>
    withStore(ports, {
      async commit(commit) {
        const size = await ports.store.commit(commit);
        await ports.store.clearPublished([commit.next.seq]).catch(() => undefined);
        return size;
      },
    }),

  'settle nothing that is owed': (ports) => ({
    ...ports,
    publisher: { ...publisherOf(ports), settle: async () => undefined },
  }),

  'forget the marks when a shard is loaded': (ports) =>
    withStore(ports, {
      async load(guard) {
        return { ...(await ports.store.load(guard)), fences: new Map() };
      },
    }),

  'ignore ids that were seen before': (ports) =>
    withStore(ports, {
      async lookup(wanted) {
        return { ...(await ports.store.lookup(wanted)), outcomes: new Map() };
      },
    }),

  'take an error of its own for a lost answer': (ports) =>
    withStore(ports, {
      async commit(commit) {
        try {
          return await ports.store.commit(commit);
        } catch (error) {
          if (!(error instanceof WriteFailedError) || error.failure !== 'unsent') throw error;
          throw new WriteFailedError('unanswered', error.message);
        }
      },
    }),

  'go on where a commit broke off': (ports) =>
    withStore(ports, {
      async commit(commit) {
        try {
          return await ports.store.commit(commit);
        } catch (error) {
          if (!(error instanceof WriteFailedError) || error.failure !== 'broken') throw error;
          return { bytes: 0, arguments: 0 };
        }
      },
    }),

  'take the log as it is': (ports) => ({
    ...ports,
    log: {
      ...logOf(ports),
      async open(position) {
        const message = await ports.log.read(position.seq);
        const hash = message === undefined ? position.hash : messageHash(message);
        return await ports.log.open({ ...position, hash });
      },
    },
  }),

  'pass over a lost delivery': (ports, dice) => ({
    ...ports,
    log: { ...logOf(ports), open: async (position) => losing(await ports.log.open(position), dice) },
  }),

  'let the log know decisions by agent and id': {
    messageIdOf: ({ agent, id }) => `${agent}.${id}`,
  },

  'believe every stamp': (ports) => ({
    ...ports,
    time: { ...timeOf(ports), acceptedUntil: Number.POSITIVE_INFINITY },
  }),

  'confirm events that were not stored': (ports, dice) => ({
    ...ports,
    publisher: {
      ...publisherOf(ports),
      async packs(packs) {
        await ports.publisher.packs(dice.chance(0.05) ? packs.slice(0, -1) : packs);
      },
    },
  }),
};

function timeOf({ time }: Ports): TimeSource {
  return {
    now: () => time.now(),
    doubtMs: 0,
    acceptedUntil: 0,
    get isLogBehind() {
      return time.isLogBehind;
    },
    suspectLog: () => time.suspectLog(),
    sawAhead: (skewMs) => time.sawAhead(skewMs),
  };
}

function logOf({ log }: Ports): ShardLog {
  return {
    open: (position) => log.open(position),
    read: (seq) => log.read(seq),
    clocks: (after) => log.clocks(after),
    identity: () => log.identity(),
  };
}

function publisherOf({ publisher }: Ports): ShardPublisher {
  return {
    result: (key, outcome) => publisher.result(key, outcome),
    packs: (packs) => publisher.packs(packs),
    deadLetter: (letter, message) => publisher.deadLetter(letter, message),
    flush: () => publisher.flush(),
    sweep: (shard, at) => publisher.sweep(shard, at),
    settle: (shard, id) => publisher.settle(shard, id),
  };
}

function withoutEpoch(change: DocumentChange): DocumentChange {
  if (change.kind !== 'task' || change.after?.state !== 'pending') return change;
  return { ...change, after: { ...change.after, epoch: 0 } };
}

/** Gives out a message less now and then, and nobody notices. */
function losing(reader: ShardLogReader, dice: Random): ShardLogReader {
  return {
    async take(max, waitMs) {
      const messages = await reader.take(max, waitMs);
      return messages.filter(() => !dice.chance(0.02));
    },
    nudge: () => reader.nudge(),
    interrupt: (why) => reader.interrupt(why),
    close: () => reader.close(),
  };
}

export interface Hunt {
  readonly bug: string;
  /** How many seeds it took; undefined when it was not found within the bound. */
  readonly seeds: number | undefined;
  readonly violation: Violation | undefined;
}

/** Plays seeds until the bug shows. */
export async function hunt(bug: string, start: number, most: number): Promise<Hunt> {
  const bugOfPorts = BUGS[bug];
  const plantLeases = LEASE_BUGS[bug];
  const plantMarks = MARK_BUGS[bug];
  const options: RunOptions = {
    ...(typeof bugOfPorts === 'function' ? { plant: bugOfPorts } : bugOfPorts),
    ...(plantLeases && { plantLeases }),
    ...(plantMarks && { plantMarks }),
  };
  const plantRule = RULE_BUGS[bug];
  if (plantRule === undefined && Object.keys(options).length === 0)
    throw new Error(`no bug is called ${bug}`);
  const takeOut = plantRule?.();
  try {
    for (let seeds = 1; seeds <= most; seeds++) {
      const [violation] = (await playSeed(start + seeds - 1, options)).violations;
      if (violation !== undefined) return { bug, seeds, violation };
    }
    return { bug, seeds: undefined, violation: undefined };
  } finally {
    takeOut?.();
  }
}

/** Names of all of them. */
export const ALL_BUGS: readonly string[] = [BUGS, LEASE_BUGS, MARK_BUGS, RULE_BUGS].flatMap((bugs) =>
  Object.keys(bugs),
);
