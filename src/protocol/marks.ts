/**
 * Fences: what the end of a stay voids. Who leaves a pool, is removed or banned loses at that moment what it held there,
 * however much that is: one mark says so, everything reads it from there on, and what it voids is told in bounded steps.
 */
import { MAX_BATCH } from './limits.ts';

/** Why an agent has lost what it had in a pool. `absent`: nothing was heard from it for too long. */
export type EndOfStay = 'left' | 'absent' | 'removed' | 'banned';

/** Where something stands in the order of a log: its message, and its place in the Batch that this may be. */
export function placeOf({ seq, index }: { readonly seq: number; readonly index: number }): number {
  return seq * (MAX_BATCH + 1) + index;
}

/** The decision that brought something about. Whatever follows from it names it, however late its events are published. */
export interface Cause {
  readonly place: number;
  /** Its id, or that of its Batch. */
  readonly cause: string;
  readonly actor: string;
  /** For whom, where someone acted for someone. */
  readonly principal?: string | undefined;
}

/** What was made before its place is void. */
export interface Fence extends Cause {
  /** Log time at which it ended: what was over by then ended as time ended it. */
  readonly at: number;
  readonly why: EndOfStay;
  readonly reason?: string;
  /** What the agent submitted and opened before it is cancelled, one after the other; until its turn each stands. */
  readonly cancelsWork?: true;
}

/** Something that an agent has made in a pool, or for itself: when, and at which place of the log. */
export interface Made {
  readonly order: number;
  readonly at: number;
}

/** The fence by which it is void, if any: the first one after it. `fences` are in the order of the log. */
export function fenceOf(fences: readonly Fence[], made: Made): Fence | undefined {
  return fences.find((fence) => covers(fence, made));
}

/** The fence by which something that an agent has opened is to be cancelled. */
export function cancellingFence(fences: readonly Fence[], made: Made): Fence | undefined {
  return fences.find((fence) => fence.cancelsWork === true && covers(fence, made));
}

/** The fence that ends a claim, if `fence` is the first one after it: one that had expired by then, time has ended. */
export function endingClaim(
  fence: Fence | undefined,
  { expiresAt }: { readonly expiresAt: number },
): Fence | undefined {
  return fence === undefined || expiresAt <= fence.at ? undefined : fence;
}

/** Who fell silent may have claimed again since then, as anybody may in `commons`, before that was told. */
function covers({ place, at, why }: Fence, made: Made): boolean {
  return made.order < place && (why !== 'absent' || made.at < at);
}

/** Stands for the pool where a fence holds for all pools of a shard. No pool has this name. */
export const EVERYWHERE = '*';

/** By which key the fences of an agent in a pool, or in all, are kept. */
export function fenceKey(pool: string, agent: string): string {
  return `${pool}/${agent}`;
}

export function parseFenceKey(key: string): { readonly pool: string; readonly agent: string } {
  const slash = key.indexOf('/');
  return { pool: key.slice(0, slash), agent: key.slice(slash + 1) };
}
