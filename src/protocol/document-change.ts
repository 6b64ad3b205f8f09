import type { Member, Pool, Task } from './documents.ts';
import type { Entity } from './entities.ts';

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
