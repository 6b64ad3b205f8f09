import { Argument, type Command, InvalidArgumentError } from 'commander';
import type { NatsConnection } from 'nats';
import { EXIT } from '../../lib/program/exit.ts';
import type { Call, Run } from '../call.ts';
import { parseDurationMs } from '../durations.ts';
import { UsageError } from '../failure.ts';
import { countOption, nameOption } from '../global-options.ts';
import { Interruption } from '../interruption.ts';
import { askerFor, callerOf, layoutOf, withNats } from '../nats-connection.ts';
import { deadLetterSource } from '../tail/dead-letters.ts';
import { eventSource } from '../tail/events.ts';
import { resultSource } from '../tail/results.ts';
import type { Since, Source, SourceOptions } from '../tail/source.ts';
import { sweepSource } from '../tail/sweeps.ts';

interface TailOptions {
  readonly pool?: string;
  readonly agent?: string;
  readonly since: Since;
  readonly count?: number;
}

interface Stream {
  readonly open: (options: SourceOptions) => Promise<Source>;
  /** Told once and not kept: there is only what comes from now on. */
  readonly isKept: boolean;
}

const STREAMS: Readonly<Record<string, Stream>> = {
  events: { open: eventSource, isKept: true },
  results: { open: resultSource, isKept: false },
  sweeps: { open: sweepSource, isKept: false },
  deadletters: { open: deadLetterSource, isKept: true },
};

export function addTail(program: Command, run: Run): void {
  program
    .command('tail')
    .description('follow events, outcomes, sweeps or dead letters until interrupted')
    .addArgument(new Argument('<what>', 'what to follow').choices(Object.keys(STREAMS)))
    .option('--pool <pool>', 'only this pool', nameOption)
    .option('--agent <agent>', 'only decisions of this agent', nameOption)
    .option(
      '--since <when>',
      'new, all, a time, or a duration ago (10m); for events and deadletters',
      sinceOption,
      'new',
    )
    .option('--count <number>', 'stop after this many', countOption)
    .action((what: string, options: TailOptions, command: Command) =>
      run(command, (call) => tail(call, what, options)),
    );
}

async function tail(call: Call, what: string, options: TailOptions): Promise<number> {
  const stream = STREAMS[what];
  if (stream === undefined) throw new UsageError(`cannot follow ${what}: there is no such stream`);
  if (!stream.isKept && options.since !== 'new')
    throw new UsageError(`${what} are not stored: use --since new`);
  const config = call.config();
  const interruption = new Interruption();
  const watch = call.out.watchReader();
  try {
    const read = async (connection: NatsConnection): Promise<number> => {
      const asker = askerFor(config);
      if (asker === undefined) await layoutOf(connection, config);
      const { pool, agent, since } = options;
      const source = await stream.open({
        connection,
        namespace: config.namespace,
        asker,
        pool,
        agent,
        since,
      });
      const ending = AbortSignal.any([interruption.signal, call.out.unread]);
      ending.addEventListener('abort', () => source.close(), { once: true });
      if (ending.aborted) source.close();
      call.out.say(`following ${what}; Ctrl-C ends it`);
      await follow(call, source, options.count ?? Number.POSITIVE_INFINITY);
      return EXIT.ok;
    };
    return await withNats(config, read, callerOf(config));
  } finally {
    watch.cancel();
    interruption[Symbol.dispose]();
  }
}

async function follow({ out }: Call, source: Source, most: number): Promise<void> {
  let told = 0;
  try {
    for await (const { value, line } of source.entries()) {
      await out.data(value, () => line);
      told++;
      if (told >= most || out.unread.aborted) break;
    }
  } finally {
    source.close();
  }
}

/** The last moment that has a year of four digits: no server, and no reader, knows what to do with later ones. */
const LATEST = Date.UTC(9999, 11, 31);

/** Before the beginning of all times of computers is nothing: so long ago is everything. */
function sinceOption(text: string): Since {
  if (text === 'new' || text === 'all') return text;
  const ago = parseDurationMs(text);
  const at = ago === undefined ? Date.parse(text) : Date.now() - ago;
  if (Number.isNaN(at) || at > LATEST)
    throw new InvalidArgumentError(
      'new, all, a time like 2026-01-31T12:00:00Z, or a duration ago, like 10m.',
    );
  return at <= 0 ? 'all' : { at };
}
