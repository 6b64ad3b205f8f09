/** Nothing that any way back needs is ever trimmed: the rule alone, against every guard that can be thought of. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TrimGuard, trimPoint } from '../../src/workers/snapshots/trim-point.ts';

const LOG = 'this log';
const OTHER = 'another log';
const seq = fc.integer({ min: 1, max: 60 });
const isProven = fc.oneof(
  { weight: 5, arbitrary: fc.constant(true) },
  { weight: 1, arbitrary: fc.constant(false) },
);
const identity = fc.oneof(
  { weight: 5, arbitrary: fc.constant(LOG) },
  { weight: 1, arbitrary: fc.constant(OTHER) },
);

const guards: fc.Arbitrary<TrimGuard> = fc.record({
  logIdentity: fc.constant(LOG),
  applied: fc.record({
    seq: fc.integer({ min: -1, max: 60 }),
    logIdentity: fc.oneof(identity, fc.constant(undefined)),
  }),
  snapshots: fc.array(
    fc
      .record({ at: seq, logIdentity: identity, back: fc.integer({ min: 0, max: 10 }), isProven })
      .map(({ at, logIdentity, back, ...rest }) => ({
        position: { seq: at, logIdentity },
        logNeededFrom: Math.max(1, at - back),
        ...rest,
      })),
    { maxLength: 4 },
  ),
  marks: fc
    .array(seq, { minLength: 1, maxLength: 6 })
    .map((seqs) => seqs.map((at): [number, number] => [at, 10 * at])),
  keptSince: fc.integer({ min: 0, max: 700 }),
});

describe('the point below which a log is trimmed', () => {
  it('never passes what is applied, what is young, or what any kept snapshot needs', () => {
    let trims = 0;
    fc.assert(
      fc.property(guards, (guard) => {
        const point = trimPoint(guard);
        if (point === undefined) return;
        trims++;
        const usable = guard.snapshots.filter(
          ({ position }) => position.logIdentity === LOG && position.seq <= guard.applied.seq,
        );
        expect(usable.filter((snapshot) => snapshot.isProven).length).toBeGreaterThanOrEqual(2);
        const old = guard.marks.filter(([, at]) => at <= guard.keptSince).map(([at]) => at);
        expect(point).toBeLessThanOrEqual(Math.max(...old));
        expect(guard.applied.logIdentity).toBe(LOG);
        for (let removed = 1; removed < point; removed++) {
          expect(removed).toBeLessThan(guard.applied.seq);
          expect(10 * removed).toBeLessThan(guard.keptSince);
          for (const { position, logNeededFrom } of usable) {
            expect(removed).toBeLessThan(logNeededFrom);
            expect(removed).not.toBe(position.seq);
          }
        }
      }),
      { numRuns: 20_000, seed: 5 },
    );
    expect(trims).toBeGreaterThan(500);
  });

  it('never moves up when less is known, applied or kept', () => {
    fc.assert(
      fc.property(guards, fc.nat(), (guard, which) => {
        const point = trimPoint(guard) ?? 0;
        const without = guard.snapshots.filter((_, i) => i !== which % Math.max(1, guard.snapshots.length));
        const applied = { ...guard.applied, seq: guard.applied.seq - 1 };
        expect(trimPoint({ ...guard, keptSince: guard.keptSince - 1 }) ?? 0).toBeLessThanOrEqual(point);
        const fewer = guard.marks.filter((_, i) => i !== which % Math.max(1, guard.marks.length));
        expect(trimPoint({ ...guard, marks: fewer }) ?? 0).toBeLessThanOrEqual(point);
        if (guard.snapshots.every(({ position }) => position.seq < guard.applied.seq)) {
          expect(trimPoint({ ...guard, applied }) ?? 0).toBeLessThanOrEqual(point);
        }
        if (without.length < 2) expect(trimPoint({ ...guard, snapshots: without })).toBeUndefined();
      }),
      { numRuns: 5_000, seed: 6 },
    );
  });

  const snapshot = (at: number, logIdentity = LOG, logNeededFrom = at): TrimGuard['snapshots'][number] => ({
    position: { seq: at, logIdentity },
    logNeededFrom,
    isProven: true,
  });
  const guard = (fields: Partial<TrimGuard>): TrimGuard => ({
    logIdentity: LOG,
    applied: { seq: 50, logIdentity: LOG },
    snapshots: [snapshot(40), snapshot(30)],
    marks: [
      [12, 120],
      [30, 300],
      [40, 400],
    ],
    keptSince: 600,
    ...fields,
  });

  it('is the older of two snapshots when all is old enough', () => {
    expect(trimPoint(guard({}))).toBe(30);
  });

  it('is the newest mark that is old enough', () => {
    expect(trimPoint(guard({ keptSince: 299 }))).toBe(12);
    expect(trimPoint(guard({ keptSince: 300 }))).toBe(30);
  });

  it('is what a dead letter in the outbox of a snapshot still quotes', () => {
    expect(trimPoint(guard({ snapshots: [snapshot(40, LOG, 25), snapshot(30)] }))).toBe(25);
  });

  it.each<[string, Partial<TrimGuard>]>([
    ['there is one snapshot', { snapshots: [snapshot(40)] }],
    ['one of two is of another log', { snapshots: [snapshot(40), snapshot(30, OTHER)] }],
    ['the state is behind one of two, because it was restored', { applied: { seq: 35, logIdentity: LOG } }],
    ['the state is lost', { applied: { seq: 0, logIdentity: undefined } }],
    ['the state is being restored', { applied: { seq: -1, logIdentity: undefined } }],
    ['the state comes from another log', { applied: { seq: 50, logIdentity: OTHER } }],
    ['nothing is old enough', { keptSince: 119 }],
    ['nothing tells how old anything is', { marks: [] }],
    [
      'one of two was not read back lately',
      { snapshots: [snapshot(40), { ...snapshot(30), isProven: false }] },
    ],
  ])('is nowhere when %s', (_why, fields) => {
    expect(trimPoint(guard(fields))).toBeUndefined();
  });
});
