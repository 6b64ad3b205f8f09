import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OwnChild } from '../../src/lib/program/own-child.ts';

export const WORKER_READY = 'ready';

const ENTRY = fileURLToPath(new URL('./worker-process.js', import.meta.url));
const READY_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 12_000;
const TAIL_LINES = 15;

/** A worker in a process of its own. */
export class WorkerChild {
  readonly id: string;
  readonly #child: ChildProcess;
  readonly #own: OwnChild;
  readonly #logFile: string;

  /** Resolves when the worker can work; rejects, with what it printed, when it does not come up. */
  static async start(id: string, env: NodeJS.ProcessEnv, logFile: string): Promise<WorkerChild> {
    const worker = new WorkerChild(id, env, logFile);
    try {
      await worker.#ready();
      return worker;
    } catch (error) {
      await worker.kill();
      throw error;
    }
  }

  private constructor(id: string, env: NodeJS.ProcessEnv, logFile: string) {
    this.id = id;
    this.#logFile = logFile;
    const log = openSync(logFile, 'a');
    // The channel tells it when we are gone, however that came about.
    this.#child = spawn(process.execPath, [ENTRY], {
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
      env,
    });
    this.#own = new OwnChild(this.#child);
    closeSync(log);
  }

  get pid(): number | undefined {
    return this.#own.pid;
  }

  get isRunning(): boolean {
    return this.#own.isRunning;
  }

  /** SIGKILL: it has no chance to finish or to say anything. */
  async kill(): Promise<void> {
    await this.#own.kill();
  }

  /** Lets it finish, and insists when that takes too long. */
  async stop(): Promise<void> {
    await this.#own.stop(STOP_WITHIN_MS);
  }

  /** The last lines that it printed. */
  logTail(): string {
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  }

  async #ready(): Promise<void> {
    const ready = new Promise<void>((resolve) => {
      this.#child.on('message', (message) => message === WORKER_READY && resolve());
    });
    const problem = await this.#own.problemUntil(ready, READY_WITHIN_MS);
    if (problem !== undefined)
      throw new Error(`worker ${this.id} ${problem}; it printed:\n${this.logTail()}`);
  }
}
