/** One `converge worker` in a process of its own, with links to both servers that can be broken. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OwnChild } from '../../../src/lib/program/own-child.ts';
import type { Order } from '../processes/hooks.ts';
import { Link } from './link.ts';

const COMMAND = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
const HOOKS = new URL('../processes/hooks.js', import.meta.url).href;
const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 15_000;
const TAIL_LINES = 15;
const PAGE_BYTES = 4_096;
const NANOS_PER_MS = 1_000_000;

export interface WorkerOptions {
  readonly id: string;
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Its heap, MiB; what node takes by default where nothing is said. */
  readonly heapMb?: number | undefined;
}

export class WorkerProcess {
  readonly id: string;
  readonly toNats: Link;
  readonly toRedis: Link;
  /** Resolves when the process and its links are gone. Never rejects. */
  readonly ended: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #own: OwnChild;
  readonly #logFile: string;
  #isAskedToEnd = false;

  /** Resolves as soon as the process is there; see {@link ready}. */
  static async start(options: WorkerOptions): Promise<WorkerProcess> {
    return new WorkerProcess(options, await Link.start(options.natsUrl), await Link.start(options.redisUrl));
  }

  private constructor({ id, env, logFile, heapMb }: WorkerOptions, toNats: Link, toRedis: Link) {
    this.id = id;
    this.toNats = toNats;
    this.toRedis = toRedis;
    this.#logFile = logFile;
    const log = openSync(logFile, 'a');
    const heap = heapMb === undefined ? [] : [`--max-old-space-size=${heapMb}`];
    this.#child = spawn(process.execPath, [...heap, '--import', HOOKS, COMMAND, 'worker', '--id', id], {
      detached: true,
      stdio: ['ignore', 'pipe', log, 'ipc'],
      env: { ...env, CONVERGE_NATS_URL: toNats.url, CONVERGE_REDIS_URL: toRedis.url },
    });
    closeSync(log);
    this.#own = new OwnChild(this.#child);
    this.ended = this.#own.ended.then(() => Promise.all([toNats.close(), toRedis.close()]));
  }

  get isRunning(): boolean {
    return this.#own.isRunning;
  }

  /** It ended, and nobody had asked it to. */
  get hasCrashed(): boolean {
    return !this.isRunning && !this.#isAskedToEnd;
  }

  /** Resolves when it says that it can work; rejects, with what it printed, when it does not come up. */
  async ready(): Promise<void> {
    const ready = new Promise((resolve) => this.#child.stdout?.once('data', resolve));
    const problem = await this.#own.problemUntil(ready, READY_WITHIN_MS);
    if (problem !== undefined && !this.#isAskedToEnd)
      throw new Error(`worker ${this.id} ${problem}; it printed:\n${this.logTail()}`);
  }

  /** SIGKILL, at this very moment. */
  killNow(): void {
    this.#isAskedToEnd = true;
    this.#own.killNow();
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
    const hasFinished = await this.#own.stop(STOP_WITHIN_MS);
    await this.ended;
    return hasFinished;
  }

  /**
   * How long its main thread was ready to run and had no processor, since it began. What it answered late because of that
   * is the machine's doing. Undefined where the system does not say.
   */
  waitedForCpuMs(): number | undefined {
    try {
      const [, nanos] = readFileSync(`/proc/${this.#own.pid}/schedstat`, 'utf8').split(' ');
      return Number(nanos) / NANOS_PER_MS;
    } catch {
      return undefined;
    }
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
