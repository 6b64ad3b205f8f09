/** Delegations whose basis has ended, where that has not been told of them: found by what they rest on. */
import { delegationAsOf } from '../protocol/as-of.ts';
import type { Delegation } from '../protocol/delegations.ts';
import { MAX_DELEGATION_DEPTH } from '../protocol/limits.ts';
import type { Redis } from './redis.ts';
import { parse } from './replies.ts';

/** `read` are documents of the hash, a page of them at most. */
export async function delegationsAsOf(
  redis: Redis,
  hash: string,
  read: readonly Delegation[],
): Promise<readonly Delegation[]> {
  const known = new Map<string, Delegation | undefined>(
    read.map((delegation) => [delegation.id, delegation]),
  );
  for (let links = 0; links <= MAX_DELEGATION_DEPTH; links++) {
    const parents = [...known.values()].flatMap((delegation) => delegation?.passedOn?.parentId ?? []);
    const wanted = [...new Set(parents)].filter((id) => !known.has(id));
    if (wanted.length === 0) break;
    // biome-ignore lint/plugin/no-spread: PAGE
    const found = await redis.hmget(hash, ...wanted);
    for (const [i, id] of wanted.entries()) {
      const json = found[i];
      known.set(id, json == null ? undefined : parse<Delegation>(json));
    }
  }
  return read.map((delegation) => {
    if (delegation.state !== 'live') return delegation;
    const endedAt = endOfBasis(delegation, known);
    return endedAt === undefined ? delegation : delegationAsOf(delegation, endedAt);
  });
}

/** When the closest of those on which it rests ended; one that is not kept any more ended before this one mattered. */
function endOfBasis(
  { passedOn, openedAt }: Delegation,
  known: ReadonlyMap<string, Delegation | undefined>,
): number | undefined {
  let id = passedOn?.parentId;
  for (let links = 0; id !== undefined && links <= MAX_DELEGATION_DEPTH; links++) {
    const parent = known.get(id);
    if (parent === undefined) return openedAt;
    if (parent.state !== 'live') return parent.finishedAt;
    id = parent.passedOn?.parentId;
  }
  return undefined;
}
