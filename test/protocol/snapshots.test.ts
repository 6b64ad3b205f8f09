import { describe, expect, it } from 'vitest';
import { snapshotSealSchema } from '../../src/protocol/snapshots.ts';

const summary = {
  format: 1,
  namespace: 'ns',
  shard: 3,
  shards: 16,
  position: { seq: 9, hash: 'abc', logIdentity: '2026-01-01T00:00:00Z' },
  logNeededFrom: 4,
  now: 1_000,
  lines: 12,
  counts: { tasks: 5 },
  meta: { seq: '9' },
};
const seal = { of: 'o-1', sha256: 'ff', summary };

describe('the seal of a snapshot', () => {
  it('counts if it has everything that a snapshot says of itself', () => {
    expect(snapshotSealSchema.parse(seal)).toEqual(seal);
  });

  it.each([
    ['of another format', { format: 2 }],
    ['of no message', { position: { ...summary.position, seq: 0 } }],
    ['of a log without a name', { position: { seq: 9, hash: 'abc' } }],
    ['that needs the log from before its beginning', { logNeededFrom: 0 }],
    ['of a negative shard', { shard: -1 }],
    ['of no shards', { shards: 0 }],
    ['with something that it does not know', { more: 1 }],
    ['with counts that are none', { counts: { tasks: -1 } }],
  ])('does not count: %s', (_, fault) => {
    expect(snapshotSealSchema.safeParse({ ...seal, summary: { ...summary, ...fault } }).success).toBe(false);
  });
});
