/** A process of the benchmark, seen from the one that measures: it is called by name over the channel between them. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const replySchema = z.object({ id: z.int(), value: z.unknown().optional(), error: z.string().optional() });
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 12_000;

interface Call {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface ChildOptions {
  readonly execArgv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

const alive = new Set<BenchChild>();
process.on('exit', () => {
  for (const child of alive) void child.kill();
});

export class BenchChild {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, Call>();
  readonly #ended: Promise<void>;
  #nextId = 1;

  /** `entry` is the compiled file in `bench/processes`; resolves when it can be called. */
  static async start(entry: string, config: object, options: ChildOptions = {}): Promise<BenchChild> {
    const child = new BenchChild(entry, config, options);
    try {
      await child.#answerTo(0, READY_WITHIN_MS);
      return child;
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  private constructor(entry: string, config: object, { execArgv = [], env = process.env }: ChildOptions) {
    this.name = entry;
    // A process group of its own, so that Ctrl-C reaches only us, who end it. What it prints must not mix with our
    // one object on stdout.
    this.#child = fork(
      fileURLToPath(new URL(`../processes/${entry}.js`, import.meta.url)),
      [JSON.stringify(config)],
      { execArgv: [...execArgv], env, detached: true, stdio: ['ignore', 2, 2, 'ipc'] },
    );
    alive.add(this);
    this.#child.on('message', (message) => this.#onMessage(message));
    this.#ended = new Promise((resolve) => {
      const end = (how: string): void => {
        alive.delete(this);
        for (const call of this.#calls.values()) call.reject(new Error(`${this.name} ${how}`));
        this.#calls.clear();
        resolve();
      };
      this.#child.on('error', (error) => this.#child.pid === undefined && end(error.message));
      this.#child.on('exit', (code, signal) => end(`ended: ${signal ?? `exit code ${code}`}`));
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Calls one of its functions; what it answers is parsed, because another process said it. */
  async call<T>(name: string, args: object, schema: z.ZodType<T>): Promise<T> {
    const id = this.#nextId++;
    const answer = this.#answerTo(id);
    this.#child.send({ id, name, args });
    return schema.parse(await answer);
  }

  /** Lets it finish, and insists when that takes too long. */
  async stop(): Promise<void> {
    if (!alive.has(this)) return;
    const insist = setTimeout(() => void this.kill(), STOP_WITHIN_MS);
    this.#child.kill('SIGTERM');
    await this.#ended;
    clearTimeout(insist);
  }

  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #answerTo(id: number, withinMs?: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const late =
        withinMs === undefined
          ? undefined
          : setTimeout(() => reject(new Error(`${this.name} was not ready within ${withinMs} ms`)), withinMs);
      const done = (): void => clearTimeout(late);
      this.#calls.set(id, {
        resolve: (value) => {
          done();
          resolve(value);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
    });
  }

  #onMessage(message: unknown): void {
    const { id, value, error } = replySchema.parse(message);
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error === undefined) call?.resolve(value);
    else call?.reject(new Error(`${this.name}: ${error}`));
  }
}
