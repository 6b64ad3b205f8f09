import { OutcomeTimeoutError } from '../errors.ts';
import type { ConvergeClient, SendOptions } from './client.ts';
import { type AnyOutcome, acceptedOrThrow, type ShardBanData } from './outcomes.ts';

/** The claims and memberships that a ban from the whole system has ended. */
export interface BannedEverywhere {
  /** Claims that went back to pending, and pools in which the agent was a member or held some. */
  readonly released: number;
  readonly pools: number;
}

/** Says the ban to every shard, again where one has more to end than it does at once. Banning twice does no harm. */
export async function banEverywhere(
  client: ConvergeClient,
  agentId: string,
  { reason, timeoutMs = 30_000 }: SendOptions & { readonly reason?: string | undefined },
): Promise<BannedEverywhere> {
  const deadline = performance.now() + timeoutMs;
  const body = { type: 'BanAgent', agentId, ...(reason === undefined ? {} : { reason }) } as const;
  const ended = await forEachShard(client, timeoutMs, async (shard) => {
    const ofShard = { released: 0, pools: 0 };
    for (;;) {
      const left = deadline - performance.now();
      if (left <= 0)
        throw new OutcomeTimeoutError(`shard ${shard} has not ended all of ${agentId}'s: ban again`);
      const outcome = await client.decideForShard(shard, body, { timeoutMs: left });
      if (isRejectedAs('already_banned', outcome)) return ofShard;
      const { released, pools, more } = acceptedOrThrow(outcome).data as ShardBanData;
      ofShard.released += released;
      ofShard.pools += pools;
      if (!more) return ofShard;
    }
  });
  return {
    released: ended.reduce((sum, { released }) => sum + released, 0),
    pools: ended.reduce((sum, { pools }) => sum + pools, 0),
  };
}

export async function unbanEverywhere(
  client: ConvergeClient,
  agentId: string,
  { timeoutMs = 30_000 }: SendOptions,
): Promise<void> {
  await forEachShard(client, timeoutMs, async (shard) => {
    const outcome = await client.decideForShard(shard, { type: 'UnbanAgent', agentId }, { timeoutMs });
    if (!isRejectedAs('not_banned', outcome)) acceptedOrThrow(outcome);
  });
}

async function forEachShard<T>(
  client: ConvergeClient,
  timeoutMs: number,
  decide: (shard: number) => Promise<T>,
): Promise<T[]> {
  const shards = await client.shards({ timeoutMs });
  return await Promise.all(Array.from({ length: shards }, (_, shard) => decide(shard)));
}

function isRejectedAs(code: string, outcome: AnyOutcome): boolean {
  return outcome.status === 'rejected' && outcome.code === code;
}
