import { Argument, type Command } from 'commander';
import type { NatsConnection } from 'nats';
import { QueryClient } from '../../bus/query-client.ts';
import { didYouMean } from '../../lib/did-you-mean.ts';
import { EXIT } from '../../lib/program/exit.ts';
import { faultOf } from '../../protocol/decode.ts';
import { isQueryName, QUERIES, type QueryInput, type QueryName } from '../../protocol/queries.ts';
import { subjects } from '../../protocol/subjects.ts';
import { answerText } from '../answer-text.ts';
import type { Call, Run } from '../call.ts';
import { timeoutOption } from '../durations.ts';
import { UsageError } from '../failure.ts';
import { fieldHint } from '../field-hint.ts';
import { readFields } from '../fields.ts';
import { askerFor, callerOf, withNats } from '../nats-connection.ts';

interface QueryOptions {
  readonly timeout: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;

const EXAMPLES = `
Examples:
  converge query stats
  converge query task pool=team taskId=t-1
  converge query tasks pool=team state=pending limit=10
  converge query outcome '{"pool": "work", "agent": "ada", "decisionId": "d-1"}'`;

export function addQuery(program: Command, run: Run): void {
  program
    .command('query')
    .description('read the state of the system')
    .addArgument(new Argument('<name>', `one of ${Object.keys(QUERIES).join(', ')}`))
    .argument('[fields...]', 'key=value …, or one JSON object')
    .addOption(timeoutOption('how long to wait for a reply', DEFAULT_TIMEOUT_MS))
    .addHelpText('after', EXAMPLES)
    .action((name: string, words: string[], options: QueryOptions, command: Command) =>
      run(command, (call) => query(call, name, words, options)),
    );
}

async function query(
  call: Call,
  name: string,
  words: readonly string[],
  { timeout: timeoutMs }: QueryOptions,
): Promise<number> {
  if (!isQueryName(name)) {
    const names = Object.keys(QUERIES);
    throw new UsageError(
      `there is no query ${name}${didYouMean(name, names) || `; there are ${names.join(', ')}`}`,
    );
  }
  const config = call.config();
  const input = inputOf(name, words);
  const ask = async (connection: NatsConnection): Promise<number> => {
    const queries = new QueryClient({
      connection,
      subjects: subjects(config.namespace),
      asker: askerFor(config),
      timeoutMs,
    });
    const answer = await queries.ask(name, input);
    await call.out.data(answer, () => answerText(name, answer));
    return EXIT.ok;
  };
  return await withNats(config, ask, callerOf(config));
}

function inputOf<N extends QueryName>(name: N, words: readonly string[]): QueryInput<N> {
  const body = readFields(words, QUERIES[name]);
  const parsed = QUERIES[name].safeParse(body);
  if (!parsed.success) {
    const hint = fieldHint(QUERIES[name], body);
    throw new UsageError(`query ${name}: ${faultOf(parsed.error, '')}${hint}`);
  }
  // Just judged by the schema of this name.
  return body as QueryInput<N>;
}
