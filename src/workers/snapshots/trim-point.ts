/** How much of a shard's log can go: the whole rule, and nothing but the rule. */
export interface TrimGuard {
  /** Which log it is about. */
  readonly logIdentity: string;
  /** Where the stored state stands, and the log that it comes from. */
  readonly applied: { readonly seq: number; readonly logIdentity: string | undefined };
  /** Every sealed snapshot of the shard. */
  readonly snapshots: readonly {
    readonly position: { readonly seq: number; readonly logIdentity: string };
    readonly logNeededFrom: number;
  }[];
  /** The first message of the log that is not older than `logRetentionMs`. */
  readonly retainedFrom: number;
}

/** With one snapshot the log is the only other way back, in case that one turns out to be damaged. */
const LEAST_SNAPSHOTS = 2;

/**
 * Messages of the shard below this position can go; undefined when none can. Each of the kept snapshots stays usable:
 * with the message at its position, by which the log is recognised, and with all that follows.
 */
export function trimPoint({ logIdentity, applied, snapshots, retainedFrom }: TrimGuard): number | undefined {
  if (applied.seq <= 0 || applied.logIdentity !== logIdentity) return undefined;
  const good = snapshots.filter(
    ({ position }) => position.logIdentity === logIdentity && position.seq <= applied.seq,
  );
  if (good.length < LEAST_SNAPSHOTS) return undefined;
  const needed = good.flatMap(({ position, logNeededFrom }) => [position.seq, logNeededFrom]);
  const point = Math.min(applied.seq, retainedFrom, ...needed);
  return point > 1 ? point : undefined;
}
