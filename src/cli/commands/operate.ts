/** Commands for operators, one word each: pausing a pool, banning an agent. `publish` sends their other decisions. */

import type { Command } from 'commander';
import type { NatsConnection } from 'nats';
import { ConvergeClient } from '../../client/core/client.ts';
import { PoolManager } from '../../client/managers/pool-manager.ts';
import { EXIT } from '../../lib/program/exit.ts';
import { defined } from '../../protocol/defined.ts';
import { OPERATOR } from '../../protocol/names.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import { natsAccess } from '../../workers/config.ts';
import type { Call, Run } from '../call.ts';
import { timeoutOption } from '../durations.ts';
import { nameOption, operatorOption } from '../global-options.ts';
import { callerOf, shardsFor, withNats } from '../nats-connection.ts';
import { exitCodeFor, outcomeText } from '../outcome-text.ts';

interface OperatorOptions {
  readonly as?: string;
  readonly timeout: number;
  readonly reason?: string;
  readonly pool?: string;
  readonly cancelWork?: true;
}

const DEFAULT_TIMEOUT_MS = 30_000;

export function addPause(program: Command, run: Run): void {
  operatorCommand(program, 'pause', 'pause a pool: nothing new is submitted, opened or claimed')
    .argument('<pool>', 'the pool', nameOption)
    .option('--reason <text>', 'the reason; everyone can read it')
    .action((pool: string, options: OperatorOptions, command: Command) =>
      run(command, (call) =>
        operate(call, options, async (pools) =>
          tell(call, await pools.pausePool(pool, withReason(options.reason))),
        ),
      ),
    );
}

export function addResume(program: Command, run: Run): void {
  operatorCommand(program, 'resume', 'resume a paused pool')
    .argument('<pool>', 'the pool', nameOption)
    .action((pool: string, options: OperatorOptions, command: Command) =>
      run(command, (call) =>
        operate(call, options, async (pools) => tell(call, await pools.resumePool(pool))),
      ),
    );
}

export function addBan(program: Command, run: Run): void {
  operatorCommand(
    program,
    'ban',
    'ban an agent: its decisions are rejected, its claims go back, its memberships end',
  )
    .argument('<agent>', 'the agent', nameOption)
    .option('--pool <name>', 'from this pool only (default: from the whole system)', nameOption)
    .option('--reason <text>', 'the reason; everyone can read it')
    .option('--cancel-work', 'cancel its unfinished work: tasks, auctions, votes, sessions, delegations')
    .action((agent: string, options: OperatorOptions, command: Command) =>
      run(command, (call) => operate(call, options, (pools) => ban(call, pools, agent, options))),
    );
}

export function addUnban(program: Command, run: Run): void {
  operatorCommand(program, 'unban', 'lift the ban of an agent')
    .argument('<agent>', 'the agent', nameOption)
    .option('--pool <name>', 'in this pool only (default: in the whole system)', nameOption)
    .action((agent: string, options: OperatorOptions, command: Command) =>
      run(command, (call) => operate(call, options, (pools) => unban(call, pools, agent, options))),
    );
}

function operatorCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option(
      '--as <name>',
      "who decides: the pool's owner or operator (default: the agent of the credentials, or an operator of the system)",
      operatorOption,
    )
    .addOption(timeoutOption('how long to wait', DEFAULT_TIMEOUT_MS));
}

async function ban(
  call: Call,
  pools: PoolManager,
  agent: string,
  { pool, reason, cancelWork }: OperatorOptions,
): Promise<number> {
  const options = { ...withReason(reason), ...(cancelWork === true ? { cancelWork } : {}) };
  if (pool !== undefined) return tell(call, await pools.banAgent(pool, agent, options));
  const ended = await pools.banEverywhere(agent, options);
  const { released, pools: left } = ended;
  await call.out.data(
    { agent, banned: true, ...ended },
    () => `${agent} is banned; ${released} claims went back to pending in ${left} pools`,
  );
  return EXIT.ok;
}

async function unban(
  call: Call,
  pools: PoolManager,
  agent: string,
  { pool }: OperatorOptions,
): Promise<number> {
  if (pool !== undefined) return tell(call, await pools.unbanAgent(pool, agent));
  await pools.unbanEverywhere(agent);
  await call.out.data({ agent, banned: false }, () => `${agent} is no longer banned from the system`);
  return EXIT.ok;
}

async function operate(
  call: Call,
  { as, timeout: timeoutMs }: OperatorOptions,
  decide: (pools: PoolManager) => Promise<number>,
): Promise<number> {
  const config = call.config();
  const caller = callerOf(config, as === OPERATOR ? undefined : as);
  const agent = as ?? (caller?.role === 'agent' ? caller.name : OPERATOR);
  const work = async (connection: NatsConnection): Promise<number> => {
    const { credentials } = natsAccess(config);
    const client = await ConvergeClient.connect({
      connection,
      agent,
      credentials: credentials === undefined ? undefined : { ...credentials, identity: caller },
      namespace: config.namespace,
      shards: await shardsFor(call, config, connection),
      timeoutMs,
    });
    try {
      return await decide(new PoolManager(client));
    } finally {
      await client.close();
    }
  };
  return await withNats(config, work, caller);
}

async function tell({ out }: Call, outcome: Outcome): Promise<number> {
  await out.data(outcome, () => outcomeText(outcome));
  return exitCodeFor([outcome]);
}

function withReason(reason: string | undefined): { readonly reason?: string } {
  return defined({ reason });
}
