/** A process of the benchmark, seen from the one that measures: it is called by name over the channel between them. */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Child } from '../../kit/system/child.ts';

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

export class BenchChild extends Child {
  readonly #calls = new Map<number, Call>();
  #nextId = 1;

  /** `entry` is the compiled file in `verify/bench/processes`; resolves when it can be called. */
  static async start(entry: string, config: object, options: ChildOptions = {}): Promise<BenchChild> {
    const child = new BenchChild(entry, config, options);
    try {
      await child.until(child.#answerTo(0), READY_WITHIN_MS);
      return child;
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  private constructor(entry: string, config: object, { execArgv = [], env = process.env }: ChildOptions) {
    const file = fileURLToPath(new URL(`../processes/${entry}.js`, import.meta.url));
    // What it prints must not mix with our one object on stdout.
    super({ name: entry, args: [...execArgv, file, JSON.stringify(config)], env });
    this.onMessage((message) => this.#onMessage(message));
    void this.ended.then((how) => {
      for (const call of this.#calls.values()) call.reject(new Error(`${this.name} ${how}`));
      this.#calls.clear();
    });
  }

  /** Calls one of its functions; what it answers is parsed, because another process said it. */
  async call<T>(name: string, args: object, schema: z.ZodType<T>): Promise<T> {
    const id = this.#nextId++;
    const answer = this.#answerTo(id);
    this.send({ id, name, args });
    return schema.parse(await answer);
  }

  /** Lets it finish, and insists when that takes too long. */
  override async stop(withinMs = STOP_WITHIN_MS): Promise<boolean> {
    return await super.stop(withinMs);
  }

  #answerTo(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }));
  }

  #onMessage(message: unknown): void {
    const { id, value, error } = replySchema.parse(message);
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error === undefined) call?.resolve(value);
    else call?.reject(new Error(`${this.name}: ${error}`));
  }
}
