/**
 * Bounds that are part of the contract. They are constants and not settings because a decision must be judged the
 * same way on every replay of the log; bounds that operators may move are in `settings.ts` and travel in the log.
 */

/** Largest decision, in bytes of JSON. It leaves room for the event that repeats it, in NATS' default payload of 1 MiB. */
export const MAX_DECISION_BYTES = 256 * 1024;
/** Largest data of one outcome, in bytes of JSON: it must fit into NATS' default payload, and a query's reply. */
export const MAX_ANSWER_BYTES = 512 * 1024;
/** Ballots in one answer: they stand beside a vote, which can itself be half of what an answer holds. */
export const MAX_BALLOTS_BYTES = 256 * 1024;
/** Deepest nesting of arrays and objects in a decision. */
export const MAX_DEPTH = 32;
/** Most object members and array elements in one decision. */
export const MAX_VALUES = 20_000;
export const MAX_BATCH = 100;
export const MAX_CLAIMS_AT_ONCE = 100;
/** Most claims one agent holds in one pool, whatever the pool allows: what leaving a pool gives back at once. */
export const MAX_CLAIMS_PER_AGENT = 1_000;
/** Standing offers of one agent in one pool, and pools of one shard in which it has any. */
export const MAX_OFFERS_PER_AGENT = 8;
export const MAX_OFFER_POOLS = 16;
/** Standing offers of one pool, and how many different sets of topics and capabilities they may have; more are `rate_limited`. */
export const MAX_OFFERS = 100_000;
export const MAX_OFFER_CLASSES = 10_000;
/** Tasks that were given back, of those that an offer remembers so as not to be handed them again. */
export const MAX_PASSED = 64;
export const MIN_PRESENCE_MS = 1_000;
export const MAX_PRESENCE_MS = 3_600_000;
export const MIN_START_MS = 1_000;
export const MAX_START_MS = 600_000;
export const MAX_CAPABILITIES = 256;
export const MAX_REQUIRED_CAPABILITIES = 64;
export const MAX_ALTERNATIVES = 64;
export const MAX_TOPICS = 64;
export const MAX_DEPENDENCIES = 100;
/** Consequences that one message settles, unless a setting says otherwise; what is left is owed. */
export const CONSEQUENCES_AT_ONCE = 200;
/** Most events of the decisions of one message themselves, and most bytes of them and of the documents they change. */
export const MAX_EFFECT_EVENTS = 2_000;
export const MAX_EFFECT_BYTES = 4 * 1024 * 1024;
/** No single consequence weighs more: the close of an auction with as many bids as it may hold, and its task. */
export const LARGEST_CONSEQUENCE_BYTES = 1_536 * 1024;
/** Ids that an outcome lists of what it caused; a number says how many there are in all. */
export const MAX_IDS_TOLD = 200;
export const MAX_ALLOWLIST = 10_000;
export const MAX_OPERATORS = 64;
/** Agents that one pool, or one shard, keeps out: more are `rate_limited`, until some are let in again. */
export const MAX_BANS = 1_000;
/** Most entries in the scope of one delegation, and the longest: a name, a colon, an id. */
export const MAX_SCOPE_ENTRIES = 64;
export const MAX_SCOPE_ENTRY_CHARS = 129;
/** Most links of one chain of delegations, and so the most that `maxDepth` can say. */
export const MAX_DELEGATION_DEPTH = 8;
/** Live delegations of one pool; more are `rate_limited`. */
export const MAX_LIVE_DELEGATIONS = 10_000;
/** Of the delegations that lead from a principal to an agent, how many are searched for a chain: the nearest ones. */
export const MAX_SEARCHED_LINKS = 256;
export const MAX_OBJECTIVE_CHARS = 16_384;
export const MAX_REASON_CHARS = 2_048;
export const MAX_LABEL_CHARS = 128;
export const MAX_PAGE = 1_000;

/** Options of a vote, and bytes of all of them together as JSON: every round of a tally names those that are left. */
export { MAX_OPTIONS } from '../rules/index.ts';
export const MAX_OPTIONS_BYTES = 8_192;
/** Most agents that one vote can ask: each has a place in its document for as long as it is open. */
export const MAX_ELECTORATE = 10_000;
export const MAX_VOTER_WEIGHT = 1_000_000_000;
/** Open votes of one pool, and the agents asked by all of them together. */
export const MAX_OPEN_VOTES = 10_000;
export const MAX_OPEN_SEATS = 1_000_000;
export const MAX_PARTICIPANTS = 64;
/** Sessions of one pool that are neither agreed nor over; more are `rate_limited`. */
export const MAX_OPEN_SESSIONS = 10_000;
/** The history of a session is one document and one answer to a query, in NATS' default payload of 1 MiB. */
export const MAX_PROPOSALS = 1_000;
export const MAX_SESSION_BYTES = 768 * 1024;

/** Bidders of one auction, and bytes of their bids as JSON: one document, and one answer to a query. */
export const MAX_BIDDERS = 10_000;
export const MAX_BIDS_BYTES = 640 * 1024;
export const MAX_BID_CONTENT_BYTES = 4_096;
export const MAX_LOT_BYTES = 16_384;
export { MAX_INCREMENT_STEPS as MAX_INCREMENT_ROWS } from '../rules/index.ts';
/** Auctions of one pool that are open, or whose winner has not started yet; more are `rate_limited`. */
export const MAX_LIVE_AUCTIONS = 10_000;
/** Of the ranking of a close, how much its event tells. The query tells all of it. */
export const MAX_RANKING_TOLD = 100;

/** The greatest values of quotas, which stand for no limit of their own. */
export const UNLIMITED_RATE = 1_000_000;
export const MAX_POOL_CLAIMS = 10_000_000;
export const MAX_POOLS_PER_AGENT = 10_000_000;
export const MAX_QUOTA_BYTES = 1_000_000_000_000;
/** Agents and pools of one shard whose rate is counted at once: more are `rate_limited` until some have been idle. */
export const MAX_BUCKETS = 100_000;
/** When to try again after a quota on what there is: nobody knows when something ends. */
export const RETRY_LATER_MS = 1_000;

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;
/** Longest duration and latest time that a field can name: far enough for any plan, small enough to be exact. */
export const MAX_DURATION_MS = 366 * DAY_MS;
export const MAX_TIME_MS = 253_402_300_799_999;

export const DEFAULT_CONSTRAINTS = {
  claimTtlMs: MINUTE_MS,
  maxAttempts: 3,
  backoffMs: 0,
  maxExpiries: 5,
  maxUnstarted: 10,
} as const;

export const DEFAULT_OFFER = { places: 1, forMs: 60 * MINUTE_MS, presenceMs: 30_000 } as const;

/**
 * How long an agent has to begin what it was handed, and how many claims of one pool may be handed over and not begun at one
 * time, where the pool does not say.
 */
export const DEFAULT_HANDING_OVER = { startWithinMs: 10_000, maxUnstarted: 4_096 } as const;
