/** One `converge worker` in a process of its own, with links to both servers that can be broken. */
import { readFileSync } from 'node:fs';
import { environmentOf } from '../../kit/system/environment.ts';
import { WorkerChild } from '../../kit/system/worker-child.ts';
import type { Order } from '../processes/hooks.ts';
import { Link } from './link.ts';

const HOOKS = new URL('../processes/hooks.js', import.meta.url).href;
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

export class WorkerProcess extends WorkerChild {
  readonly toNats: Link;
  readonly toRedis: Link;
  readonly #gone: Promise<string>;

  /** Resolves as soon as the process is there; see {@link ready}. */
  static async start(options: WorkerOptions): Promise<WorkerProcess> {
    return new WorkerProcess(options, await Link.start(options.natsUrl), await Link.start(options.redisUrl));
  }

  private constructor({ env, ...options }: WorkerOptions, toNats: Link, toRedis: Link) {
    const links = environmentOf({ natsUrl: toNats.url, redisUrl: toRedis.url });
    super({ ...options, env: { ...env, ...links }, hooks: [HOOKS] });
    this.toNats = toNats;
    this.toRedis = toRedis;
    this.#gone = super.ended.then(async (how) => {
      await Promise.all([toNats.close(), toRedis.close()]);
      return how;
    });
  }

  /** Resolves when the process and its links are gone. Never rejects. */
  override get ended(): Promise<string> {
    return this.#gone;
  }

  order(order: Order): void {
    this.send(order);
  }

  /** SIGTERM, and insists when that takes too long; false when it had to. */
  override async stop(): Promise<boolean> {
    const hasFinished = await super.stop();
    await this.ended;
    return hasFinished;
  }

  /**
   * How long its main thread was ready to run and had no processor, since it began. What it answered late because of that
   * is the machine's doing. Undefined where the system does not say.
   */
  waitedForCpuMs(): number | undefined {
    try {
      const [, nanos] = readFileSync(`/proc/${this.pid}/schedstat`, 'utf8').split(' ');
      return Number(nanos) / NANOS_PER_MS;
    } catch {
      return undefined;
    }
  }

  /** Resident memory in MiB; undefined where the system does not say, or when it is gone. */
  residentMb(): number | undefined {
    if (!this.isRunning) return undefined;
    try {
      const pages = Number(readFileSync(`/proc/${this.pid}/statm`, 'utf8').split(' ')[1]);
      return Math.round((pages * PAGE_BYTES) / 1024 / 1024);
    } catch {
      return undefined;
    }
  }
}
