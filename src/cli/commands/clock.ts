/** Commands for operators after a clock was wrong: stamps of the log do not count, or they do. */
import { jetstream } from '@nats-io/jetstream';
import { type Command, InvalidArgumentError } from 'commander';
import { type NatsConnection, nuid } from 'nats';
import { ConfigurationError } from '../../lib/errors.ts';
import { EXIT } from '../../lib/program/exit.ts';
import { sleep } from '../../lib/timers.ts';
import { subjects as subjectsOf } from '../../protocol/subjects.ts';
import type { Redis } from '../../state/redis.ts';
import type { Call, Run } from '../call.ts';
import type { ShardRange } from '../clock/find-ranges.ts';
import { formatDuration, timeoutOption } from '../durations.ts';
import { callerOf, layoutOf, openJetStream, withNats } from '../nats-connection.ts';
import { aligned } from '../text.ts';

interface DistrustOptions {
  readonly whole?: true;
  readonly applied?: true;
  readonly dryRun?: true;
  readonly timeout: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const LOOK_MS = 200;
/** A server whose clock is further ahead is not right yet: what is said now would be stamped as wrong. */
const RIGHT_WITHIN_MS = 5_000;

export function addClock(program: Command, run: Run): void {
  const clock = program
    .command('clock')
    .description('repair the system after a clock was wrong; docs/operations.md says when');
  clock
    .command('distrust')
    .description('find messages stamped ahead of the true time, and declare that their stamps do not count')
    .option('--whole', 'search the whole log, not only the messages that are not applied yet')
    .option(
      '--applied',
      'also declare messages that a shard has applied: it halts until converge rebuild --force',
    )
    .option('--dry-run', 'show what was found, and change nothing')
    .addOption(timeoutOption('how long to wait for the shards to continue', DEFAULT_TIMEOUT_MS))
    .action((options: DistrustOptions, command: Command) => run(command, (call) => distrust(call, options)));
  clock
    .command('accept')
    .description('let shards apply stamps up to a time, however far ahead; everything due by then expires')
    .requiredOption('--until <time>', 'ISO 8601, or off', timeOption)
    .action(({ until }: { until: number }, command: Command) => run(command, (call) => accept(call, until)));
}

function timeOption(text: string): number {
  if (text === 'off') return 0;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new InvalidArgumentError('A time like 2027-03-01T12:00:00Z, or off.');
  return at;
}

async function accept(call: Call, until: number): Promise<number> {
  const config = call.config();
  const { withRedis } = await import('../redis-connection.ts');
  const { systemKeys } = await import('../../state/keys.ts');
  const { clockAccepted } = systemKeys(config.namespace);
  return await withRedis(config, async (redis) => {
    if (until === 0) await redis.del(clockAccepted);
    else await redis.set(clockAccepted, String(until));
    const time = until === 0 ? undefined : new Date(until).toISOString();
    await call.out.data({ until: time }, () =>
      time === undefined
        ? 'stamps ahead of the true time are not accepted'
        : `stamps up to ${time} are accepted`,
    );
    return EXIT.ok;
  });
}

async function distrust(call: Call, options: DistrustOptions): Promise<number> {
  const config = call.config();
  const { withRedis } = await import('../redis-connection.ts');
  const work = (connection: NatsConnection): Promise<number> =>
    withRedis(config, (redis) => distrustOn(call, options, connection, redis));
  return await withNats(config, work, callerOf(config));
}

async function distrustOn(
  call: Call,
  options: DistrustOptions,
  connection: NatsConnection,
  redis: Redis,
): Promise<number> {
  const config = call.config();
  const { serverTime } = await import('../../bus/log-scan.ts');
  const { trueTimeNow } = await import('../clock/true-time.ts');
  const { findRanges } = await import('../clock/find-ranges.ts');
  const { shardKeys } = await import('../../state/keys.ts');
  const { shards, logs } = await layoutOf(connection, config);
  const jsm = await openJetStream(connection);
  const subjects = subjectsOf(config.namespace, logs.length);
  const now = await trueTimeNow(redis, config.redisUrl, config.namespace);
  const aheadMs = (await serverTime(jsm, subjects.streams.decisions)) - now;
  if (aheadMs > RIGHT_WITHIN_MS) {
    const ahead = formatDuration(aheadMs);
    throw new ConfigurationError(
      `the clock of NATS is ${ahead} ahead: correct it first, then run this again`,
    );
  }
  const positionOf = async (shard: number): Promise<number> =>
    Number((await redis.hget(shardKeys(config.namespace, shard).meta, 'seq')) ?? 0);
  const positions = await Promise.all(Array.from({ length: shards }, (_, shard) => positionOf(shard)));
  const whole = options.whole === true;
  const ranges = await findRanges({ connection, jsm, subjects, positions, whole, now });
  for (const range of ranges) call.out.say(textOf(range));
  const applied = ranges.filter(({ isApplied }) => isApplied);
  if (applied.length > 0 && options.applied !== true && options.dryRun !== true) {
    throw new ConfigurationError(
      `${applied.length} shards have already applied them: pass --applied to declare them anyway; those shards halt, then stop all workers and run converge rebuild --force`,
    );
  }
  const said: { readonly shard: number; readonly seq: number; readonly isApplied: boolean }[] = [];
  if (options.dryRun !== true) {
    const publisher = jetstream(connection);
    for (const { shard, from, to, isApplied } of ranges) {
      const body = JSON.stringify({ id: `clock-${nuid.next()}`, type: 'Clock', from, to });
      const { seq } = await publisher.publish(subjects.clocks(shard), body);
      said.push({ shard, seq, isApplied });
    }
  }
  const end = performance.now() + options.timeout;
  const waiting = new Map(said.flatMap(({ shard, seq, isApplied }) => (isApplied ? [] : [[shard, seq]])));
  while (waiting.size > 0 && performance.now() < end) {
    await sleep(LOOK_MS);
    for (const [shard, seq] of waiting) if ((await positionOf(shard)) >= seq) waiting.delete(shard);
  }
  await call.out.data({ ranges, said, waiting: [...waiting.keys()] }, () =>
    summary(ranges, said.length, waiting.size, whole),
  );
  return waiting.size === 0 ? EXIT.ok : EXIT.failure;
}

function textOf({ shard, from, to, aheadMs, isApplied }: ShardRange): string {
  const state = isApplied ? ', already applied' : '';
  return aligned([
    [`shard ${shard}`, `messages ${from} to ${to}`, `${formatDuration(aheadMs)} ahead${state}`],
  ]);
}

function summary(ranges: readonly ShardRange[], said: number, waiting: number, whole: boolean): string {
  if (ranges.length === 0) {
    const elsewhere = whole ? '' : '; --whole also searches applied messages';
    return `no message is stamped ahead of the true time${elsewhere}`;
  }
  if (said === 0) return `${ranges.length} shards have stamps ahead of the true time; nothing was changed`;
  if (waiting > 0)
    return `declared to ${said} shards; ${waiting} of them do not continue yet: is a worker running?`;
  return `declared to ${said} shards: these stamps do not count`;
}
