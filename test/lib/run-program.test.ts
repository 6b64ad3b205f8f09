import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { UnavailableError } from '../../src/lib/errors.ts';
import { CommandLine } from '../../src/lib/program/command-line.ts';
import { type Program, runProgram } from '../../src/lib/program/run-program.ts';

const PROGRAM: Program<{ readonly json: boolean }> = {
  name: 'toy',
  usage: 'usage: toy [--json]\n',
  parse: (args) => {
    const line = new CommandLine(args, { flags: ['json'], values: [] });
    return line.asksForHelp ? 'help' : { json: line.has('json') };
  },
  run: async ({ json }) => (json ? 0 : 1),
};

let stdout = '';
let stderr = '';

beforeEach(() => {
  stdout = '';
  stderr = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

it('exits with what the run says, and prints nothing itself', async () => {
  expect(await runProgram(PROGRAM, ['--json'])).toBe(0);
  expect(await runProgram(PROGRAM, [])).toBe(1);
  expect(stdout + stderr).toBe('');
});

it('prints its usage to whoever asks for it', async () => {
  expect(await runProgram(PROGRAM, ['--help'])).toBe(0);
  expect(stdout).toBe('usage: toy [--json]\n');
  expect(stderr).toBe('');
});

it('says what is wrong with a command line, and how it is written', async () => {
  expect(await runProgram(PROGRAM, ['--jsno'])).toBe(64);
  expect(await runProgram({ ...PROGRAM, exitUsage: 2 }, ['--jsno'])).toBe(2);
  expect(stderr).toContain('toy: unknown option --jsno; did you mean --json?\n\nusage: toy [--json]\n');
  expect(stdout).toBe('');
});

it('says why a run failed, and exits with the code of the error', async () => {
  const failing = (error: Error) => ({ ...PROGRAM, run: () => Promise.reject(error) });
  expect(await runProgram(failing(new UnavailableError('NATS is gone')), [])).toBe(69);
  expect(await runProgram(failing(new Error('so it goes')), [])).toBe(1);
  expect(stderr).toBe('toy: NATS is gone\ntoy: so it goes\n');
});
