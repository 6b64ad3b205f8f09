/**
 * Other processes that run an agent of the same name. Outcomes go to everyone who listens under a name, so two of them
 * hear each other by the ids of their heartbeats: one that begins says hello, one that is there answers.
 */
import { randomBytes } from 'node:crypto';
import { after } from '../../lib/timers.ts';
import type { ConvergeClient } from '../core/client.ts';

export interface NamesakesOptions {
  readonly client: ConvergeClient;
  readonly pool: string;
  /** Called once for each that is heard of. */
  readonly onMet: () => void;
  readonly onError: (error: unknown) => void;
}

/** How long one that is there has to answer. */
const ANSWER_WITHIN_MS = 1_000;
/** Most that are remembered by their tags. */
const MAX_MET = 1_000;
const TAG = /^agent-(hello|here)-([0-9a-f]{16})-\d+$/;

export class Namesakes {
  readonly #options: NamesakesOptions;
  readonly #tag = randomBytes(8).toString('hex');
  readonly #met = new Set<string>();
  readonly #waiting = new Set<(isThere: boolean) => void>();
  readonly #unlisten: () => void;
  #said = 0;
  #isClosed = false;

  constructor(options: NamesakesOptions) {
    this.#options = options;
    this.#unlisten = options.client.onOutcomeTold((decisionId) => this.#heard(decisionId));
  }

  get hasMet(): boolean {
    return this.#met.size > 0;
  }

  /** Is another one running at this moment? */
  async areThere(): Promise<boolean> {
    if (this.#isClosed) return false;
    const answered = new Promise<boolean>((resolve) => {
      const timer = after(ANSWER_WITHIN_MS, () => done(false));
      const done = (isThere: boolean): void => {
        timer.cancel();
        this.#waiting.delete(done);
        resolve(isThere);
      };
      this.#waiting.add(done);
    });
    this.#say('hello');
    return await answered;
  }

  /** Pending callers stop waiting. */
  hurry(): void {
    for (const done of [...this.#waiting]) done(false);
  }

  close(): void {
    this.#isClosed = true;
    this.#unlisten();
    this.hurry();
  }

  #heard(decisionId: string): void {
    const [, word, tag] = TAG.exec(decisionId) ?? [];
    if (tag === undefined || tag === this.#tag || this.#isClosed) return;
    for (const done of [...this.#waiting]) done(true);
    if (word === 'hello') this.#say('here');
    if (this.#met.has(tag) || this.#met.size >= MAX_MET) return;
    this.#met.add(tag);
    this.#options.onMet();
  }

  /** Whether it is accepted does not matter: its outcome is told either way. */
  #say(word: 'hello' | 'here'): void {
    const { client, pool, onError } = this.#options;
    const id = `agent-${word}-${this.#tag}-${this.#said++}`;
    client.publish(pool, { id, type: 'Heartbeat' }).catch((error) => {
      if (!this.#isClosed) onError(error);
    });
  }
}
