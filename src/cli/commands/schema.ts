import type { Command } from 'commander';
import { didYouMean } from '../../lib/did-you-mean.ts';
import { EXIT } from '../../lib/program/exit.ts';
import { jsonSchemas } from '../../protocol/json-schemas.ts';
import type { Call, Run } from '../call.ts';
import { UsageError } from '../failure.ts';

export function addSchema(program: Command, run: Run): void {
  program
    .command('schema')
    .description('print the JSON Schemas of decisions, queries, outcomes and events')
    .argument('[name]', 'only this one, e.g. decision.SubmitTask')
    .action((name: string | undefined, _options: object, command: Command) =>
      run(command, (call) => printSchema(call, name)),
    );
}

async function printSchema({ out }: Call, name: string | undefined): Promise<number> {
  const schemas = jsonSchemas();
  const wanted = name === undefined ? schemas : Object.hasOwn(schemas, name) ? schemas[name] : undefined;
  if (wanted === undefined)
    throw new UsageError(`there is no schema ${name}${didYouMean(name ?? '', Object.keys(schemas))}`);
  await out.data(wanted, () => JSON.stringify(wanted, undefined, 2));
  return EXIT.ok;
}
