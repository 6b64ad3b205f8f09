import { expect, test } from 'vitest';
import { parseOptions } from '../../verify/bench/options.ts';
import { planOf } from '../../verify/bench/plan.ts';

test('without arguments every section runs in full', () => {
  expect(parseOptions([])).toMatchObject({
    json: false,
    quick: false,
    only: ['throughput', 'latency', 'growth', 'scale-out', 'flood'],
  });
});

test('sections run in their own order, however they are named', () => {
  expect(parseOptions(['--only', 'growth, throughput'])).toMatchObject({ only: ['throughput', 'growth'] });
});

test.each([
  [['--onyl', 'growth'], /--onyl/],
  [['--only', 'grwth'], /there is no section "grwth"; did you mean growth\?/],
  [['--only', ''], /there is no section ""/],
  [['--rounds', '0'], /--rounds wants a whole number from 1 to 100/],
  [['--round-ms', 'long'], /--round-ms wants a whole number/],
  [['extra'], /extra/],
])('%j is refused by name', (args, fault) => {
  expect(() => parseOptions(args)).toThrow(fault);
});

test('quick measures less of the same, and what is said on the command line wins', () => {
  const [full, quick] = [planOf({ quick: false }), planOf({ quick: true })];
  expect(Object.keys(quick)).toEqual(Object.keys(full));
  expect(quick.finalTasks.many).toBeLessThan(full.finalTasks.many);
  expect(planOf({ quick: true, rounds: 7, roundMs: 20 })).toMatchObject({ rounds: 7, roundMs: 20 });
});
