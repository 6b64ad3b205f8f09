import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UnavailableError } from '../../lib/errors.ts';
import { EXIT } from '../../lib/program/exit.ts';
import { decideMapping } from '../../protocol/subjects.ts';
import { temporaryDataDir } from '../../servers/data-dir.ts';
import type { Servers, ServersOptions } from '../../servers/index.ts';
import type { Config, ConfigInput } from '../../workers/config.ts';
import type { RunningWorker } from '../../workers/process/worker.ts';
import type { Call, Run } from '../call.ts';
import {
  type DevAuth,
  openDevAuth,
  refuseForgottenAuth,
  reloadOnChange,
  serversWithAuth,
  workerAccess,
} from '../dev-auth.ts';
import { devRoom, promisableBytes } from '../dev-room.ts';
import { namedInUse, portOfLastTime, readSession, writeSession } from '../dev-session.ts';
import { type DevSystem, devSummary, devText } from '../dev-summary.ts';
import { formatBytes } from '../durations.ts';
import { UsageError } from '../failure.ts';
import { setting } from '../global-options.ts';
import { Interruption } from '../interruption.ts';
import { endOnFault, untilEnded, untilReady } from '../running-workers.ts';

interface DevOptions {
  readonly ephemeral?: true;
  readonly auth?: true;
  readonly dataDir?: string;
  readonly workers: number;
  readonly natsPort?: number;
  readonly redisPort?: number;
  readonly install?: true;
  readonly logLevel?: ConfigInput['logLevel'];
}

const DEFAULT_DATA_DIR = '.converge';
const DEFAULT_AUTH_DATA_DIR = '.converge-auth';
const MAX_WORKERS = 64;

export function addDev(program: Command, run: Run): void {
  program
    .command('dev')
    .description('start NATS, Redis and a worker on this machine, until Ctrl-C')
    .addOption(new Option('--ephemeral', 'keep the data in a temporary folder and remove it at the end'))
    .addOption(
      new Option('--data-dir <dir>', `where to keep the data (${DEFAULT_DATA_DIR})`).conflicts('ephemeral'),
    )
    .addOption(new Option('--auth', `servers with identities; the data is kept in ${DEFAULT_AUTH_DATA_DIR}`))
    .addOption(
      new Option('--workers <number>', 'number of workers in this process')
        .default(1)
        .argParser(workersOption),
    )
    .addOption(
      new Option('--nats-port <port>', 'default: the one of the last run, or a free one').argParser(
        portOption,
      ),
    )
    .addOption(
      new Option('--redis-port <port>', 'default: the one of the last run, or a free one').argParser(
        portOption,
      ),
    )
    .option('--install', 'install servers that are missing (Debian, Ubuntu; or CONVERGE_INSTALL=1)')
    .addOption(setting('--log-level <level>', 'log level of the workers, on stderr (warn)', 'logLevel'))
    .addHelpText(
      'after',
      '\nServers whose URLs are given (--nats, --redis, or the variables) are used instead of new ones.',
    )
    .action((options: DevOptions, command: Command) => run(command, (call) => dev(call, options)));
}

/** One `converge dev`, from its start to its end. */
interface Session {
  readonly call: Call;
  readonly options: DevOptions;
  readonly config: Config;
  readonly dataDir: string;
  readonly isEphemeral: boolean;
  readonly interruption: Interruption;
}

async function dev(call: Call, options: DevOptions): Promise<number> {
  refusePortOfGiven('--nats-port', options.natsPort, call.serverEnv.CONVERGE_NATS_URL);
  refusePortOfGiven('--redis-port', options.redisPort, call.serverEnv.CONVERGE_REDIS_URL);
  if (options.auth === true) refuseGivenServers(call.serverEnv);
  const config = call.config(options.logLevel === undefined ? {} : { logLevel: options.logLevel });
  const isEphemeral = options.ephemeral === true;
  const dataDir = isEphemeral
    ? await temporaryDataDir('converge-dev')
    : resolve(
        call.cwd,
        options.dataDir ?? (options.auth === true ? DEFAULT_AUTH_DATA_DIR : DEFAULT_DATA_DIR),
      );
  const interruption = new Interruption(() => {
    call.out.say('stopped at once');
    if (isEphemeral) removeAtExit(dataDir);
  });
  try {
    await serve({ call, options, config, dataDir, isEphemeral, interruption });
    return EXIT.ok;
  } finally {
    if (isEphemeral) await rm(dataDir, { recursive: true, force: true });
    interruption[Symbol.dispose]();
  }
}

/** For an end at once: the servers are killed on the way out of the process, and what they kept goes after them. */
function removeAtExit(dataDir: string): void {
  process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }));
}

async function serve(session: Session): Promise<void> {
  const { call, options, config, dataDir, isEphemeral, interruption } = session;
  const { startServers } = await import('../../servers/index.ts');
  const auth = await authOf(session);
  const before = isEphemeral ? undefined : await readSession(dataDir);
  const servers = await startServers({
    dataDir,
    env: call.serverEnv,
    mayInstall: options.install === true || call.env.CONVERGE_INSTALL === '1',
    log: (line) => call.out.say(line),
    // With identities each account has the mapping of its own.
    natsConfig: auth === undefined ? decideMapping(config.namespace, config.shards) : undefined,
    nats: {
      ...auth?.servers.nats,
      port: options.natsPort ?? (await portOfLastTime(before?.nats)),
      maxStoreBytes: promisableBytes(config),
    },
    redis: { ...auth?.servers.redis, port: options.redisPort ?? (await portOfLastTime(before?.redis)) },
  }).catch((error) => {
    throw namedInUse(error, dataDir, before);
  });
  const workers: RunningWorker[] = [];
  const unwatch =
    auth === undefined ? undefined : reloadOnChange(auth.opened, servers.nats, (line) => call.out.say(line));
  try {
    if (!isEphemeral) await writeSession(dataDir, servers);
    if (servers.nats.source === 'url') sayMapping(call, config);
    await startWorkers(session, servers, auth?.opened, workers);
    const reasons = await untilReady(workers, interruption.signal);
    for (const reason of reasons) call.out.say(`not ready: ${reason}`);
    if (!interruption.signal.aborted) {
      const system: DevSystem = { servers, workers, config, auth: auth?.opened, dataDir, isEphemeral };
      await call.out.data(devSummary(system), () => devText(system));
    }
    await Promise.race([untilEnded(workers, interruption), untilServerEnded(servers, interruption)]);
    call.out.say('stopping; press Ctrl-C again to stop at once');
  } finally {
    unwatch?.();
    await stopAll(workers, servers);
  }
  call.out.say('stopped');
}

/** Workers would wait for a server that ended, and nobody starts it again: the whole ends instead, and says why. */
async function untilServerEnded({ nats, redis }: Servers, { requested }: Interruption): Promise<void> {
  const ended = [nats, redis].map(async ({ product, ended: life }) => `${product} ${await life}`);
  const how = await Promise.race([...ended, requested.then(() => undefined)]);
  if (how !== undefined) throw new UnavailableError(`${how}: converge dev stops`);
}

/** The identities of the system, with what the servers have to be told of them; undefined without --auth. */
async function authOf({
  options,
  config,
  dataDir,
}: Session): Promise<
  { readonly opened: DevAuth; readonly servers: Pick<ServersOptions, 'nats' | 'redis'> } | undefined
> {
  if (options.auth !== true) {
    await refuseForgottenAuth(dataDir);
    return undefined;
  }
  const opened = await openDevAuth(dataDir, config);
  return { opened, servers: await serversWithAuth(opened) };
}

async function startWorkers(
  session: Session,
  servers: Servers,
  auth: DevAuth | undefined,
  started: RunningWorker[],
): Promise<void> {
  const { call, options, config, dataDir, isEphemeral, interruption } = session;
  const { startWorker } = await import('../../workers/process/worker.ts');
  const isLevelGiven = options.logLevel !== undefined || call.isLogLevelGiven;
  const logger = await call.logger(isLevelGiven ? config.logLevel : 'warn');
  endOnFault(logger, () => {
    if (isEphemeral) removeAtExit(dataDir);
  });
  const room = await roomFor(session, configOf(0, config, servers, auth), servers);
  for (let i = 0; i < options.workers && !interruption.signal.aborted; i++) {
    started.push(await startWorker({ ...configOf(i, config, servers, auth), ...room }, { logger }));
  }
}

/** On a server that is started here the streams take what is free; someone else's has been given what it has. */
async function roomFor(
  { call, dataDir }: Session,
  config: Config,
  { nats }: Servers,
): Promise<Partial<Config>> {
  if (nats.source === 'url') return {};
  const { room, isLess } = await devRoom(config, call.env, dataDir);
  if (isLess) {
    call.out.say(
      `this disk has little free space: the log holds at most ${formatBytes(room.logMaxBytes)}, the events ${formatBytes(room.eventsMaxBytes)}, ` +
        `the snapshots ${formatBytes(room.snapshotsMaxBytes)} (set CONVERGE_LOG_MAX_BYTES and the like to change that)`,
    );
  }
  return room;
}

/** A name and a port can be one worker's only: the first one has them. */
function configOf(
  index: number,
  config: Config,
  { nats, redis }: Servers,
  auth: DevAuth | undefined,
): Config {
  const { workerId, httpPort } = config;
  return {
    ...config,
    natsUrl: nats.url,
    redisUrl: redis.url,
    ...(auth === undefined ? {} : workerAccess(auth, redis.url)),
    ...(workerId === undefined || index === 0 ? {} : { workerId: `${workerId}-${index}` }),
    httpPort: index === 0 ? httpPort : Math.min(httpPort, 0),
  };
}

/** Workers first: they finish what is under way while the servers are still there. */
async function stopAll(workers: readonly RunningWorker[], servers: Servers): Promise<void> {
  try {
    await Promise.all(workers.map((worker) => worker.stop()));
  } finally {
    await servers.stop();
  }
}

function refusePortOfGiven(option: string, port: number | undefined, url: string | undefined): void {
  if (port === undefined || url === undefined || url === '') return;
  throw new UsageError(
    `${option} applies to a server that is started here, but the URL of a running one is given`,
  );
}

/** Someone else's servers have a configuration of their own. */
function refuseGivenServers({ CONVERGE_NATS_URL, CONVERGE_REDIS_URL }: NodeJS.ProcessEnv): void {
  for (const url of [CONVERGE_NATS_URL, CONVERGE_REDIS_URL]) {
    if (url !== undefined && url !== '')
      throw new UsageError(
        '--auth applies to servers that are started here, but the URL of a running one is given; use converge auth init for that',
      );
  }
}

function sayMapping({ out }: Call, { namespace, shards }: Config): void {
  out.say(
    `this NATS was not started here: for ${namespace}.decide.<pool>.<agent> its configuration needs\n` +
      `  ${decideMapping(namespace, shards)}`,
  );
}

function portOption(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new InvalidArgumentError('A port, 1 to 65535.');
  return port;
}

function workersOption(text: string): number {
  const workers = Number(text);
  if (!/^\d+$/.test(text) || workers > MAX_WORKERS) throw new InvalidArgumentError(`0 to ${MAX_WORKERS}.`);
  return workers;
}
