/** One `converge worker` in a process of its own, with links to both servers that can be broken. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Order } from '../processes/hooks.ts';
import { Link } from './link.ts';

const COMMAND = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const HOOKS = new URL('../processes/hooks.js', import.meta.url).href;
const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 15_000;
const TAIL_LINES = 15;
const PAGE_BYTES = 4_096;

export interface WorkerOptions {
  readonly id: string;
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}

/** How it ended: an exit code, or the name of a signal. */
type Ending = number | NodeJS.Signals;

export class WorkerProcess {
  readonly id: string;
  readonly toNats: Link;
  readonly toRedis: Link;
  /** Resolves when the process is gone. Never rejects. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  #ending: Ending | undefined;
  #isAskedToEnd = false;

  /** Resolves as soon as the process is there; see {@link ready}. */
  static async start(options: WorkerOptions): Promise<WorkerProcess> {
    return new WorkerProcess(options, await Link.start(options.natsUrl), await Link.start(options.redisUrl));
  }

  private constructor({ id, env, logFile }: WorkerOptions, toNats: Link, toRedis: Link) {
    this.id = id;
    this.toNats = toNats;
    this.toRedis = toRedis;
    this.#logFile = logFile;
    const log = openSync(logFile, 'a');
    // A process group of its own: Ctrl-C reaches only us, who end it.
    this.#child = spawn(process.execPath, ['--import', HOOKS, COMMAND, 'worker', '--id', id], {
      detached: true,
      stdio: ['ignore', 'pipe', log, 'ipc'],
      env: { ...env, CONVERGE_NATS_URL: toNats.url, CONVERGE_REDIS_URL: toRedis.url },
    });
    closeSync(log);
    const killNow = (): void => void this.#child.kill('SIGKILL');
    process.on('exit', killNow);
    this.ended = new Promise((resolve) => {
      const end = (ending: Ending): void => {
        this.#ending = ending;
        process.off('exit', killNow);
        void Promise.all([toNats.close(), toRedis.close()]).then(() => resolve(ending));
      };
      this.#child.on('error', () => this.#child.pid === undefined && end(-1));
      this.#child.on('exit', (code, signal) => end(signal ?? code ?? -1));
    });
  }

  get isRunning(): boolean {
    return this.#ending === undefined;
  }

  /** It ended, and nobody had asked it to. */
  get hasCrashed(): boolean {
    return this.#ending !== undefined && !this.#isAskedToEnd;
  }

  /** Resolves when it says that it can work; rejects, with what it printed, when it does not come up. */
  async ready(): Promise<void> {
    let late: NodeJS.Timeout | undefined;
    const problem = await Promise.race([
      new Promise<undefined>((resolve) => this.#child.stdout?.once('data', () => resolve(undefined))),
      this.ended.then((ending) => `ended: ${ending}`),
      new Promise<string>((resolve) => {
        late = setTimeout(resolve, READY_WITHIN_MS, `was not ready within ${READY_WITHIN_MS} ms`);
      }),
    ]);
    clearTimeout(late);
    if (problem !== undefined && !this.#isAskedToEnd)
      throw new Error(`worker ${this.id} ${problem}; it printed:\n${this.logTail()}`);
  }

  /** SIGKILL, at this very moment. */
  killNow(): void {
    this.#isAskedToEnd = true;
    this.#child.kill('SIGKILL');
  }

  /** SIGSTOP: it does not know that time passes. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  order(order: Order): void {
    if (this.isRunning) this.#child.send(order, () => undefined);
  }

  /** SIGTERM, and insists when that takes too long; false when it had to. */
  async stop(): Promise<boolean> {
    if (!this.isRunning) return true;
    this.#isAskedToEnd = true;
    let hadToInsist = false;
    const insist = setTimeout(() => {
      hadToInsist = true;
      this.#child.kill('SIGKILL');
    }, STOP_WITHIN_MS);
    this.#child.kill('SIGTERM');
    await this.ended;
    clearTimeout(insist);
    return !hadToInsist;
  }

  /** Resident memory in MiB; undefined where the system does not say, or when it is gone. */
  residentMb(): number | undefined {
    if (!this.isRunning) return undefined;
    try {
      const pages = Number(readFileSync(`/proc/${this.#child.pid}/statm`, 'utf8').split(' ')[1]);
      return Math.round((pages * PAGE_BYTES) / 1024 / 1024);
    } catch {
      return undefined;
    }
  }

  /** Every line that it logged. */
  logLines(): string[] {
    return readFileSync(this.#logFile, 'utf8').split('\n');
  }

  logTail(): string {
    return this.logLines().slice(-TAIL_LINES).join('\n');
  }
}
