/** What the shards carry: consequences that are owed, bytes against their bounds, and strikes for owners that vanished. */
import { greatest } from '../../protocol/lists.ts';
import { type Check, fail, ok, shardList, warn } from './check.ts';
import type { ShardLook } from './shard-look.ts';

/** From here on someone should look before agents are refused. */
const NEARLY_FULL = 0.8;
/** As many make a shard one that is only tried alone. */
const POISON_STRIKES = 2;
const MEBIBYTE = 1024 * 1024;

export function loadChecks(first: readonly ShardLook[], second: readonly ShardLook[]): Check[] {
  return [owedCheck(first, second), bytesCheck(second), strikesCheck(second)];
}

/** Owing is nothing bad, standing still with it is. */
function owedCheck(first: readonly ShardLook[], second: readonly ShardLook[]): Check {
  const name = 'shard-owed';
  const owing = second.filter(({ owing: pools }) => pools > 0);
  if (owing.length === 0) return ok(name, 'no consequences are owed');
  const pools = owing.reduce((sum, { owing: count }) => sum + count, 0);
  const detail = `${pools} ${pools === 1 ? 'pool owes' : 'pools owe'} consequences on ${shardList(owing.map(({ shard }) => shard))}`;
  const still = owing.filter((look) => look !== first[look.shard] && isSame(look, first[look.shard]));
  if (still.length === 0) return ok(name, `${detail}; they are settled step by step`);
  return warn(
    name,
    `${detail}; nothing moves on ${shardList(still.map(({ shard }) => shard))}: see shard-owners and shard-halts`,
  );
}

function isSame(now: ShardLook, before: ShardLook | undefined): boolean {
  return now.owing === before?.owing && now.position === before.position;
}

function bytesCheck(looks: readonly ShardLook[]): Check {
  const name = 'shard-bytes';
  const pressed = looks.filter(({ isPressed }) => isPressed);
  const full = looks.filter(({ bytes, mostBytes }) => bytes > NEARLY_FULL * mostBytes);
  const most = looks.reduce<ShardLook | undefined>(
    (largest, look) => (largest === undefined || shareOf(look) > shareOf(largest) ? look : largest),
    undefined,
  );
  const detail =
    most === undefined
      ? 'there are no shards'
      : `at most ${mebibytes(most.bytes)} of ${mebibytes(most.mostBytes)} MiB (shard ${most.shard})`;
  if (pressed.length > 0) {
    const shards = shardList(pressed.map(({ shard }) => shard));
    return warn(
      name,
      `${detail}; ${shards} take nothing more (pressure): start more workers, or give them larger heaps`,
    );
  }
  if (full.length === 0) return ok(name, detail);
  const shards = shardList(full.map(({ shard }) => shard));
  return warn(
    name,
    `${detail}; nearly full: ${shards}: raise CONVERGE_SHARD_BYTES and the heap, or end what is not needed`,
  );
}

function shareOf({ bytes, mostBytes }: ShardLook): number {
  return mostBytes === 0 ? 0 : bytes / mostBytes;
}

function mebibytes(bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(1);
}

function strikesCheck(looks: readonly ShardLook[]): Check {
  const name = 'shard-strikes';
  const struck = looks.filter(({ strikes }) => strikes > 0);
  const most = greatest(struck.map(({ strikes }) => strikes)) ?? 0;
  if (most === 0) return ok(name, 'no shard has ended its owner');
  const detail = struck
    .map(({ shard, strikes }) => `shard ${shard}: ${strikes}`)
    .slice(0, 12)
    .join(', ');
  if (most < POISON_STRIKES)
    return warn(
      name,
      `owners vanished before they had worked: ${detail}; a second time makes it shard_poison`,
    );
  const poison = struck.filter(({ strikes }) => strikes >= POISON_STRIKES).map(({ shard }) => shard);
  return fail(
    name,
    `owners vanished before they had worked: ${detail}; ${shardList(poison)} is tried alone, with pauses: mend the cause, then converge shard retry`,
  );
}
