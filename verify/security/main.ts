/** `npm run security`: the only place of it that knows arguments and exit codes. */

import { CommandLine } from '../../src/lib/program/command-line.ts';
import { EXIT } from '../../src/lib/program/exit.ts';
import { runProgram } from '../../src/lib/program/run-program.ts';
import { type AttackCase, runAttacks, runFloods } from './attacks/index.ts';
import { FLOODED_SETTINGS } from './attacks/memory.ts';
import { type Case, runMatrix } from './matrix.ts';
import { type PrivateCase, runPrivate } from './private/index.ts';
import { SecuritySystem } from './system.ts';
import { tableOf } from './table.ts';

const USAGE = `usage: npm run security -- [--json]

Starts servers with the configuration that converge auth makes, tries everything as every role, and says what was not
as expected. Exits with 1 when anything was not.
`;

process.exitCode = await runProgram(
  { name: 'security', usage: USAGE, parse: parseOptions, run: attack, exitUsage: EXIT.usage },
  process.argv.slice(2),
);

function parseOptions(args: readonly string[]): { readonly json: boolean } | 'help' {
  const line = new CommandLine(args, { flags: ['json'], values: [] });
  return line.asksForHelp ? 'help' : { json: line.has('json') };
}

async function attack({ json }: { readonly json: boolean }): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const cases = [...(await everything(say)), ...(await floods(say))];
  const wrong = cases.filter(({ expected, found }) => expected !== found);
  const result = { cases: cases.length, asExpected: cases.length - wrong.length, wrong };
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : tableOf(cases));
  return wrong.length === 0 ? EXIT.ok : EXIT.failure;
}

async function everything(
  say: (line: string) => void,
): Promise<readonly (Case | AttackCase | PrivateCase)[]> {
  await using system = await SecuritySystem.start(process.env, say);
  return [...(await runAttacks(system)), ...(await runPrivate(system)), ...(await runMatrix(system))];
}

async function floods(say: (line: string) => void): Promise<readonly AttackCase[]> {
  await using system = await SecuritySystem.start(process.env, say, { settings: FLOODED_SETTINGS });
  return await runFloods(system);
}
