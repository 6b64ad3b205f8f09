/** A PostgreSQL of its own, if this machine has the programs; it is never installed for the benchmark. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chownSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { messageOf } from '../../../src/lib/errors.ts';
import { thisHost } from '../../../src/servers/host.ts';
import { freePort } from '../../../src/servers/index.ts';
import { launchGuard } from '../../../src/servers/launch-guard.ts';
import type { NotMeasured } from '../sections/section.ts';
import type { Stoppable } from './stops.ts';

const run = promisify(execFile);
const UP_WITHIN_MS = 20_000;
const DEBIAN = '/usr/lib/postgresql';

/** Comparable to Redis' appendfsync everysec: see POSTGRES_PERSISTENCE. */
const SETTINGS = [
  'fsync=on',
  'synchronous_commit=off',
  'shared_buffers=256MB',
  'max_wal_size=2GB',
  'unix_socket_directories=',
];

export interface Postgres extends Stoppable {
  readonly url: string;
  readonly version: string;
  /** The server and every process that it has at the moment. */
  pids(): number[];
}

/** Who the server runs as: PostgreSQL refuses to be root. */
interface User {
  readonly uid?: number;
  readonly gid?: number;
}

export async function startPostgres(say: (line: string) => void): Promise<Postgres | NotMeasured> {
  const folder = await programs();
  if (folder === undefined) return { notMeasured: `no postgres and initdb on PATH or in ${DEBIAN}` };
  const user = unprivileged();
  if (user === undefined)
    return { notMeasured: 'PostgreSQL does not run as root, and there is no other user' };
  const dataDir = await mkdtemp(join(tmpdir(), 'converge-bench-postgres-'));
  const remove = (): void => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  process.on('exit', remove);
  try {
    if (user.uid !== undefined) chownSync(dataDir, user.uid, user.gid ?? user.uid);
    await run(
      join(folder, 'initdb'),
      ['-D', dataDir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'],
      { ...user, cwd: dataDir },
    );
    return await launch(folder, dataDir, user, remove, say);
  } catch (error) {
    remove();
    return { notMeasured: `PostgreSQL did not start: ${messageOf(error)}` };
  }
}

async function launch(
  folder: string,
  dataDir: string,
  user: User,
  remove: () => void,
  say: (line: string) => void,
): Promise<Postgres> {
  const port = await freePort();
  const settings = [...SETTINGS, 'listen_addresses=127.0.0.1', `port=${port}`];
  // It ends with us even when we are killed, as Redis and NATS do.
  const [program = '', ...args] = [
    ...(await launchGuard(thisHost, join(dataDir, 'bench.lock'))),
    join(folder, 'postgres'),
    '-D',
    dataDir,
    ...settings.flatMap((setting) => ['-c', setting]),
  ];
  const child = spawn(program, args, { ...user, cwd: dataDir, detached: true, stdio: 'ignore' });
  const killNow = (): void => void child.kill('SIGKILL');
  process.on('exit', killNow);
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => resolve());
    child.on('error', () => resolve());
  });
  await answering(port, child);
  const { stdout } = await run(join(folder, 'postgres'), ['--version']);
  const version = /\d+(\.\d+)*/.exec(stdout)?.[0] ?? 'unknown';
  say(`postgres ${version} from ${folder} at port ${port}, process ${child.pid}`);
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    version,
    pids: () => (child.pid === undefined ? [] : [child.pid, ...childrenOf(child.pid)]),
    async stop() {
      // Fast shutdown: connections are ended, not waited for.
      child.kill('SIGINT');
      const insist = setTimeout(killNow, UP_WITHIN_MS);
      await ended;
      clearTimeout(insist);
      remove();
      process.removeListener('exit', killNow).removeListener('exit', remove);
    },
  };
}

/** The folder with both programs: on PATH, or Debian's newest. */
async function programs(): Promise<string | undefined> {
  const onPath = (process.env.PATH ?? '').split(':');
  const debian = folders(DEBIAN)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN, version, 'bin'));
  for (const folder of [...onPath, ...debian]) {
    const programsThere = new Set(folders(folder));
    if (programsThere.has('postgres') && programsThere.has('initdb')) return folder;
  }
  return undefined;
}

function folders(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function unprivileged(): User | undefined {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const found = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (found === undefined) return undefined;
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  for (let waitedMs = 0; waitedMs < UP_WITHIN_MS; waitedMs += 100) {
    if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`);
    if (await canConnect(port)) return;
    await delay(100);
  }
  child.kill('SIGKILL');
  throw new Error('it did not answer in time');
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return [];
  }
}
