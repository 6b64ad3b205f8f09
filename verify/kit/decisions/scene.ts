/** What a decision is drawn in: who decides, when, and what there probably is to decide about. */
import type { Random } from '../chance/random.ts';

export type Kind = 'task' | 'auction' | 'vote' | 'negotiation' | 'delegation';

export interface Claimed {
  readonly taskId: string;
  readonly epoch?: number | undefined;
}

export interface Scene {
  readonly random: Random;
  /** By the log's clock. */
  readonly now: number;
  readonly pool: string;
  readonly agent: string;
  readonly agents: readonly [string, ...string[]];
  readonly labels: readonly [string, ...string[]];
  readonly options: readonly [string, string, ...string[]];
  /** How long something lasts that ends by itself. */
  lasts(): number;
  /** A name for something new. */
  name(kind: Exclude<Kind, 'delegation'>): string;
  /** One that probably exists. */
  known(kind: Kind): string;
  /** A claim that the agent probably holds; undefined where it knows of none. */
  held(): Claimed | undefined;
}
