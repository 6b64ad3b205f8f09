/** Verdicts on evidence that real servers show only in rare moments. */
import { expect, it } from 'vitest';
import { loadChecks } from '../../src/cli/doctor/load-checks.ts';
import { gatherEvidence, type ShardEvidence, shardChecks } from '../../src/cli/doctor/shard-checks.ts';
import type { ShardLook } from '../../src/cli/doctor/shard-look.ts';

const LOG = '2026-01-01T00:00:00Z';
const NOW = 1_000_000;

function look(fields: Partial<ShardLook> = {}): ShardLook {
  return {
    shard: 0,
    position: 10,
    logIdentity: LOG,
    owner: 'w-1',
    halted: undefined,
    outbox: 0,
    oldestInOutbox: undefined,
    at: 0,
    dueAt: undefined,
    owing: 0,
    bytes: 0,
    mostBytes: 1_000,
    isPressed: false,
    strikes: 0,
    ...fields,
  };
}

function problems(first: ShardLook, second: ShardLook, fields: Partial<ShardEvidence> = {}): string[] {
  const evidence = {
    logs: [LOG],
    lastSeqs: [20],
    ends: [10],
    first: [first],
    second: [second],
    ...fields,
  };
  return shardChecks(evidence, NOW).flatMap(({ status, name }) =>
    status === 'ok' ? [] : [`${status} ${name}`],
  );
}

it('a shard that has caught up with the first look is fine, however long its log is by now', () => {
  expect(problems(look({ position: 5 }), look({ position: 10 }), { lastSeqs: [1_000] })).toEqual([]);
});

it('a shard that moved and is still behind is slow, not stalled', () => {
  expect(problems(look({ position: 5 }), look({ position: 7 }))).toEqual(['warn shard-positions']);
  expect(problems(look({ position: 5 }), look({ position: 5 }))).toEqual(['fail shard-positions']);
});

it('a position beyond the end of the log says that the log was rolled back', () => {
  expect(problems(look({ position: 21 }), look({ position: 21 }))).toEqual(['fail shard-origins']);
});

it('a shard that nothing was ever decided on has no origin, and needs none', () => {
  expect(problems(look(), look({ position: 0, logIdentity: undefined }), { ends: [0] })).toEqual([]);
});

it('what is overdue for long is told', () => {
  expect(problems(look(), look({ dueAt: NOW - 5_000 }))).toEqual([]);
  expect(problems(look(), look({ dueAt: NOW - 11_000 }))).toEqual(['warn shard-dues']);
});

it.each<[string, Partial<ShardLook>, string[]]>([
  ['nothing', {}, []],
  ['four fifths of its bound', { bytes: 800 }, []],
  ['more than that', { bytes: 801 }, ['warn shard-bytes']],
  ['pressure', { isPressed: true }, ['warn shard-bytes']],
  ['an owner that vanished', { strikes: 1 }, ['warn shard-strikes']],
  ['two of them', { strikes: 2 }, ['fail shard-strikes']],
  ['consequences that are being settled', { owing: 2, position: 11 }, []],
  ['consequences that stand still', { owing: 2 }, ['warn shard-owed']],
])('of what a shard carries is told what needs somebody, and what to do: %s', (_, carries, told) => {
  const checks = loadChecks([look({ owing: carries.owing ?? 0 })], [look(carries)]);
  const problems = checks.filter(({ status }) => status !== 'ok');
  expect(problems.map(({ status, name }) => `${status} ${name}`)).toEqual(told);
  for (const { detail } of problems) expect(detail).toMatch(/start|raise|see|mend|makes/);
});

it('a handover between two workers is waited for', async () => {
  const looks = [look({ owner: undefined }), look({ owner: undefined }), look({ owner: 'w-2' })];
  const evidence = await gatherEvidence({
    logs: [LOG],
    isAnyoneAlive: true,
    ends: async () => [10],
    look: async () => [looks.shift() ?? look()],
    lastSeqs: async () => [10],
  });
  expect(evidence.second[0]?.owner).toBe('w-2');
  expect(shardChecks(evidence, NOW).every(({ status }) => status === 'ok')).toBe(true);
});

it('when no worker lives nothing is waited for', async () => {
  let looked = 0;
  await gatherEvidence({
    logs: [LOG],
    isAnyoneAlive: false,
    ends: async () => [11],
    look: async () => {
      looked++;
      return [look({ owner: undefined })];
    },
    lastSeqs: async () => [11],
  });
  expect(looked).toBe(1);
});
