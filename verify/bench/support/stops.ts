/** What was started is stopped in the opposite order, however its use ended. */

export interface Stoppable {
  stop(): Promise<unknown>;
}

export class Stops implements AsyncDisposable {
  readonly #started: Stoppable[] = [];

  add<T extends Stoppable>(started: T): T {
    this.#started.push(started);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#started.splice(0).reverse()) await each.stop();
  }
}
