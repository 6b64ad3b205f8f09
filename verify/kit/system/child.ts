/** A process that a run starts: it ends with us, and what it printed is there for those who ask why it failed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { OwnChild } from '../../../src/lib/program/own-child.ts';

const TAIL_LINES = 15;
const STDERR = 2;

export interface ChildOptions {
  readonly name: string;
  /** Arguments of node. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Where its stderr goes; without it, all that it prints goes to ours. */
  readonly logFile?: string | undefined;
}

export class Child {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #own: OwnChild;
  readonly #logFile: string | undefined;
  #isAskedToEnd = false;

  constructor({ name, args, env, logFile }: ChildOptions) {
    this.name = name;
    this.#logFile = logFile;
    const log = logFile === undefined ? STDERR : openSync(logFile, 'a');
    // The channel tells it when we are gone, however that came about.
    this.#child = spawn(process.execPath, args, {
      detached: true,
      stdio: ['ignore', logFile === undefined ? STDERR : 'pipe', log, 'ipc'],
      env,
    });
    this.#own = new OwnChild(this.#child);
    if (logFile !== undefined) closeSync(log);
  }

  /** -1 where it could not be started. */
  get pid(): number {
    return this.#own.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.#own.isRunning;
  }

  /** It ended, and nobody had asked it to. */
  get hasCrashed(): boolean {
    return !this.isRunning && !this.#isAskedToEnd;
  }

  /** Resolves when the process is gone, and tells how. Never rejects. */
  get ended(): Promise<string> {
    return this.#own.ended;
  }

  /** The first that it prints on stdout. */
  firstOutput(): Promise<string> {
    return new Promise((resolve) => this.#child.stdout?.once('data', (data) => resolve(String(data))));
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#child.on('message', listener);
  }

  send(message: object): void {
    if (this.isRunning) this.#child.send(message, () => undefined);
  }

  /** Rejects, with what it printed, when it does not become ready in time. One that was told to end need not. */
  async until(ready: Promise<unknown>, withinMs: number): Promise<void> {
    const problem = await this.#own.problemUntil(ready, withinMs);
    if (problem === undefined || this.#isAskedToEnd) return;
    const printed = this.#logFile === undefined ? '' : `; it printed:\n${this.logTail()}`;
    throw new Error(`${this.name} ${problem}${printed}`);
  }

  /** SIGSTOP: it does not know that time passes. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** SIGKILL, at this very moment: it has no chance to finish or to say anything. */
  killNow(): void {
    this.#isAskedToEnd = true;
    this.#own.killNow();
  }

  async kill(): Promise<void> {
    this.killNow();
    await this.ended;
  }

  /** SIGTERM, and insists when that takes too long; false when it had to. */
  async stop(withinMs: number): Promise<boolean> {
    this.#isAskedToEnd ||= this.isRunning;
    return await this.#own.stop(withinMs);
  }

  /** Every line that it logged. */
  logLines(): string[] {
    return this.#logFile === undefined ? [] : readFileSync(this.#logFile, 'utf8').trimEnd().split('\n');
  }

  logTail(): string {
    return this.logLines().slice(-TAIL_LINES).join('\n');
  }
}
