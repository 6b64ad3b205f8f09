import { defined } from '../../protocol/defined.ts';
import type { ShardOutcomeData } from '../../protocol/outcome-data.ts';
import type { ConvergeClient, SendOptions } from '../core/client.ts';
import { type AnyOutcome, acceptedOrThrow } from '../core/outcomes.ts';

/** The claims and memberships that a ban from the whole system has ended. */
export interface BannedEverywhere {
  /** Claims that are over, and pools in which the agent was a member, held some or had bids. */
  readonly released: number;
  readonly pools: number;
}

export interface BanOptions extends SendOptions {
  readonly reason?: string | undefined;
  /** Its unfinished work is cancelled as well: tasks it submitted, auctions, votes and sessions it opened, delegations. */
  readonly cancelWork?: boolean | undefined;
}

/** Says the ban to every shard. Banning twice does no harm. */
export async function banEverywhere(
  client: ConvergeClient,
  agentId: string,
  { reason, cancelWork, timeoutMs = 30_000 }: BanOptions,
): Promise<BannedEverywhere> {
  const body = { type: 'BanAgent', agentId, ...defined({ reason, cancelWork }) } as const;
  const ended = await forEachShard(
    client,
    timeoutMs,
    async (shard): Promise<ShardOutcomeData['BanAgent']> => {
      const outcome = await client.decideForShard(shard, body, { timeoutMs });
      if (isRejectedAs('already_banned', outcome)) return { released: 0, pools: 0 };
      return acceptedOrThrow(outcome).data as ShardOutcomeData['BanAgent'];
    },
  );
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
