/**
 * Watches a run from the servers' side: which messages of which log each shard's state comes from, and that nothing is
 * told before it is committed. It knows positions and messages, not what they mean.
 */
import type { LogMessage } from '../../src/bus/log-message.ts';
import type { TrimMark } from '../../src/bus/trim-marks.ts';
import type { ShardCommit, StoredPosition } from '../../src/state/shard-store.ts';
import type { SealedSnapshot } from '../../src/workers/snapshots/trim-ports.ts';
import type { Findings } from './findings.ts';
import type { StreamVersion } from './memory/stream.ts';
import { SUBJECTS } from './servers.ts';

/** Batches that may wait for publication, and those that are published and wait for a commit to clear them. */
const MOST_IN_OUTBOX = 18;

/** What a log may claim, and what clocks that count as right may be wrong by. */
const MOST_AHEAD_MS = 10_000 + 1_500;

/** Per shard, the messages that made its state. */
export type AppliedCopy = readonly (readonly LogMessage[])[];

export class Monitor {
  readonly #findings: Findings;
  readonly #trueNow: () => number;
  readonly #shards: readonly ShardRecord[];

  constructor(findings: Findings, shards: number, trueNow: () => number) {
    this.#findings = findings;
    this.#trueNow = trueNow;
    this.#shards = Array.from({ length: shards }, () => new ShardRecord());
  }

  /** The messages that made the state of a shard, in order. */
  appliedTo(shard: number): readonly LogMessage[] {
    return this.#of(shard).applied;
  }

  /** The Clocks by which its times were decided, those too that stand behind all that is applied. */
  clocksKnownTo(shard: number, newest: number): readonly LogMessage[] {
    return this.#of(shard).clocks.filter(({ seq }) => seq <= newest);
  }

  /** The log lost messages whose events were told: what takes their places is told with the same ids. */
  isTainted(shard: number): boolean {
    return this.#of(shard).isTainted;
  }

  committed(
    shard: number,
    { next, expected }: ShardCommit,
    before: StoredPosition,
    version: StreamVersion,
    outboxSize: number,
    missed: ReadonlySet<number>,
  ): void {
    const record = this.#of(shard);
    const { applied } = record;
    const last = applied.at(-1);
    const at = `shard ${shard}: commit ${expected.seq} → ${next.seq}`;
    if (next.seq <= before.seq) this.#findings.report('I5', `${at} where the shard stood at ${before.seq}`);
    if (expected.seq !== before.seq) {
      this.#findings.report('I1', `${at} was written where the shard stood at ${before.seq}`);
    }
    const log = ofShard(version, shard);
    if (last !== undefined && log[applied.length - 1] !== last) {
      this.#findings.report('I5', `${at}: the log does not hold message ${last.seq} as it was applied`);
    }
    const batch = log.slice(applied.length).filter(({ seq }) => seq <= next.seq);
    if (batch.at(-1)?.seq !== next.seq) this.#findings.report('I1', `${at}: the log holds no such message`);
    const hole = batch.find(({ seq }) => missed.has(seq));
    if (hole !== undefined) {
      this.#findings.report('I1', `${at}: message ${hole.seq} was trimmed, and the state goes on without it`);
    }
    applied.push(...batch);
    const newest = next.clock?.seq ?? 0;
    record.clocks = log.filter(({ seq, subject }) => seq <= newest && subject === SUBJECTS.clocks(shard));
    record.furthest = Math.max(record.furthest, next.seq);
    // Whatever ends, ends by the time of the log.
    const aheadMs = next.now - this.#trueNow();
    if (aheadMs > MOST_AHEAD_MS) this.#findings.report('I9', `${at}: the time is ${aheadMs} ms ahead`);
    if (outboxSize > MOST_IN_OUTBOX)
      this.#findings.report('I8', `${at}: ${outboxSize} batches in the outbox`);
  }

  /** What made the states that the store holds at this moment. */
  copy(): AppliedCopy {
    return this.#shards.map(({ applied }) => [...applied]);
  }

  /** The store is what it was when the copy was made; without one, it is empty. */
  storeWentBack(copy: AppliedCopy | undefined): void {
    for (const [shard, record] of this.#shards.entries()) record.applied = [...(copy?.[shard] ?? [])];
  }

  /** What the store holds of one shard was made of these messages, from now on. */
  restored(shard: number, applied: readonly LogMessage[]): void {
    this.#of(shard).applied = [...applied];
  }

  /** What a mark says was trimmed, it says for good. */
  marked(shard: number, before: TrimMark | undefined, after: TrimMark): void {
    if (before === undefined || (before.log === after.log && before.below <= after.below)) return;
    this.#findings.report('I1', `the mark of shard ${shard} fell from ${before.below} to ${after.below}`);
  }

  /** First it is said, and then it goes; and it is never what one of the snapshots needs that the trimmer has seen. */
  trims(
    shard: number,
    below: number,
    mark: TrimMark | undefined,
    kept: readonly SealedSnapshot['summary'][],
  ): void {
    const at = `shard ${shard} is trimmed below ${below}`;
    if (mark !== undefined && mark.below < below) {
      this.#findings.report('I1', `${at}, where its mark says ${mark.below}`);
    }
    const hurt = kept.find(({ position, logNeededFrom }) => Math.min(position.seq, logNeededFrom) < below);
    if (hurt !== undefined) {
      this.#findings.report(
        'I1',
        `${at}, and the snapshot at ${hurt.position.seq} needs ${hurt.logNeededFrom}`,
      );
    }
  }

  beganUnmarked(shard: number): void {
    this.#findings.report(
      'I1',
      `shard ${shard} begins at the beginning, where nothing says what was trimmed`,
    );
  }

  /** The log lost what came after `seq`. */
  logEndsAt(seq: number): void {
    for (const record of this.#shards) if (record.furthest > seq) record.isTainted = true;
  }

  told(shard: number, seq: number, what: string): void {
    const { furthest } = this.#of(shard);
    if (seq > furthest) this.#findings.report('I4', `${what} was told before message ${seq} was committed`);
  }

  #of(shard: number): ShardRecord {
    const record = this.#shards[shard];
    if (record === undefined) throw new Error(`there is no shard ${shard}`);
    return record;
  }
}

class ShardRecord {
  applied: LogMessage[] = [];
  clocks: readonly LogMessage[] = [];
  /** The furthest that the shard ever was. */
  furthest = 0;
  isTainted = false;
}

export function ofShard(version: StreamVersion, shard: number): LogMessage[] {
  const prefix = prefixOf(shard);
  return version.filter(({ subject }) => subject.startsWith(prefix));
}

export function prefixOf(shard: number): string {
  return `${SUBJECTS.namespace}.decisions.${shard}.`;
}
