/** Data of a Sweep's outcome: how much it settled, and some names. */
import { entityRef } from '../../protocol/entities.ts';
import type { SweepData, SweptNames } from '../../protocol/outcome-data.ts';
import { kindOf } from '../kernel/entities.ts';
import { isInternal } from '../kernel/events.ts';
import type { AppliedEvent } from '../world/world.ts';

export const SWEPT_KINDS = [
  'released',
  'failed',
  'cancelled',
  'unblocked',
  'expiredMembers',
  'closed',
] as const satisfies readonly SweptKind[];

type SweptKind = keyof SweptNames;
type Lists = { readonly [K in SweptKind]: SweptNames[K][number][] };

/** Most names of one kind, and most bytes of all of them, in a report and in a summary of several. */
export const MAX_NAMES = 100;
export const MAX_NAMES_BYTES = 60 * 1024;

/** Collects names up to the bounds, and counts all of them. */
export class Names {
  readonly lists: Lists = {
    released: [],
    failed: [],
    cancelled: [],
    unblocked: [],
    expiredMembers: [],
    closed: [],
  };
  readonly counts: Record<SweptKind, number> = {
    released: 0,
    failed: 0,
    cancelled: 0,
    unblocked: 0,
    expiredMembers: 0,
    closed: 0,
  };
  #bytes = 0;

  add<K extends SweptKind>(kind: K, name: SweptNames[K][number]): void {
    this.counts[kind]++;
    const list: SweptNames[K][number][] = this.lists[kind];
    if (list.length >= MAX_NAMES) return;
    const bytes = Buffer.byteLength(JSON.stringify(name)) + 1;
    if (this.#bytes + bytes > MAX_NAMES_BYTES) return;
    this.#bytes += bytes;
    list.push(name);
  }

  /** Of a report that was cut itself: its names, and how many there were. */
  addAll({ counts, ...lists }: SweptNames & Pick<SweepData, 'counts'>): void {
    for (const kind of SWEPT_KINDS) {
      for (const name of lists[kind]) this.add(kind, name);
      this.counts[kind] += counts[kind] - lists[kind].length;
    }
  }
}

export function reportOf(
  events: readonly AppliedEvent[],
  rest: Pick<SweepData, 'forgottenOutcomes' | 'more'>,
): SweepData {
  const names = new Names();
  const removed = { removedTasks: 0, removedPools: 0, removedEntities: 0 };
  let matched = 0;
  for (const { pool, event } of events) {
    const ofEntity = kindOf(event);
    const kind = ofEntity === 'task' ? undefined : ofEntity;
    if (kind !== undefined && event.type.endsWith('.removed')) removed.removedEntities++;
    else if (kind !== undefined && !isInternal(event))
      names.add('closed', { pool, entity: entityRef(kind, event.id), event: event.type });
    switch (event.type) {
      case 'task.expired':
      case 'task.released':
        names.add('released', { pool, taskId: event.id, agent: event.data.agent, epoch: event.data.epoch });
        break;
      case 'task.failed':
        names.add('failed', { pool, taskId: event.id, cause: event.data.cause });
        break;
      case 'task.cancelled':
        names.add('cancelled', { pool, taskId: event.id });
        break;
      case 'task.claimed':
        if (event.data.offer !== undefined) matched++;
        break;
      case 'task.unblocked':
        names.add('unblocked', { pool, taskId: event.id });
        break;
      case 'member.expired':
        names.add('expiredMembers', { pool, agent: event.id });
        break;
      case 'task.removed':
        removed.removedTasks++;
        break;
      case 'pool.removed':
        removed.removedPools++;
        break;
    }
  }
  return { ...names.lists, counts: names.counts, matched, ...removed, ...rest };
}
