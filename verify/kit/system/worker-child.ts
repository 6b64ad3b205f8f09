/** One `converge worker` in a process of its own. */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Child } from './child.ts';

const COMPILED = new URL('../../../', import.meta.url);
const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 15_000;

const summarySchema = z.object({ id: z.string(), health: z.string().optional() });
export type WorkerSummary = z.output<typeof summarySchema>;

export interface WorkerChildOptions {
  readonly id: string;
  /** Servers and settings. */
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Its heap, MiB; what node takes by default where nothing is said. */
  readonly heapMb?: number | undefined;
  /** Modules that are loaded before anything of the worker. */
  readonly hooks?: readonly string[];
  /** The folder of the compiled files, as a URL: that of this file, unless this one is not compiled. */
  readonly compiled?: URL;
}

export class WorkerChild extends Child {
  readonly id: string;
  readonly #summary: Promise<string>;

  /** Returns as soon as the process is there; see {@link ready}. */
  constructor({ id, env, logFile, heapMb, hooks = [], compiled = COMPILED }: WorkerChildOptions) {
    const imports = [new URL('verify/kit/system/end-with-parent.js', compiled).href, ...hooks];
    super({
      name: `worker ${id}`,
      args: [
        ...(heapMb === undefined ? [] : [`--max-old-space-size=${heapMb}`]),
        ...imports.flatMap((module) => ['--import', module]),
        fileURLToPath(new URL('src/cli/main.js', compiled)),
        ...['--json', 'worker', '--id', id],
      ],
      env,
      logFile,
    });
    this.id = id;
    this.#summary = this.firstOutput();
  }

  /** Resolves when it says that it can work; rejects, with what it printed, when it does not come up. */
  async ready(): Promise<void> {
    await this.until(this.#summary, READY_WITHIN_MS);
  }

  /** What it said of itself when it was ready. */
  async summary(): Promise<WorkerSummary> {
    return summarySchema.parse(JSON.parse(await this.#summary));
  }

  /** Lets it finish, and insists when that takes too long; false when it had to. */
  override async stop(withinMs = STOP_WITHIN_MS): Promise<boolean> {
    return await super.stop(withinMs);
  }
}
