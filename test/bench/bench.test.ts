/** The benchmark as it is started: built, on servers of its own. What it measures is not judged here. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Build, build } from '../cli/build.ts';

const run = promisify(execFile);
let built: Build;
let main: string;

beforeAll(async () => {
  built = await build();
  main = join(built.main, '../../../verify/bench/main.js');
});

afterAll(async () => {
  await built.remove();
});

test('prints one object that holds every ratio, environment and persistence, and the counts of every side', async () => {
  const args = ['--quick', '--json', '--only', 'throughput', '--rounds', '1', '--round-ms', '10'];
  const { stdout } = await run(process.execPath, [main, ...args], { timeout: 150_000 });
  const report: unknown = JSON.parse(stdout);
  expect(report).toMatchObject({
    ratios: { vsBullmq: expect.any(Number), vsRawPipe: expect.any(Number), p99VsBullmq: null },
    environment: {
      node: process.version,
      redis: expect.stringMatching(/^(redis|valkey)-server \d/),
      nats: expect.stringMatching(/^nats-server \d/),
      persistence: { redis: expect.stringContaining('appendonly yes, appendfsync everysec') },
    },
    checks: {
      'ours-bulk-16: events task.completed in JetStream': expect.any(Number),
      'raw-bulk: messages committed in Redis': expect.any(Number),
      'bullmq: jobs that the server counted': expect.any(Number),
    },
    latency: null,
  });
}, 180_000);

test('prints what a snapshot costs, and that the state rebuilt from it is the one rebuilt from the log', async () => {
  const { stdout } = await run(process.execPath, [join(main, '../snapshots.js'), '500'], {
    timeout: 150_000,
  });
  expect(stdout.trim().split('\n').at(-1)).toMatch(/^\| 500 \|( [^|]+ \|){7}$/);
}, 180_000);

test('an unknown option is refused by name, before anything is started', async () => {
  await expect(run(process.execPath, [main, '--fast'])).rejects.toMatchObject({
    code: 64,
    stdout: '',
    stderr: expect.stringContaining('unknown option --fast'),
  });
});
