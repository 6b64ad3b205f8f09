import { freePort } from './free-port.ts';
import { endLife, killLife, type Life } from './life.ts';
import type { Recipe } from './recipe.ts';
import type { Runner } from './runner.ts';
import type { RunningServer, ServerName, ServerSource } from './running-server.ts';
import type { ServerAnswer } from './server-answer.ts';
import { retryWhilePortTaken, type StartedLife, startLife } from './start-life.ts';

export interface ManagedServerOptions {
  readonly recipe: Recipe;
  readonly runner: Runner;
  readonly source: ServerSource;
  readonly dataDir: string;
  /** A free one is chosen if there is none. */
  readonly port: number | undefined;
  readonly deadlineMs: number;
}

/** A server that we have started ourselves, over any number of lives. */
export class ManagedServer implements RunningServer {
  readonly name: ServerName;
  readonly url: string;
  readonly source: ServerSource;
  readonly command: string | undefined;
  readonly dataDir: string;
  readonly #options: ManagedServerOptions;
  readonly #port: number;
  #life: Life;
  #answer: ServerAnswer;
  /** Stopping and restarting take their turns; killing does not wait for anything. */
  #turn: Promise<void> = Promise.resolve();

  static start(options: ManagedServerOptions): Promise<ManagedServer> {
    return retryWhilePortTaken(async () => {
      const port = options.port ?? (await freePort());
      return new ManagedServer(options, port, await startLife({ ...options, port }));
    });
  }

  private constructor(options: ManagedServerOptions, port: number, started: StartedLife) {
    this.name = options.recipe.kind.name;
    this.url = `${this.name}://127.0.0.1:${port}`;
    this.source = options.source;
    this.command = options.runner.command;
    this.dataDir = options.dataDir;
    this.#options = options;
    this.#port = port;
    this.#life = started.life;
    this.#answer = started.answer;
  }

  get version(): string {
    return this.#answer.version;
  }

  get product(): string {
    return this.#answer.product;
  }

  get pid(): number | undefined {
    return this.#life.type === 'process' && this.#life.running ? this.#life.pid : undefined;
  }

  get ended(): Promise<string> {
    return this.#life.ended;
  }

  logTail(): Promise<string> {
    return this.#life.logTail();
  }

  stop(): Promise<void> {
    return this.#inTurn(() => endLife(this.#life));
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const life = this.#life;
    if (!life.running) return;
    if (signal === 'SIGKILL') return killLife(life);
    life.signal(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await life.ended;
  }

  reload(): Promise<void> {
    const { recipe, runner } = this.#options;
    const { reload } = recipe;
    if (reload === undefined)
      return Promise.reject(new Error(`the ${this.name} server cannot reload its configuration`));
    return this.#inTurn(async () => {
      await reload(runner.place(this.#port));
      this.#life.signal('SIGHUP');
    });
  }

  restart(): Promise<void> {
    return this.#inTurn(async () => {
      await endLife(this.#life);
      await retryWhilePortTaken(() => this.#beginAgain());
    });
  }

  async #beginAgain(): Promise<void> {
    const { answer } = await startLife({
      ...this.#options,
      port: this.#port,
      previousIdentity: this.#answer.identity,
      // Known from its launch on, so that a fault test can kill it while it is still loading its data.
      onLaunch: (life) => {
        this.#life = life;
      },
    });
    this.#answer = answer;
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    // The caller of the previous action has already received its failure.
    this.#turn = this.#turn.catch(() => undefined).then(action);
    return this.#turn;
  }
}
