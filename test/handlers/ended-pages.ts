import type { Kept, OldestKept } from '../../src/handlers/sweep/sweep.ts';
import { type Entity, KINDS, ofGroups, parseEntityRef, refOf } from '../../src/protocol/entities.ts';

/** What a store shows a Sweep of these pools: what has ended in each, as `<kind>/<id>`, the oldest first. */
export function endedPages(
  pools: Iterable<readonly [string, readonly { readonly id: string; readonly at: number }[]]>,
): OldestKept['ended'] {
  const named = [...pools].map(([pool, page]) => [pool, page.flatMap(keptAs)] as const);
  return ofGroups(
    (group) =>
      new Map(named.map(([pool, page]) => [pool, page.filter(({ kind }) => KINDS[kind].group === group)])),
  );
}

function keptAs({ id: name, at }: { readonly id: string; readonly at: number }): Kept[] {
  const ref = parseEntityRef(name);
  if (ref === undefined) throw new Error(`not the name of an entity: ${name}`);
  return [{ ...ref, at }];
}

/** Those that have ended, the oldest first. */
export function keptOf(entities: readonly Entity[]): Kept[] {
  return entities
    .flatMap((entity) =>
      entity.finishedAt === undefined ? [] : [{ ...refOf(entity), at: entity.finishedAt }],
    )
    .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}
