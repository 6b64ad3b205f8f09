import { expect, test } from 'vitest';
import { EnvironmentNotes } from '../../verify/bench/environment.ts';
import { planOf } from '../../verify/bench/plan.ts';
import { paired, ratio, ratiosOf } from '../../verify/bench/report/ratios.ts';
import { reportOf } from '../../verify/bench/report/report.ts';
import { tableOf } from '../../verify/bench/report/table.ts';
import { judged, targetsOf } from '../../verify/bench/report/targets.ts';
import { Checks, ShortOfWorkError } from '../../verify/bench/sides/side.ts';
import { hierarchyOf } from '../../verify/bench/support/cpu-quota.ts';
import type { SideResult } from '../../verify/bench/support/rounds.ts';
import { median } from '../../verify/bench/support/stats.ts';

function sideOf(...perRound: number[]): SideResult {
  const lifecyclesPerS = { median: median(perRound), min: Math.min(...perRound), max: Math.max(...perRound) };
  return { title: 'a side', guarantees: 'none', lifecyclesPerS, perRound, lifecyclesPerRound: 100 };
}

test('rounds are compared in pairs: what slowed both down at the same time drops out', () => {
  const sides = { fast: sideOf(200, 20, 210), slow: sideOf(100, 10, 100) };
  expect(paired(sides, 'fast', 'slow')).toBe(2);
});

test('a side that is missing or was not measured gives no ratio, and none is made up', () => {
  const sides = { fast: sideOf(2, 2), other: { notMeasured: 'no server' } };
  expect(paired(sides, 'fast', 'other')).toBeNull();
  expect(paired(sides, 'fast', 'nobody')).toBeNull();
  expect(paired(undefined, 'fast', 'slow')).toBeNull();
  expect(ratio(1, 0)).toBeNull();
  expect(ratio(undefined, 1)).toBeNull();
});

test('the ratio for many pools is the worse of both ways', () => {
  const sides = {
    'ours-single-16': sideOf(100),
    'ours-single-1000': sideOf(90),
    'ours-bulk-16': sideOf(200),
    'ours-bulk-1000': sideOf(150),
    bullmq: sideOf(80),
  };
  const throughput = {
    sides,
    cost: {},
    bullmqConcurrency: 200,
    shapes: { single: { redisBytesPerMessage: 1, kinds: {} }, bulk: { redisBytesPerMessage: 1, kinds: {} } },
  };
  expect(ratiosOf({ throughput })).toMatchObject({
    pools1000vs16: 0.75,
    vsBullmq: 2.5,
    vsBullmqSingle: 1.25,
    vsRawPipe: null,
  });
});

test('a target is reached at its bound, and is not judged without a figure', () => {
  expect(judged('atLeast', 2, 'speed', 2).met).toBe(true);
  expect(judged('atLeast', 2, 'speed', 1.999).met).toBe(false);
  expect(judged('atMost', 10, 'wait', 10.1).met).toBe(false);
  expect(judged('atMost', 10, 'wait', null).met).toBeNull();
  expect(judged('atMost', 10, 'wait', Number.NaN)).toMatchObject({ value: null, met: null });
});

test('a report without any section has all keys, and its table says what was not measured', () => {
  const report = reportOf({
    results: {},
    environment: new EnvironmentNotes().environment(),
    checks: {},
    plan: planOf({ quick: true }),
    seconds: 1,
  });
  expect(Object.keys(report.ratios)).toEqual(
    expect.arrayContaining([
      'vsBullmq',
      'vsRawPipe',
      'pools1000vs16',
      'stored1MvsK',
      'scaleOut4',
      'p99VsBullmq',
    ]),
  );
  expect(Object.values(targetsOf({}, report.ratios)).every(({ met }) => met === null)).toBe(true);
  expect(tableOf(report)).toContain('not measured');
});

test('a side that did less, or more, than it was asked for ends the run', () => {
  const checks = new Checks();
  checks.expect('jobs', 10, 10);
  checks.expect('jobs', 5, 5);
  expect(checks.counted).toEqual({ jobs: 15 });
  expect(() => checks.expect('jobs', 10, 9)).toThrow(ShortOfWorkError);
  expect(() => checks.expect('jobs', 10, 11)).toThrow('jobs: 11 instead of 10');
});

test('CPU quotas are set where the controller is: in version 1 when it is mounted there', () => {
  const v1 = 'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0';
  const v2 = 'cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0';
  expect(hierarchyOf(`${v2}\n${v1}`)).toEqual({ version: 1, root: '/sys/fs/cgroup/cpu,cpuacct' });
  expect(hierarchyOf(v2)).toEqual({ version: 2, root: '/sys/fs/cgroup' });
  expect(hierarchyOf('proc /proc proc rw 0 0\ncgroup /c/set cgroup rw,cpuset 0 0')).toBeUndefined();
});
