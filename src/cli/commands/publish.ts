import type { Command } from 'commander';
import { ConvergeClient } from '../../client/core/client.ts';
import type { Published } from '../../client/core/decision-channel.ts';
import type { AnyDecisionInput } from '../../client/core/outcomes.ts';
import { EXIT } from '../../lib/program/exit.ts';
import type { Identity } from '../../protocol/identity.ts';
import { OPERATOR } from '../../protocol/names.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import { natsAccess } from '../../workers/config.ts';
import type { Call, Run } from '../call.ts';
import { batchOf, checkDraft, type Draft, draftOf, fieldsOf } from '../draft.ts';
import { timeoutOption } from '../durations.ts';
import { UsageError } from '../failure.ts';
import { readObject } from '../fields.ts';
import { nameOption, operatorOption } from '../global-options.ts';
import { callerOf, shardsFor, withNats } from '../nats-connection.ts';
import { exitCodeFor, outcomeText } from '../outcome-text.ts';
import { readItems, readText } from '../stdin.ts';

interface PublishOptions {
  readonly agent?: string;
  readonly id?: string;
  readonly wait: boolean;
  readonly timeout: number;
  readonly validate: boolean;
  readonly stdin?: true;
}

const EXAMPLES = `
Examples:
  converge publish team CreatePool
  converge publish team JoinPool --agent ada capabilities='["review"]'
  converge publish team SubmitTask taskId=t-1 objective='Read the draft' constraints.claimTtlMs=30000
  converge publish team ReportTask --agent ada '{"taskId": "t-1", "result": {"ok": true}}'
  converge publish team --stdin < decisions.ndjson
  converge publish team Batch atomic=true --stdin < decisions.ndjson

Without --id every call is a new decision; an agent that sends the same id again gets the first outcome again.`;

/** Decisions under way at once: they are sent one after the other, and their outcomes awaited behind. */
const AHEAD = 256;
const DEFAULT_TIMEOUT_MS = 30_000;

export function addPublish(program: Command, run: Run): void {
  program
    .command('publish')
    .description('publish a decision and print its outcome')
    .argument('<pool>', 'pool of the decision', nameOption)
    .argument('[type]', 'type of the decision, e.g. SubmitTask (converge schema lists all)')
    .argument('[fields...]', 'key=value …, or one JSON object, or - to read that from stdin')
    .option(
      '--agent <name>',
      'who decides (default: the agent of the credentials, or cli); _operator with the credentials of an operator',
      operatorOption,
    )
    .option('--id <id>', 'id of the decision (default: a new UUIDv7)', nameOption)
    .option('--no-wait', 'wait only until the log has it, not for the outcome')
    .addOption(timeoutOption('how long to wait', DEFAULT_TIMEOUT_MS))
    .option('--no-validate', 'send it without checking its form')
    .option('--stdin', 'read several decisions from stdin: JSON, one per line or as an array')
    .addHelpText('after', EXAMPLES)
    .action(
      (pool: string, type: string | undefined, words: string[], options: PublishOptions, command: Command) =>
        run(command, (call) => publish(call, pool, type, words, options)),
    );
}

async function publish(
  call: Call,
  pool: string,
  type: string | undefined,
  words: readonly string[],
  options: PublishOptions,
): Promise<number> {
  const config = call.config();
  const drafts = await readDrafts(call, type, words, options);
  const { credentials } = natsAccess(config);
  const caller = callerOf(config, options.agent);
  const agent = options.agent ?? caller?.name ?? 'cli';
  if (options.validate) for (const draft of drafts) checkDraft(draft, pool, agent);
  const self: Identity | undefined =
    caller ?? (agent === OPERATOR ? undefined : { role: 'agent', name: agent });
  return await withNats(
    config,
    async (connection) => {
      const client = await ConvergeClient.connect({
        connection,
        agent,
        credentials: credentials === undefined ? undefined : { ...credentials, identity: self },
        namespace: config.namespace,
        shards: await shardsFor(call, config, connection),
        timeoutMs: options.timeout,
      });
      try {
        return options.wait
          ? await decideAll(call, client, pool, drafts)
          : await storeAll(call, client, pool, drafts);
      } finally {
        await client.close();
      }
    },
    self,
  );
}

async function readDrafts(
  { stdin }: Call,
  type: string | undefined,
  words: readonly string[],
  options: PublishOptions,
): Promise<Draft[]> {
  const { id } = options;
  if (options.stdin === true) {
    if (type === 'Batch') return [batchOf(await readItems(stdin), words, id)];
    if (words.length > 0) throw new UsageError('with --stdin the fields come from stdin');
    const items = await readItems(stdin);
    if (items.length === 0) throw new UsageError('stdin: no decision');
    if (id !== undefined && items.length > 1)
      throw new UsageError('--id is for one decision, stdin has several');
    return items.map((item) => draftOf(item, { type, id }));
  }
  if (type === undefined) throw new UsageError('the type of the decision is missing (or pass --stdin)');
  const isFromStdin = words.length === 1 && words[0] === '-';
  const body = isFromStdin ? readObject(await readText(stdin)) : fieldsOf(type, words);
  return [draftOf({ where: type, body }, { type, id })];
}

/** In order: the next one is sent when the log has the one before. Outcomes are printed in that order, too. */
async function decideAll(
  { out }: Call,
  client: ConvergeClient,
  pool: string,
  drafts: readonly Draft[],
): Promise<number> {
  const outcomes: Outcome[] = [];
  const underWay: Promise<Outcome>[] = [];
  const printNext = async (): Promise<void> => {
    const outcome = await underWay.shift();
    if (outcome === undefined) return;
    outcomes.push(outcome);
    await out.data(outcome, () => outcomeText(outcome));
  };
  try {
    for (const { decision } of drafts) {
      const sent = await client.send(pool, asInput(decision));
      await sent.stored;
      underWay.push(sent.outcome);
      if (underWay.length >= AHEAD) await printNext();
    }
  } finally {
    // Those before one that could not be sent have their outcomes all the same.
    while (underWay.length > 0) await printNext();
  }
  return exitCodeFor(outcomes);
}

async function storeAll(
  { out }: Call,
  client: ConvergeClient,
  pool: string,
  drafts: readonly Draft[],
): Promise<number> {
  for (const { decision } of drafts) {
    const published = await client.publish(pool, asInput(decision));
    await out.data(published, () => publishedText(published));
  }
  return EXIT.ok;
}

function publishedText({ decisionId, seq }: Published): string {
  return `the log has decision ${decisionId} at position ${seq}`;
}

/** Checked against the schemas, or not to be checked at all. */
function asInput(decision: Draft['decision']): AnyDecisionInput {
  return decision as unknown as AnyDecisionInput;
}
