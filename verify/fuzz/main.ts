/** `npm run fuzz`: the only place of the fuzzer that knows arguments, streams and exit codes. */
import { EXIT } from '../../src/lib/program/exit.ts';
import { runProgram } from '../../src/lib/program/run-program.ts';
import { Stopwatch } from '../../src/lib/program/stopwatch.ts';
import { tryGuarded } from './guarded.ts';
import { type FuzzOptions, parseOptions, USAGE } from './options.ts';
import { planOf } from './plan.ts';
import type { Failure } from './try-inputs.ts';

process.exitCode = await runProgram(
  { name: 'fuzz', usage: USAGE, parse: parseOptions, run: fuzz },
  process.argv.slice(2),
);

async function fuzz({ inputs, seed, json, target, from }: FuzzOptions): Promise<number> {
  const watch = new Stopwatch();
  process.stderr.write(`fuzz: ${inputs} inputs of seed ${seed}\n`);
  const parts = target === undefined ? planOf(inputs) : [{ target, from, count: inputs }];
  const { failures, targets } = await tryGuarded(parts, seed);
  const seconds = watch.seconds();
  const tried = Object.values(targets).reduce((sum, count) => sum + count, 0);
  for (const failure of failures) process.stderr.write(`${textOf(failure, seed)}\n`);
  const report = { inputs: tried, targets, seconds, seed, failures };
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : tableOf(report));
  return failures.length === 0 && tried === inputs ? EXIT.ok : EXIT.failure;
}

function textOf({ target, n, what, hex, bytes }: Failure, seed: number): string {
  const again = `npm run fuzz -- --seed ${seed} --target ${target} --from ${n} --inputs 1`;
  return `${target} ${n}: ${what}\n  ${bytes} bytes: ${hex}\n  again: ${again}`;
}

interface Report {
  readonly inputs: number;
  readonly targets: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly failures: readonly Failure[];
}

function tableOf({ inputs, targets, seconds, failures }: Report): string {
  const rows = Object.entries(targets).map(
    ([name, count]) => `${name.padEnd(10)}${String(count).padStart(10)}`,
  );
  return `${rows.join('\n')}\n${inputs} inputs in ${seconds} s, ${failures.length} failures\n`;
}
