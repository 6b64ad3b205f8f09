/** `npm run security`: the only place of it that knows arguments and exit codes. */
import { EXIT, messageOf } from '../src/errors.ts';
import { type AttackCase, runAttacks } from './attacks.ts';
import { type Case, runMatrix } from './matrix.ts';
import { SecuritySystem } from './system.ts';
import { tableOf } from './table.ts';

const USAGE = `usage: npm run security -- [--json]

Starts servers with the configuration that converge auth makes, tries everything as every role, and says what was not
as expected. Exits with 1 when anything was not.
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(USAGE);
    return EXIT.ok;
  }
  const unknown = args.find((arg) => arg !== '--json');
  if (unknown !== undefined) {
    process.stderr.write(`security: there is no option ${unknown}\n\n${USAGE}`);
    return EXIT.usage;
  }
  try {
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    await using system = await SecuritySystem.start(process.env, say);
    const cases: readonly (Case | AttackCase)[] = [
      ...(await runAttacks(system)),
      ...(await runMatrix(system)),
    ];
    const wrong = cases.filter(({ expected, found }) => expected !== found);
    const result = { cases: cases.length, asExpected: cases.length - wrong.length, wrong };
    process.stdout.write(args.includes('--json') ? `${JSON.stringify(result)}\n` : tableOf(cases));
    return wrong.length === 0 ? EXIT.ok : EXIT.failure;
  } catch (error) {
    process.stderr.write(`security: ${messageOf(error)}\n`);
    return EXIT.failure;
  }
}
