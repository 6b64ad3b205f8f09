/**
 * Quotas: how much one agent, and one pool, may ask of the system. Those of the whole system are settings and travel in
 * the log; those of a pool stand in its document, and where both say something, the smaller counts.
 *
 * The greatest value of each is no limit besides the bounds that hold for everyone.
 */
import { z } from 'zod';
import {
  MAX_CLAIMS_PER_AGENT,
  MAX_LIVE_AUCTIONS,
  MAX_OPEN_SESSIONS,
  MAX_OPEN_VOTES,
  MAX_POOL_CLAIMS,
  MAX_POOLS_PER_AGENT,
  MAX_QUOTA_BYTES,
  UNLIMITED_RATE,
} from './limits.ts';

const upTo = (most: number) => z.int().min(1).max(most);
const rate = upTo(UNLIMITED_RATE);

const counts = {
  agentClaims: upTo(MAX_CLAIMS_PER_AGENT).describe('claims that one agent holds in one pool'),
  poolClaims: upTo(MAX_POOL_CLAIMS).describe('claims that all agents together hold in one pool'),
  agentAuctions: upTo(MAX_LIVE_AUCTIONS).describe('open auctions of one agent in one pool'),
  poolAuctions: upTo(MAX_LIVE_AUCTIONS),
  agentVotes: upTo(MAX_OPEN_VOTES).describe('open votes of one agent in one pool'),
  poolVotes: upTo(MAX_OPEN_VOTES),
  agentSessions: upTo(MAX_OPEN_SESSIONS).describe('open negotiations of one agent in one pool'),
  poolSessions: upTo(MAX_OPEN_SESSIONS),
  agentBytes: upTo(MAX_QUOTA_BYTES).describe(
    'bytes of everything live that one agent has submitted, opened or added in one pool',
  ),
  poolBytes: upTo(MAX_QUOTA_BYTES),
};

const rates = {
  agentDecisionsPerS: rate.describe('decisions of one agent; each member of a Batch counts'),
  poolDecisionsPerS: rate.describe('decisions of all agents together in one pool'),
};

const bursts = {
  agentDecisionsBurst: rate
    .optional()
    .describe('how many at once after a pause; default: those of one second'),
  poolDecisionsBurst: rate.optional(),
};

/** As a pool states them: what is left out is as in the whole system. Of decisions they are meant for this pool alone. */
export const poolQuotasSchema = z
  .strictObject({ ...rates, ...counts })
  .partial()
  .extend(bursts);

/** As the whole system has them. The decisions of one agent are counted for each shard, over all of its pools. */
export const quotaSettings = {
  agentDecisionsPerS: rates.agentDecisionsPerS.default(UNLIMITED_RATE),
  poolDecisionsPerS: rates.poolDecisionsPerS.default(UNLIMITED_RATE),
  ...bursts,
  agentClaims: counts.agentClaims.default(MAX_CLAIMS_PER_AGENT),
  poolClaims: counts.poolClaims.default(MAX_POOL_CLAIMS),
  agentAuctions: counts.agentAuctions.default(MAX_LIVE_AUCTIONS),
  poolAuctions: counts.poolAuctions.default(MAX_LIVE_AUCTIONS),
  agentVotes: counts.agentVotes.default(MAX_OPEN_VOTES),
  poolVotes: counts.poolVotes.default(MAX_OPEN_VOTES),
  agentSessions: counts.agentSessions.default(MAX_OPEN_SESSIONS),
  poolSessions: counts.poolSessions.default(MAX_OPEN_SESSIONS),
  /** Left out, these follow from `heapBytes`: see `memory.ts`. */
  agentBytes: counts.agentBytes.optional(),
  poolBytes: counts.poolBytes.optional(),
  agentShardBytes: upTo(MAX_QUOTA_BYTES)
    .optional()
    .describe('bytes of everything live that one agent has in all pools of a shard together'),
  shardBytes: upTo(MAX_QUOTA_BYTES).optional().describe('bytes of everything live in one shard'),
  endedBytes: upTo(MAX_QUOTA_BYTES)
    .optional()
    .describe('bytes of everything that has ended in one shard: beyond them the oldest is removed'),
  /** Pools that one agent owns in one shard. */
  agentPools: upTo(MAX_POOLS_PER_AGENT).default(100),
};

export type PoolQuotas = z.output<typeof poolQuotasSchema>;
/** Quotas of what there is at one moment, as opposed to what happens in a second. */
export type CountQuota = keyof typeof counts;
