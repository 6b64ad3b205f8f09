import { OutcomeTimeoutError } from '../../lib/errors.ts';
import { pushAll } from '../../protocol/lists.ts';
import type { ReleasedClaim } from '../../protocol/outcome-data.ts';
import type { ConvergeClient, SendOptions } from '../core/client.ts';
import { acceptedOrThrow } from '../core/outcomes.ts';

/**
 * Sweeps every shard until nothing is left that fell due by `nowTs` (log time at most), and tells which claims ended.
 * The shards side by side, each one's Sweeps one after the other.
 */
export async function releaseExpiredClaims(
  client: ConvergeClient,
  nowTs: number | undefined,
  { timeoutMs = 30_000 }: SendOptions = {},
): Promise<readonly ReleasedClaim[]> {
  const deadline = performance.now() + timeoutMs;
  const shards = await client.shards({ timeoutMs });
  const released = await Promise.all(
    Array.from({ length: shards }, (_, shard) => sweepToTheEnd(client, shard, nowTs, deadline)),
  );
  return released.flat();
}

/** Of so many things a Sweep names all. */
const NAMED_AT_ONCE = 100;

async function sweepToTheEnd(
  client: ConvergeClient,
  shard: number,
  until: number | undefined,
  deadline: number,
): Promise<ReleasedClaim[]> {
  const released: ReleasedClaim[] = [];
  for (;;) {
    const timeoutMs = deadline - performance.now();
    if (timeoutMs <= 0) throw new OutcomeTimeoutError(`shard ${shard} still has something due: sweep again`);
    const { data } = acceptedOrThrow(await client.sweep(shard, { until, limit: NAMED_AT_ONCE, timeoutMs }));
    pushAll(released, data.released);
    if (!data.more) return released;
  }
}
