import type { Member, Pool, Task } from './documents.ts';
import { type Entity, entityRef } from './entities.ts';

/** A document before and after some decisions: what a commit has to write. `before` is what the store holds. */
export type DocumentChange =
  | {
      readonly kind: 'pool';
      readonly pool: string;
      readonly before: Pool | undefined;
      after: Pool | undefined;
    }
  | {
      readonly kind: 'member';
      readonly pool: string;
      readonly before: Member | undefined;
      after: Member | undefined;
    }
  | {
      readonly kind: 'task';
      readonly pool: string;
      readonly before: Task | undefined;
      after: Task | undefined;
    }
  | {
      readonly kind: 'entity';
      readonly pool: string;
      readonly before: Entity | undefined;
      after: Entity | undefined;
    };

/** The document that a change is about: as it is after it, or as it was where it goes. */
export function changed<D extends object>({
  before,
  after,
}: {
  readonly before: D | undefined;
  readonly after: D | undefined;
}): D {
  const document = after ?? before;
  if (document === undefined) throw new Error('a change of no document');
  return document;
}

/** Two changes of the same document have the same key. */
export function keyOf(change: DocumentChange): string {
  const { pool } = change;
  switch (change.kind) {
    case 'pool':
      return `p/${pool}`;
    case 'member':
      return `m/${pool}/${changed(change).agent}`;
    case 'task':
      return `t/${pool}/${changed(change).taskId}`;
    case 'entity': {
      const { kind, id } = changed(change);
      return `e/${pool}/${entityRef(kind, id)}`;
    }
  }
}
