/** A CloudEvent 1.0 in JSON (docs/protocol.md, "Decision, outcome, event"): what changed, told to every subscriber. */
export interface ConvergeEvent {
  readonly specversion: '1.0';
  /** `<shard>-<seq>-<n>`: the n-th event of the decision at `seq`. */
  readonly id: string;
  /** `converge.<entity>.<verb>` */
  readonly type: string;
  /** `/pools/<pool>` */
  readonly source: string;
  /** `<entity>/<id>` */
  readonly subject: string;
  /** RFC 3339, log time. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  /** Rises by one with every event of the pool; zero-padded, so that texts sort as numbers do. */
  readonly sequence: string;
  /** The decision that caused it. */
  readonly causationid: string;
  /** Who decided. */
  readonly actor: string;
  /** For whom, where someone acted for someone. */
  readonly principal?: string;
  /** The change: its fields depend on the type. */
  readonly data: { readonly [member: string]: unknown };
}

const SEQUENCE_DIGITS = 16;

export function formatSequence(sequence: number): string {
  return String(sequence).padStart(SEQUENCE_DIGITS, '0');
}

export function eventId(shard: number, seq: number, n: number): string {
  return `${shard}-${seq}-${n}`;
}
