/** Reads by request and reply on `<ns>.queries.<name>` (docs/protocol.md, "Queries"). */
import { z } from 'zod';
import type { PublicAuction } from './auctions.ts';
import type { Code } from './codes.ts';
import { labelSchema, nameSchema } from './decisions/common.ts';
import { DELEGATION_STATES, type PublicDelegation } from './delegations.ts';
import { type Member, type Pool, TASK_STATES, type Task } from './documents.ts';
import { MAX_CAPABILITIES, MAX_PAGE, MAX_TIME_MS } from './limits.ts';
import type { PublicNegotiation } from './negotiations.ts';
import type { PublicOffer } from './offers.ts';
import type { Outcome } from './outcome.ts';
import { positionSchema } from './positions.ts';
import { MAX_LOG_STREAMS } from './subjects.ts';
import type { PublicBallot, PublicVote } from './votes.ts';

/** Header of a request: for how many milliseconds the asker waits. Work on the query stops then. */
export const WITHIN_MS_HEADER = 'Converge-Within-Ms';

const page = {
  limit: z.int().min(1).max(MAX_PAGE).default(100).describe('maximum number of items on one page'),
  cursor: z.string().max(512).optional().describe('`cursor` of the previous page'),
};

export const QUERIES = {
  task: z.strictObject({ pool: nameSchema.optional(), taskId: nameSchema }),
  tasks: z.strictObject({
    pool: nameSchema.optional(),
    state: z.union([z.enum(TASK_STATES), z.array(z.enum(TASK_STATES)).min(1)]).optional(),
    agent: nameSchema.optional().describe('holds the task, or held it when it ended'),
    ...page,
  }),
  'pending-tasks': z.strictObject({
    agent: nameSchema,
    pools: z.array(nameSchema).max(1_000).optional().describe('default: the pools of the agent'),
    capabilities: z
      .array(labelSchema)
      .max(MAX_CAPABILITIES)
      .optional()
      .describe('default: those of the member'),
    ...page,
  }),
  pool: z.strictObject({ pool: nameSchema }),
  pools: z.strictObject({ ...page }),
  'pools-of-agent': z.strictObject({
    agent: nameSchema,
    ...page,
    limit: z.int().min(1).max(MAX_PAGE).default(MAX_PAGE).describe('maximum number of pools on one page'),
  }),
  members: z.strictObject({ pool: nameSchema, ...page }),
  offers: z.strictObject({ pool: nameSchema.optional(), ...page }),
  outcome: z.strictObject({
    pool: nameSchema.describe('pool of the decision: an id belongs to an agent in a pool'),
    agent: nameSchema,
    decisionId: nameSchema,
  }),
  auction: z.strictObject({ pool: nameSchema.optional(), auctionId: nameSchema }),
  auctions: z.strictObject({ pool: nameSchema.optional(), state: labelSchema.optional(), ...page }),
  vote: z.strictObject({
    pool: nameSchema.optional(),
    voteId: nameSchema,
    limit: z.int().min(1).max(MAX_PAGE).default(MAX_PAGE).describe('maximum number of ballots on one page'),
    cursor: nameSchema.optional().describe('`ballots.cursor` of the previous page'),
  }),
  votes: z.strictObject({ pool: nameSchema.optional(), state: labelSchema.optional(), ...page }),
  negotiation: z.strictObject({ pool: nameSchema.optional(), sessionId: nameSchema }),
  delegations: z.strictObject({
    pool: nameSchema.optional(),
    agent: nameSchema.optional().describe('the delegator, the delegatee, or the principal of a chain'),
    state: z.enum(DELEGATION_STATES).optional(),
    ...page,
  }),
  stats: z.strictObject({ pool: nameSchema.optional() }),
  feed: z.strictObject({
    pool: nameSchema.optional().describe('default: every pool, for observers and operators only'),
    stream: z
      .int()
      .min(0)
      .max(MAX_LOG_STREAMS - 1)
      .optional()
      .describe('which stream of the events, where every pool is read: each is a feed of its own (0)'),
    token: nameSchema.describe('the events arrive at feeds.<agent>.<token>: subscribe before the request'),
    after: positionSchema
      .optional()
      .describe('position of the first event to be delivered: <identity>:<stream seq>:<index in the pack>'),
    since: z
      .int()
      .min(0)
      .max(MAX_TIME_MS)
      .optional()
      .describe('packs stored since then, when no position is known; their first events can be older'),
  }),
} as const;

/** The name of a query. */
export type QueryName = keyof typeof QUERIES;
/** What a query is asked with. */
export type QueryInput<N extends QueryName> = z.input<(typeof QUERIES)[N]>;
export type QueryOf<N extends QueryName> = z.output<(typeof QUERIES)[N]>;

/** Part of a list. `cursor` is asked for the next part; absent at the end. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Ask for the next page with it; absent on the last one. A page ends early where it would be too large to send. */
  readonly cursor?: string;
}

/** How much there is in a pool. */
export interface PoolStats {
  readonly pool: string;
  readonly members: number;
  /** Standing offers. */
  readonly offers: number;
  readonly tasks: Readonly<Record<Task['state'], number>>;
  /** Number of the latest event of the pool. */
  readonly sequence: number;
  /** Something that follows from what was decided has not been told: events are still to come. Absent otherwise. */
  readonly owed?: true;
}

/** How one shard of the system stands. */
export interface ShardStats {
  readonly shard: number;
  /** Last decision of the log that is applied. */
  readonly position: number;
  /** Log time of that decision, milliseconds since the epoch. */
  readonly at: number;
  readonly owner: string | undefined;
  readonly halted: string | undefined;
  /** In force on this shard. */
  readonly outcomeRetentionMs: number;
  /** Remembered for `outcomeRetentionMs`; receipts of what is kept longer are not counted a second time. */
  readonly outcomes: number;
  readonly outbox: number;
}

/** An alarm that is on at a worker that lives; docs/operations.md has all of them. */
export interface WorkerAlarm {
  readonly alarm: string;
  readonly worker: string;
  /** Absent when it concerns the whole worker. */
  readonly shard?: number | undefined;
  /** By the worker's clock, milliseconds since the epoch. */
  readonly since: number;
  readonly text: string;
  /** The operator's remedy. */
  readonly toDo: string;
}

/** How the system stands. Times are milliseconds since the epoch. */
export interface Stats {
  /** The number of the protocol: a client that knows another one asks for nothing else. */
  readonly protocol: number;
  readonly shards: readonly ShardStats[];
  /** Of each stream of the log, in their order: a shard is in the one at its number modulo theirs. */
  readonly logLastSeq: readonly number[];
  readonly logMessages: readonly number[];
  readonly logBytes: readonly number[];
  /** Log time of the newest sweep that succeeded; absent before the first. */
  readonly lastSweepAt?: number;
  readonly workers: readonly string[];
  /** At most 20 of each worker. */
  readonly alarms: readonly WorkerAlarm[];
  readonly pools: readonly PoolStats[];
}

/** Events are on their way to the place that was asked for. */
export interface OpenedFeed {
  /** The number of the protocol: events of another one are not understood. */
  readonly protocol: number;
  /** How many streams the events are spread over. Of every pool there is a feed for each. */
  readonly streams: number;
  /** Which events stream it is: another one has other positions. */
  readonly identity: string;
  /** Positions of the first pack that it still keeps, and of its last one. */
  readonly first: number;
  readonly last: number;
  /** Packs after this position are delivered. */
  readonly after: number;
}

/** The reply to each query. */
export interface QueryAnswers {
  readonly task: Task;
  readonly tasks: Page<Task>;
  readonly 'pending-tasks': Page<Task>;
  /** `owed`: see {@link PoolStats}. */
  readonly pool: Pool & { readonly members: number; readonly owed?: true };
  readonly pools: Page<Pool>;
  readonly 'pools-of-agent': { readonly pools: readonly string[]; readonly cursor?: string };
  readonly members: Page<Member>;
  readonly offers: Page<PublicOffer>;
  readonly outcome: Outcome;
  readonly auction: PublicAuction;
  readonly auctions: Page<PublicAuction>;
  readonly vote: PublicVote & { readonly ballots: Page<PublicBallot> };
  readonly votes: Page<PublicVote>;
  readonly negotiation: PublicNegotiation;
  readonly delegations: Page<PublicDelegation>;
  readonly stats: Stats;
  readonly feed: OpenedFeed;
}

/** On the wire: the answer under `ok`, or the rule that was broken. */
export type QueryReply<N extends QueryName> =
  | { readonly ok: QueryAnswers[N] }
  | { readonly error: { readonly code: Code; readonly message: string } };

export function isQueryName(name: string): name is QueryName {
  return Object.hasOwn(QUERIES, name);
}
