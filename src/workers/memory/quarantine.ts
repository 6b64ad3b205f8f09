/**
 * A shard that crashes its owner must not crash all workers in turn. Taking a shard records the owner; giving it back, or some
 * seconds of work, clears that. A worker that finds the record of a vanished owner counts a strike if the shard can have been
 * the cause: nothing had been done with it yet, or the heap was nearly full. After two the shard is taken only by a
 * worker that has given back all others, one shard in the whole system at a time, with pauses that grow.
 *
 * Nor is a worker that lives and has only lost its lease: one that was slow takes back what was counted for it.
 * A power loss is no strike: shards that were worked on are not suspicious, and Redis that started again tells nothing.
 */
import { getHeapStatistics } from 'node:v8';
import type { Logger } from 'pino';
import { messageOf } from '../../lib/errors.ts';
import { after, type Timer } from '../../lib/timers.ts';
import type { TakenNote, TakenStore } from '../../state/taken-store.ts';
import type { Alarms } from '../health/alarms.ts';

export interface QuarantineOptions {
  readonly store: TakenStore;
  readonly holder: string;
  readonly alarms: Alarms;
  readonly logger: Logger;
  readonly heapShare?: () => number;
}

/** How a shard that was just acquired is to be treated. */
export type Admission = 'begin' | 'alone' | 'leave';

const MOST_STRIKES = 2;
const CLEARED_AFTER_MS = 10_000;
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 15 * 60_000;
const NEARLY_FULL = 0.8;

export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #notes = new Map<number, TakenNote>();
  readonly #clearing = new Map<number, Timer>();
  #alone: number | undefined;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** The shard that is tried alone at the moment: nothing is taken beside it. */
  get alone(): number | undefined {
    return this.#alone;
  }

  /** The lease is ours; nothing is loaded yet. `live`: the holders that have been heard of lately. */
  async admit(shard: number, live: readonly string[] = []): Promise<Admission> {
    const { store, holder } = this.#options;
    const [before, run] = await Promise.all([store.read(shard), store.run()]);
    const isBlamed = isStrike(before, holder, run) && !live.includes(before.holder ?? '');
    const strikes = before.strikes + (isBlamed ? 1 : 0);
    const blamed = isBlamed ? before.holder : before.blamed;
    if (strikes < MOST_STRIKES) {
      await this.#note(shard, { holder, run, isSuspicious: true, strikes, blamed, trials: 0 });
      return 'begin';
    }
    return await this.#tryAlone(shard, { ...before, strikes, blamed }, run);
  }

  /** Something was done with the shard: whatever ends this worker now is not its loading. */
  worked(shard: number): void {
    const note = this.#notes.get(shard);
    if (note === undefined || note.isSuspicious === this.#isNearlyFull()) return;
    void this.#note(shard, { ...note, isSuspicious: this.#isNearlyFull() }).catch(() => undefined);
  }

  /** It was given back in order, so that it ended nobody. */
  async released(shard: number): Promise<void> {
    if (this.#notes.has(shard)) await this.#clear(shard);
  }

  /** The lease went to another worker meanwhile: the record belongs to that one. */
  lost(shard: number): void {
    if (!this.#notes.has(shard)) return;
    this.#forget(shard);
    const { store, holder, logger } = this.#options;
    void store
      .takeBack(shard, holder)
      .catch((error) => logger.warn({ shard, reason: messageOf(error) }, 'could not remove a strike'));
  }

  async #tryAlone(shard: number, before: TakenNote, run: string): Promise<Admission> {
    const { store, holder, alarms } = this.#options;
    const { strikes, blamed, trials } = before;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** trials);
    alarms.raise('shard_poison', shard, 'the shard crashed its owners: it is loaded alone, with pauses', {
      strikes,
    });
    // The finding is recorded first: the next worker must not count the same strike again.
    const none = { holder: undefined, run, isSuspicious: false, strikes, blamed, trials };
    await store.write(shard, none);
    if (!(await store.beginTrial(shard, pauseMs))) return 'leave';
    await this.#note(shard, { ...none, holder, isSuspicious: true, trials: trials + 1 });
    this.#alone = shard;
    return 'alone';
  }

  async #note(shard: number, note: TakenNote): Promise<void> {
    const isNew = !this.#notes.has(shard);
    this.#notes.set(shard, note);
    await this.#options.store.write(shard, note);
    if (!isNew) return;
    const clear = (): void => {
      void this.#clear(shard).catch((error) =>
        this.#options.logger.warn(
          { shard, reason: messageOf(error) },
          'could not clear the strikes of the shard',
        ),
      );
    };
    this.#clearing.set(shard, after(CLEARED_AFTER_MS, clear).unref());
  }

  async #clear(shard: number): Promise<void> {
    const { store, alarms } = this.#options;
    const wasAlone = this.#alone === shard;
    this.#forget(shard);
    alarms.clear('shard_poison', shard);
    await store.clear(shard);
    if (wasAlone) await store.endTrial(shard);
  }

  #forget(shard: number): void {
    this.#notes.delete(shard);
    this.#clearing.get(shard)?.cancel();
    this.#clearing.delete(shard);
    if (this.#alone === shard) this.#alone = undefined;
  }

  #isNearlyFull(): boolean {
    return (this.#options.heapShare ?? heapShare)() > NEARLY_FULL;
  }
}

function isStrike({ holder, run, isSuspicious }: TakenNote, own: string, now: string): boolean {
  return holder !== undefined && holder !== own && isSuspicious && run === now;
}

function heapShare(): number {
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  return used_heap_size / heap_size_limit;
}
