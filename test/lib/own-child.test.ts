import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { OwnChild } from '../../src/lib/program/own-child.ts';

const FOR_EVER = 'setInterval(() => undefined, 1_000);';
const DEAF = `process.on('SIGTERM', () => undefined); ${FOR_EVER}`;

/** Runs the script, which has printed something when this resolves. */
async function started(script: string): Promise<OwnChild> {
  const child = spawn(process.execPath, ['-e', `${script}; console.log('there')`], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const own = new OwnChild(child);
  await once(child.stdout, 'data');
  return own;
}

it('is ended by SIGTERM, and tells how', async () => {
  const child = await started(FOR_EVER);
  expect(child.isRunning).toBe(true);
  expect(await child.stop(10_000)).toBe(true);
  expect(child.isRunning).toBe(false);
  expect(await child.ended).toBe('was ended by SIGTERM');
  expect(await child.stop(0)).toBe(true);
});

it('is killed when it does not listen', async () => {
  const child = await started(DEAF);
  expect(await child.stop(50)).toBe(false);
  expect(await child.ended).toBe('was ended by SIGKILL');
});

it('that ended by itself is not running any more', async () => {
  const child = new OwnChild(spawn(process.execPath, ['-e', 'process.exit(3)'], { stdio: 'ignore' }));
  expect(await child.ended).toBe('ended with exit code 3');
  expect(child.isRunning).toBe(false);
});

it('that cannot be started says so', async () => {
  const child = new OwnChild(spawn('/no/such/program', { stdio: 'ignore' }));
  expect(await child.ended).toMatch(/could not be started: .*ENOENT/);
  expect(child.isRunning).toBe(false);
});

it('is ready when it says so; else it is told what came between', async () => {
  const child = await started(FOR_EVER);
  expect(await child.problemUntil(Promise.resolve('yes'), 10_000)).toBeUndefined();
  expect(await child.problemUntil(new Promise(() => undefined), 1)).toBe('was not ready within 1 ms');
  const problem = child.problemUntil(new Promise(() => undefined), 60_000);
  await child.kill();
  expect(await problem).toBe('was ended by SIGKILL');
});
