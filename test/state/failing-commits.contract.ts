/** How far a commit came that failed: every store has to say so, because what to do next depends on it. */
import { describe, expect, it } from 'vitest';
import { WriteFailedError, type WriteFailure } from '../../src/lib/errors.ts';
import { WRITE_BOUNDS } from '../../src/state/script-writer.ts';
import { LOST, type ShardCommit, type ShardStore } from '../../src/state/shard-store.ts';
import { BEGINNING, commitFrom, poolDoc, positionAfter } from '../support/commits.ts';

export interface FailingStore {
  readonly store: ShardStore;
  /** From now on the store refuses what makes it larger, or takes it again. */
  refuse(isOn: boolean): Promise<void>;
  /** The next commit breaks off in the middle. */
  breakNext(): Promise<void>;
}

export async function failureOf(committing: Promise<unknown>): Promise<WriteFailure | undefined> {
  const error = await committing.then(
    () => undefined,
    (failed: unknown) => failed,
  );
  return error instanceof WriteFailedError ? error.failure : undefined;
}

function created(pool: string): Partial<ShardCommit> {
  return {
    changes: [{ kind: 'pool', pool, before: undefined, after: poolDoc(pool) }],
    outcomes: [{ key: `owner.create-${pool}`, json: '{}', at: 1, created: 1 }],
  };
}

function outcomes(count: number, json = '{}'): ShardCommit['outcomes'] {
  return Array.from({ length: count }, (_, i) => ({ key: `a.d${i}`, json, at: i, created: 0 }));
}

export function failingCommitsContract(newStore: () => Promise<FailingStore>): void {
  describe('a commit', () => {
    it('of more arguments than the bound is never sent', async () => {
      const { store } = await newStore();
      const tooMany = outcomes(WRITE_BOUNDS.arguments / 2);
      expect(await failureOf(store.commit(commitFrom(BEGINNING, { outcomes: tooMany })))).toBe('unsent');
      expect((await store.position()).seq).toBe(0);
    });

    it('of more bytes than the bound is never sent', async () => {
      const { store } = await newStore();
      const large = outcomes(17, `"${'é'.repeat(512 * 1024)}"`);
      expect(await failureOf(store.commit(commitFrom(BEGINNING, { outcomes: large })))).toBe('unsent');
      expect((await store.position()).seq).toBe(0);
    });

    it('at the bound passes, and says how large it was', async () => {
      const { store } = await newStore();
      const size = await store.commit(commitFrom(BEGINNING, { outcomes: outcomes(33_000) }));
      expect(size.arguments).toBeGreaterThan(99_000);
      expect(size.arguments).toBeLessThanOrEqual(WRITE_BOUNDS.arguments);
      expect((await store.load()).outcomes.count).toBe(33_000);
    });

    it('that is refused has written nothing, and is the same commit when it is sent again', async () => {
      const { store, refuse } = await newStore();
      const first = commitFrom(BEGINNING, created('p'));
      await store.commit(first);
      const second = commitFrom(positionAfter(first), created('q'));
      await refuse(true);
      expect(await failureOf(store.commit(second))).toBe('refused');
      expect(await store.position()).toEqual(positionAfter(first));
      await refuse(false);
      await store.commit(second);
      expect((await store.load()).pools.map(({ doc }) => doc.pool).sort()).toEqual(['p', 'q']);
    });

    it('that breaks off leaves the shard lost: nothing can be committed on what is half written', async () => {
      const { store, breakNext } = await newStore();
      const first = commitFrom(BEGINNING, created('p'));
      await store.commit(first);
      await breakNext();
      const second = commitFrom(positionAfter(first), created('q'));
      expect(await failureOf(store.commit(second))).toBe('broken');
      expect((await store.position()).seq).toBe(LOST);
      await expect(store.commit(second)).rejects.toThrow('no longer at position');
      await expect(store.commit(commitFrom(BEGINNING, created('r')))).rejects.toThrow(
        'no longer at position',
      );
    });
  });
}
