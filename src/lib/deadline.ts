/** By when an answer is worth having: work that nobody waits for any more is stopped, not finished. */

export class DeadlinePassedError extends Error {
  constructor(ms: number) {
    super(`the query took longer than the ${Math.round(ms)} ms that its caller waits`);
    this.name = 'DeadlinePassedError';
  }
}

export interface Deadline {
  /** Throws a {@link DeadlinePassedError} once the time is over. To be called between bounded pieces of work. */
  check(): void;
}

/** So many milliseconds from now, by the monotonic clock. */
export function deadlineIn(ms: number): Deadline {
  const at = performance.now() + ms;
  return {
    check() {
      if (performance.now() >= at) throw new DeadlinePassedError(ms);
    },
  };
}

export const NO_DEADLINE: Deadline = { check: () => undefined };
