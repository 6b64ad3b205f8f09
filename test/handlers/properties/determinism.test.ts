import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTITY_KINDS } from '../../../src/protocol/entities.ts';
import { dump } from '../dump.ts';
import { RUNS, randomLog } from './random-log.ts';
import { type LogEntry, Shard } from './shard.ts';

/** What else happens to a worker between two decisions. */
const mishap = fc.oneof(
  { weight: 6, arbitrary: fc.constant('none' as const) },
  { weight: 3, arbitrary: fc.constant('commit' as const) },
  { weight: 1, arbitrary: fc.constant('crash' as const) },
);

function applyAll(log: readonly LogEntry[]): Shard {
  const shard = new Shard();
  for (const entry of log) {
    shard.apply(entry);
    shard.commit();
  }
  return shard;
}

/** The same log, with commits whenever and crashes in between: what was not committed is read again. */
function applyWithMishaps(log: readonly LogEntry[], mishaps: readonly string[]): Shard {
  const shard = new Shard();
  const left = [...mishaps];
  for (let entry = log[shard.seq]; entry !== undefined; entry = log[shard.seq]) {
    shard.apply(entry);
    const next = left.pop();
    if (next === 'commit') shard.commit();
    if (next === 'crash') shard.crash();
  }
  shard.commit();
  return shard;
}

/** Documents, sequences, settings and outcomes: all that a store holds. */
function stored({ store }: Shard): unknown {
  const { documents, sequences, ...rest } = store;
  return { ...rest, documents: [...documents].sort(), sequences: [...sequences].sort() };
}

describe('one log has one result', () => {
  it('however often it is committed, and wherever the worker crashes and loads again', () => {
    fc.assert(
      fc.property(randomLog, fc.array(mishap, { maxLength: 200, size: 'max' }), (log, mishaps) => {
        const steady = applyAll(log);
        const shaken = applyWithMishaps(log, mishaps);
        expect(shaken.told).toEqual(steady.told);
        expect(stored(shaken)).toEqual(stored(steady));
      }),
      RUNS,
    );
  });

  it('a world that was just loaded knows what one that has run for days knows', () => {
    fc.assert(
      fc.property(randomLog, (log) => {
        const shard = new Shard();
        for (const entry of log) {
          shard.apply(entry);
          shard.commit();
          expect(dump(shard.loaded())).toEqual(dump(shard.world));
        }
      }),
      RUNS,
    );
  });

  it('what is in memory after a commit is what has to be there: nothing lingers that has ended', () => {
    fc.assert(
      fc.property(randomLog, (log) => {
        const shard = applyAll(log);
        const loaded = shard.loaded();
        for (const [name, state] of shard.world.pools) {
          for (const kind of ENTITY_KINDS) {
            const there = [...(loaded.pool(name)?.entities[kind].keys() ?? [])].sort();
            expect([...state.entities[kind].keys()].sort()).toEqual(there);
          }
        }
      }),
      RUNS,
    );
  });
});
