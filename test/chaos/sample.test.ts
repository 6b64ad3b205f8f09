/** A short sample of `npm run chaos`, as it is started: real servers, real processes, real faults. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Build, build } from '../cli/build.ts';

vi.setConfig({ testTimeout: 300_000 });

let built: Build;
beforeAll(async () => {
  built = await build();
});
afterAll(() => built.remove());

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function chaos(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [join(built.main, '../../../verify/chaos/main.js'), ...args]);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

it('breaks the system for a few seconds, and nothing is lost, doubled or stale', async () => {
  const kinds = ['worker-kill-after-commit', 'redis-flushall', 'link-reset'];
  const args = ['--minutes', '0.2', '--rate', '100', '--workers', '2', '--faults', kinds.join(','), '--json'];
  const { code, stdout, stderr } = await chaos(...args);
  const report = JSON.parse(stdout);
  expect(report, stderr).toMatchObject({
    lost: 0,
    appliedTwice: 0,
    staleWrites: 0,
    staleEvents: 0,
    rebuildEqual: true,
    halts: 0,
    violations: [],
    skipped: {},
  });
  expect(code).toBe(0);
  for (const kind of kinds) expect(report.faults[kind]).toBeGreaterThan(0);
  expect(report.acknowledged).toBeGreaterThan(200);
  expect(report.judged.events).toBeGreaterThan(50);
  expect(report.maxRecoveryMs).toMatchObject({ worker: expect.any(Number), nats: null });
});

it('knows its kinds of faults, and refuses others with a suggestion', async () => {
  const { code, stderr } = await chaos('--faults', 'redis-kil');
  expect(code).toBe(64);
  expect(stderr).toContain('redis-kill');
});
