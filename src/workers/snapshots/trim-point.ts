/** How much of a shard's log can go: the whole rule, and nothing but the rule. */
import { greatest, least } from '../../protocol/lists.ts';

export interface TrimGuard {
  /** Which log it is about. */
  readonly logIdentity: string;
  /** Where the stored state stands, and the log that it comes from. */
  readonly applied: { readonly seq: number; readonly logIdentity: string | undefined };
  /** Every sealed snapshot of the shard. */
  readonly snapshots: readonly {
    readonly position: { readonly seq: number; readonly logIdentity: string };
    readonly logNeededFrom: number;
    /** It was read back lately, and was what its seal says. */
    readonly isProven: boolean;
  }[];
  /** Positions of the shard and log time there, as its snapshots have noted them. */
  readonly marks: readonly (readonly [seq: number, at: number])[];
  /** Log time of the shard at which the retention begins: what is younger stays. */
  readonly keptSince: number;
}

/** With one snapshot the log is the only other way back, in case that one turns out to be damaged. */
const LEAST_SNAPSHOTS = 2;

/**
 * Messages of the shard below this position can go; undefined when none can. Each of the kept snapshots stays usable:
 * with the message at its position, by which the log is recognised, and with all that follows. How old a message is, the
 * marks tell: no clock is asked, neither the server's nor a worker's.
 */
export function trimPoint(guard: TrimGuard): number | undefined {
  const { logIdentity, applied, snapshots, marks, keptSince } = guard;
  if (applied.seq <= 0 || applied.logIdentity !== logIdentity) return undefined;
  const usable = snapshots.filter(
    ({ position }) => position.logIdentity === logIdentity && position.seq <= applied.seq,
  );
  if (usable.filter(({ isProven }) => isProven).length < LEAST_SNAPSHOTS) return undefined;
  const newest = greatest(marks.filter(([, at]) => at <= keptSince).map(([seq]) => seq));
  if (newest === undefined) return undefined;
  const needed = usable.flatMap(({ position, logNeededFrom }) => [position.seq, logNeededFrom]);
  const point = Math.min(applied.seq, newest, least(needed) ?? applied.seq);
  return point > 1 ? point : undefined;
}
