/**
 * A process that we have started and that must not outlive us. It is to be started `detached`: in a process group of its
 * own Ctrl-C does not reach it, and when it stops is for us to say.
 */
import type { ChildProcess } from 'node:child_process';
import { after } from '../timers.ts';
import { within } from '../within.ts';

const alive = new Set<OwnChild>();
process.on('exit', () => {
  for (const child of alive) child.killNow();
});

export class OwnChild {
  /** Resolves when the process is gone, and tells how. Never rejects. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    alive.add(this);
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        alive.delete(this);
        resolve(how);
      };
      child.on('error', (error) => {
        // One that runs reports signals and messages that did not reach it: it is still there.
        if (child.pid === undefined) end(`could not be started: ${error.message}`);
      });
      child.on('exit', (code, signal) =>
        end(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
      );
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return alive.has(this);
  }

  /** What has kept it from being ready; undefined as soon as `ready` resolves. */
  async problemUntil(ready: Promise<unknown>, withinMs: number): Promise<string | undefined> {
    const readyOrGone = Promise.race([ready.then(() => undefined), this.ended]);
    return await within(withinMs, readyOrGone, () => `was not ready within ${withinMs} ms`);
  }

  /** SIGKILL, at this very moment: it has no chance to finish or to say anything. */
  killNow(): void {
    this.#child.kill('SIGKILL');
  }

  async kill(): Promise<void> {
    this.killNow();
    await this.ended;
  }

  /** Lets it finish, and insists when that takes too long; false when it had to. */
  async stop(withinMs: number): Promise<boolean> {
    if (!this.isRunning) return true;
    let hadToInsist = false;
    const insist = after(withinMs, () => {
      hadToInsist = true;
      this.killNow();
    });
    this.#child.kill('SIGTERM');
    await this.ended;
    insist.cancel();
    return !hadToInsist;
  }
}
