/** The demo as it is started by `npm run demo`, with real servers and real processes. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Build, build } from '../cli/build.ts';

let built: Build;
let workDir = '';

beforeAll(async () => {
  built = await build();
  workDir = await mkdtemp(join(tmpdir(), 'converge-demo-test-'));
});

afterAll(async () => {
  await built.remove();
  await rm(workDir, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Started {
  /** Resolves when a line of stderr contains the text. */
  says(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

/** With a folder of its own for temporary files: what is left in there, or runs on in there, is the demo's. */
function demo(tmp: string, ...args: readonly string[]): Started {
  const env = { ...process.env, TMPDIR: tmp, CONVERGE_REDIS_URL: undefined, CONVERGE_NATS_URL: undefined };
  const child = spawn(process.execPath, [resolve(built.main, '../../../demo/main.js'), ...args], { env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += String(data)));
  child.stderr.on('data', (data) => (stderr += String(data)));
  const ended = new Promise<Ended>((done) => child.on('close', (code) => done({ code, stdout, stderr })));
  return {
    async says(text) {
      while (!stderr.includes(text)) {
        if (child.exitCode !== null) throw new Error(`the demo ended without saying ${text}:\n${stderr}`);
        await delay(20);
      }
    },
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

async function temporaryFolder(): Promise<string> {
  return await mkdtemp(join(workDir, 'tmp-'));
}

/** Processes that name the folder in their command line or work in it. */
function processesIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        return command.includes(folder) || environment.includes(folder) ? [`${pid} ${command}`] : [];
      } catch {
        return [];
      }
    });
}

describe('the demo', () => {
  it('plays its own workload to the end that is known, and leaves nothing behind', async () => {
    const tmp = await temporaryFolder();
    const { code, stdout, stderr } = await demo(tmp, '--json', '--seed', '5').ended;

    expect(stderr).toMatch(/redis-server \d|valkey-server \d/);
    expect(stderr).toMatch(/nats-server \d/);
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({
      violations: 0,
      agentsVanished: 3,
      workersKilled: 1,
      ok: true,
      problems: [],
    });
    expect(summary).toMatchObject(summary.expected);
    expect(summary.eventsPublished).toBe(summary.eventsReceived);
    expect(summary.decisions).toBe(summary.logged);
    expect(summary.claimsExpired).toBeGreaterThan(0);
    expect(summary.sweeps).toBeGreaterThan(0);
    expect(code).toBe(0);
    expect(processesIn(tmp)).toEqual([]);
    expect(readdirSync(tmp)).toEqual([]);
  }, 90_000);

  it('plays a recorded trace with one worker, and prints a table', async () => {
    const tmp = await temporaryFolder();
    const phases = ['Running', 'Failed', 'Pending', 'Succeeded'];
    const tasks = Array.from({ length: 60 }, (_, i) => {
      const model = i % 3 === 0 ? 'T4|G2' : '';
      return `t-${i},1,1,${i % 2},1,${model},Q${i % 2},${phases[i % 4]},${i * 100},${i * 100 + 300},${i * 100 + 5}`;
    });
    const nodes = Array.from({ length: 12 }, (_, i) => `n-${i},1,1,${i % 3},${['', 'T4', 'G2'][i % 3]}`);
    const tasksFile = join(workDir, 'tasks.csv');
    const nodesFile = join(workDir, 'nodes.csv');
    const header =
      'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time';
    await writeFile(tasksFile, `${header}\n${tasks.join('\n')}\n`);
    await writeFile(nodesFile, `sn,cpu_milli,memory_mib,gpu,model\n${nodes.join('\n')}\n`);

    const { code, stdout } = await demo(tmp, '--tasks', tasksFile, '--nodes', nodesFile, '--workers', '1')
      .ended;

    expect(stdout).toMatch(/completed +30 {2}of 30/);
    expect(stdout).toMatch(/failed +15 {2}of 15/);
    expect(stdout).toMatch(/cancelled +15 {2}of 15/);
    expect(stdout).toContain('Everything ended as it had to.');
    expect(code).toBe(0);
  }, 90_000);

  it.each<[NodeJS.Signals, number, string]>([
    ['SIGINT', 130, 'the first tasks are submitted'],
    ['SIGTERM', 143, 'redis-server'],
  ])('told to stop by %s exits with %i and leaves nothing behind', async (signal, exitCode, after) => {
    const tmp = await temporaryFolder();
    const run = demo(tmp, '--json');
    await run.says(after);
    run.kill(signal);
    const { code, stdout } = await run.ended;

    expect(code).toBe(exitCode);
    expect(stdout).toBe('');
    await expect.poll(() => processesIn(tmp)).toEqual([]);
    expect(readdirSync(tmp)).toEqual([]);
  });

  it('that is killed leaves no process behind', async () => {
    const tmp = await temporaryFolder();
    const run = demo(tmp, '--json');
    await run.says('the first tasks are submitted');
    run.kill('SIGKILL');
    await run.ended;

    await expect.poll(() => processesIn(tmp), { timeout: 5_000 }).toEqual([]);
  });

  it('refuses what it does not understand with exit code 2', async () => {
    const tmp = await temporaryFolder();
    const unknown = await demo(tmp, '--frobnicate').ended;
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toContain('usage: npm run demo');

    const missing = await demo(tmp, '--tasks', '/no/tasks.csv', '--nodes', '/no/nodes.csv').ended;
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain('cannot read /no/tasks.csv: there is no such file');
  });
});
