/** Runs the real command as a process of its own, the way a shell does. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { until } from '../support/until.ts';
import { type Build, build } from './build.ts';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly cwd?: string;
}

export interface Converge {
  /** Runs it to its end. */
  (args: readonly string[], surroundings?: Surroundings): Promise<Ended>;
  /** Starts it; what a test leaves running is ended after it. */
  start(args: readonly string[], surroundings?: Surroundings): Started;
  /** Starts it for all tests of the file, with which it ends. */
  background(args: readonly string[], surroundings?: Surroundings): Started;
}

/** A command under test uses the servers of this machine, and never changes what is installed on it. */
const NO_INSTALLING = { CONVERGE_NO_INSTALL: '1' };

let built: Build | undefined;

/** `env` is what every call of the file has in its environment besides PATH: nothing else is passed on. */
export function useConverge(env: () => Readonly<Record<string, string>> = () => ({})): Converge {
  const started = new Set<Started>();
  const backgrounds = new Set<Started>();
  beforeAll(async () => {
    built = await build();
  });
  afterEach(async () => {
    await Promise.all([...started].map((each) => each.end()));
    started.clear();
  });
  afterAll(async () => {
    await Promise.all([...backgrounds].map((each) => each.end()));
    await built?.remove();
  });
  const startAmong = (
    all: Set<Started>,
    args: readonly string[],
    surroundings: Surroundings = {},
  ): Started => {
    const each = new Started(args, { ...surroundings, env: { ...env(), ...surroundings.env } });
    all.add(each);
    return each;
  };
  const start: Converge['start'] = (args, surroundings) => startAmong(started, args, surroundings);
  const background: Converge['start'] = (args, surroundings) => startAmong(backgrounds, args, surroundings);
  const run = (args: readonly string[], surroundings?: Surroundings): Promise<Ended> =>
    start(args, surroundings).ended;
  return Object.assign(run, { start, background });
}

const END_WITHIN_MS = 15_000;

export class Started {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], { env, stdin, cwd }: Surroundings) {
    if (built === undefined) throw new Error('the command is not built');
    this.#child = spawn(process.execPath, [built.main, ...args], {
      env: { PATH: process.env.PATH, ...NO_INSTALLING, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    const { stdout, stderr } = this.#child;
    stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdin.end(stdin ?? '');
    this.ended = once(this.#child, 'close').then(([code, signal]) => ({
      code,
      signal,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('it did not start');
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Stops reading what it prints: its next line finds nobody. */
  closeStdout(): void {
    this.#child.stdout.destroy();
  }

  /** Waits for that many lines on stdout and reads each as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what the command prints is looked at by the test.
  async json(count = 1): Promise<any[]> {
    await until(
      `${count} lines on stdout; stderr: ${this.stderr}`,
      () => {
        if (this.hasEnded && this.#lines.length < count) throw new Error(`it has ended: ${this.stderr}`);
        return this.#lines.length >= count;
      },
      20_000,
    );
    return this.#lines.slice(0, count).map((line) => JSON.parse(line));
  }

  async says(text: string): Promise<void> {
    await until(`"${text}" on stderr`, () => this.stderr.includes(text), 20_000);
  }

  /** Asks it to end, and insists when it does not: what it was to remove at its end is left behind only then. */
  async end(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGTERM');
    const insisting = setTimeout(() => this.#child.kill('SIGKILL'), END_WITHIN_MS);
    await this.ended;
    clearTimeout(insisting);
  }

  get #lines(): string[] {
    return this.stdout.split('\n').slice(0, -1);
  }
}

/** The one JSON text on stdout. */
// biome-ignore lint/suspicious/noExplicitAny: what the command prints is looked at by the test.
export function jsonOf({ stdout, stderr }: Pick<Ended, 'stdout' | 'stderr'>): any {
  const lines = stdout.split('\n');
  if (lines.length !== 2 || lines[1] !== '') throw new Error(`not one line: ${stdout}\nstderr: ${stderr}`);
  return JSON.parse(lines[0] ?? '');
}

/** Who has ended but was not collected by its new parent, as in a container without an init, does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return process.platform !== 'linux' || stateOf(pid) !== 'Z';
}

function stateOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[0];
  } catch {
    return 'Z';
  }
}
