import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openLoop } from '../../verify/bench/support/open-loop.ts';

test('every request is measured from when it was due, also those that a stalled sender sent late', async () => {
  const stalledMs = 200;
  let stalled = false;
  const report = await openLoop({ perS: 100, requests: 20 }, (_i, answered) => {
    if (!stalled) {
      stalled = true;
      const until = performance.now() + stalledMs;
      while (performance.now() < until);
    }
    answered(performance.now());
  });
  expect(report.answered).toBe(20);
  // All twenty were due within the stall or right after it: half of them must show at least a third of it.
  expect(report.p50).toBeGreaterThan(stalledMs / 3);
});

test('a rate that answers cannot follow is reported as not kept', async () => {
  let last = Promise.resolve();
  const report = await openLoop({ perS: 1_000, requests: 50 }, (_i, answered) => {
    last = last.then(() => delay(20)).then(() => answered(performance.now()));
  });
  expect(report).toMatchObject({ answered: 50, kept: false });
});
