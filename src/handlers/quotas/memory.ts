/**
 * Quotas of bytes. The bytes that a decision adds are known when its events are applied: they are compared with the previous use, and
 * taken back if that is too much. So a new type of decision needs nothing of its own, and what frees memory, or leaves it
 * as it is, passes no matter what is full or who is short of memory. Operators always pass: they are the ones who make room.
 */

import { isOperatorType, type SingleType } from '../../protocol/decisions/index.ts';
import { memoryBounds } from '../../protocol/memory.ts';
import { isReserved } from '../../protocol/names.ts';
import type { PoolQuotas } from '../../protocol/quotas.ts';
import { type Rejected, rateLimited } from '../kernel/decided.ts';
import type { Context } from '../kernel/handler.ts';
import type { World } from '../world/world.ts';

/** Use before a decision, of those whom it may be charged to: the acting agent and its principal. */
export interface MemoryBefore {
  readonly shard: number;
  readonly pool: number;
  readonly agents: readonly AgentBefore[];
}

interface AgentBefore {
  readonly agent: string;
  readonly inShard: number;
  readonly inPool: number;
}

/** Undefined for a decision that no bound of memory concerns. */
export function memoryBefore(
  world: World,
  type: SingleType,
  { pool, agent, self }: Context,
): MemoryBefore | undefined {
  if (PASSES.has(type) || isOperatorType(type) || isReserved(self)) return undefined;
  const usage = world.pool(pool)?.usage.bytes;
  const names = agent === self ? [self] : [self, agent];
  return {
    shard: world.bytes,
    pool: usage?.total ?? 0,
    agents: names.map((name) => ({
      agent: name,
      inShard: world.usage.bytes.of(name),
      inPool: usage?.of(name) ?? 0,
    })),
  };
}

/**
 * Decisions that end something pass though a result, or a word to those who wait for it, is larger than what it ends;
 * and those that only change whose turn it is. Of the others those are refused that have added something.
 */
const PASSES: ReadonlySet<SingleType> = new Set<SingleType>([
  'Heartbeat',
  'ClaimTask',
  'ClaimNextTask',
  'Vote',
  'LeavePool',
  'ClosePool',
  'ReleaseTask',
  'ReportTask',
  'FailTask',
  'CancelTask',
  'StandDown',
  'CloseAuction',
  'CancelAuction',
  'CloseVote',
  'AcceptProposal',
  'RejectProposal',
  'RevokeDelegation',
]);

/** Called when the decision is applied. */
export function overMemory(
  world: World,
  context: Context,
  before: MemoryBefore | undefined,
): Rejected | undefined {
  if (before === undefined) return undefined;
  const more = world.bytes - before.shard;
  if (more <= 0) return undefined;
  const { pool, shard } = context;
  if (world.settings.pressure === true) {
    const message = `the worker of shard ${shard} is short of memory: decisions that add to it are rejected, those that end something pass`;
    return rateLimited(message, { quota: 'pressure', limit: before.shard, used: before.shard });
  }
  const bounds = memoryBounds(world.settings);
  const state = world.pool(pool);
  const own = state?.doc.quotas;
  for (const { agent, inShard, inPool } of before.agents) {
    const addsInPool = (state?.usage.bytes.of(agent) ?? 0) - inPool;
    const addsInShard = world.usage.bytes.of(agent) - inShard;
    const refused =
      full('agentBytes', smaller(bounds, own), inPool, addsInPool, `${agent} has`, `in pool ${pool}`) ??
      full('agentShardBytes', bounds, inShard, addsInShard, `${agent} has`, `in shard ${shard}`);
    if (refused !== undefined) return refused;
  }
  const addsToPool = (state?.usage.bytes.total ?? 0) - before.pool;
  return (
    full('poolBytes', smaller(bounds, own), before.pool, addsToPool, `pool ${pool} is full: it holds`) ??
    full('shardBytes', bounds, before.shard, more, `shard ${shard} is full: it holds`)
  );
}

type Bounds = Pick<
  ReturnType<typeof memoryBounds>,
  'agentBytes' | 'agentShardBytes' | 'poolBytes' | 'shardBytes'
>;

/** A pool's own quotas count where they are smaller than the system's. */
function smaller(bounds: Bounds, own: PoolQuotas | undefined): Bounds {
  if (own === undefined) return bounds;
  return {
    ...bounds,
    agentBytes: Math.min(bounds.agentBytes, own.agentBytes ?? bounds.agentBytes),
    poolBytes: Math.min(bounds.poolBytes, own.poolBytes ?? bounds.poolBytes),
  };
}

function full(
  quota: keyof Bounds,
  { [quota]: limit }: Bounds,
  used: number,
  more: number,
  what: string,
  where = '',
): Rejected | undefined {
  if (more <= 0 || used + more <= limit) return undefined;
  const place = where === '' ? '' : ` ${where}`;
  const message = `${what} ${used} bytes${place}, and this would add ${more}; the quota ${quota} is ${limit}`;
  return rateLimited(message, { quota, limit, used });
}
