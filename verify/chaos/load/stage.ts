/** What a flow plays on: a pool, three of its members, and how they decide. */
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { Random } from '../../kit/chance/random.ts';

export interface Stage {
  readonly pool: string;
  readonly random: Random;
  /** Three agents, all of them members of the pool. */
  readonly agents: readonly [string, string, string];
  /** A name that nobody has used. */
  newName(): string;
  /** Undefined when the run ends before there is an outcome. */
  decide(
    agent: string,
    fields: { readonly type: string; readonly [field: string]: unknown },
  ): Promise<Outcome | undefined>;
}

export type Flow = (stage: Stage) => Promise<void>;
