import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { askNats } from '../../src/servers/ask-nats.ts';
import { askRedis } from '../../src/servers/ask-redis.ts';
import { useDataDirs } from './data-dirs.ts';

const dataDir = useDataDirs();

interface Told {
  readonly pids: readonly number[];
  readonly redisUrl: string;
  readonly natsUrl: string;
}

/** A parent in a process group of its own, as a shell would start it, and what it prints, line by line. */
async function startParent(ending: string) {
  const script = fileURLToPath(new URL('./fixtures/parent.mjs', import.meta.url));
  const env = { ...process.env, CONVERGE_REDIS_URL: '', CONVERGE_NATS_URL: '' };
  const parent: ChildProcessByStdio<null, Readable, null> = spawn(
    process.execPath,
    [script, ending, await dataDir()],
    { env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(parent, 'exit');
  onTestFinished(() => {
    parent.kill('SIGKILL');
  });
  const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => JSON.parse((await lines.next()).value ?? '{}');
  const servers: Told = await nextLine();
  expect(servers.pids).toHaveLength(2);
  const { pid } = parent;
  if (pid === undefined) throw new Error('the parent did not start');
  return { pid, servers, nextLine, exited };
}

async function expectBothGone({ pids, redisUrl, natsUrl }: Told): Promise<void> {
  await vi.waitFor(async () => {
    await expect(askRedis(redisUrl)).rejects.toThrow('ECONNREFUSED');
    await expect(askNats(natsUrl)).rejects.toThrow('ECONNREFUSED');
    expect(pids.filter(isAlive)).toEqual([]);
  }, 5_000);
}

/** Who has ended but was not collected by its new parent, as in a container without an init, does not count. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || statOf(pid).state !== 'Z';
  } catch {
    return false;
  }
}

/** What stands after the program's name, which may itself contain anything: state, parent, process group, … */
function statOf(pid: number) {
  const [state, , group] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return { state, group: Number(group) };
}

describe('servers of a parent', () => {
  it('that exits without stopping them are killed', async () => {
    const { servers, exited } = await startParent('exit');
    await exited;
    await expectBothGone(servers);
  });

  // The kernel does it, and on other systems there is nothing to ask for it with.
  it.skipIf(process.platform !== 'linux')('that is killed are killed too', async () => {
    const { pid, servers, exited } = await startParent('wait');
    await askRedis(servers.redisUrl);
    process.kill(pid, 'SIGKILL');
    await exited;
    await expectBothGone(servers);
  });

  it('are not hit by a Ctrl-C, so that the parent can finish with them first', async () => {
    const { pid, servers, nextLine, exited } = await startParent('interrupt');
    if (process.platform === 'linux')
      expect(servers.pids.map((each) => statOf(each).group)).toEqual(servers.pids);
    process.kill(-pid, 'SIGINT');
    // A server that has ended has no process id any more.
    expect(await nextLine()).toEqual({ aliveAtInterrupt: servers.pids });
    expect(await exited).toEqual([0, null]);
    await expectBothGone(servers);
  });
});
