import type { Origin } from './documents.ts';

/** The common part of auctions, votes, negotiations and delegations. */
export interface EntityCommon {
  readonly pool: string;
  readonly id: string;
  /** Place in the order of opening: rises with the log. */
  readonly order: number;
  readonly openedAt: number;
  readonly origin: Origin;
  /** When time next changes it: log time, milliseconds. Absent when time does not. */
  readonly dueAt?: number | undefined;
  /** When it ended; absent while it is live. From then on nothing changes it, and retention removes it. */
  readonly finishedAt?: number | undefined;
}
