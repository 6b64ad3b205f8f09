/** Wakes one loop: a ring that comes while nobody listens is heard by the next who does. */
import { after } from '../../lib/timers.ts';
export class Bell {
  #hasRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Resolves at the next ring, at once if there was one since the last time, and at the latest after `withinMs`. */
  heard(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = after(Math.max(0, withinMs), done);
      const self = this;
      function done(): void {
        timer.cancel();
        self.#wake = undefined;
        self.#hasRung = false;
        resolve();
      }
      if (this.#hasRung) done();
      else this.#wake = done;
    });
  }
}
