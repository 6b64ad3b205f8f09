import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const WORKER_READY = 'ready';

const ENTRY = fileURLToPath(new URL('./worker-process.js', import.meta.url));
const READY_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 12_000;
const TAIL_LINES = 15;

/** A worker in a process of its own. */
export class WorkerChild {
  readonly id: string;
  /** Resolves when the process is gone, and tells how. Never rejects. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  #isRunning = true;

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
    // A process group of its own: Ctrl-C in a terminal reaches the whole foreground group, and it is for us to say when
    // the workers stop. The channel tells it when we are gone, however that came about.
    this.#child = spawn(process.execPath, [ENTRY], {
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
      env,
    });
    closeSync(log);
    const killNow = (): void => void this.#child.kill('SIGKILL');
    process.on('exit', killNow);
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#isRunning = false;
        process.off('exit', killNow);
        resolve(how);
      };
      this.#child.on('error', (error) => {
        if (this.#child.pid === undefined) end(`could not be started: ${error.message}`);
      });
      this.#child.on('exit', (code, signal) =>
        end(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
      );
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** SIGKILL: it has no chance to finish or to say anything. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** Lets it finish, and insists when that takes too long. */
  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    const insist = setTimeout(() => this.#child.kill('SIGKILL'), STOP_WITHIN_MS);
    this.#child.kill('SIGTERM');
    await this.ended;
    clearTimeout(insist);
  }

  /** The last lines that it printed. */
  logTail(): string {
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  }

  async #ready(): Promise<void> {
    let late: NodeJS.Timeout | undefined;
    const problem = await Promise.race([
      new Promise<undefined>((resolve) => {
        this.#child.on('message', (message) => message === WORKER_READY && resolve(undefined));
      }),
      this.ended,
      new Promise<string>((resolve) => {
        late = setTimeout(resolve, READY_WITHIN_MS, `was not ready within ${READY_WITHIN_MS} ms`);
      }),
    ]);
    clearTimeout(late);
    if (problem !== undefined)
      throw new Error(`worker ${this.id} ${problem}; it printed:\n${this.logTail()}`);
  }
}
