/**
 * A worker process as the scheduler sees it: it can be killed, and then nothing of it goes on; it can be stopped and go on
 * later, and then everything that came meanwhile comes at once. Everything that its code waits for comes through here.
 */

import { UnavailableError } from '../../src/lib/errors.ts';
import type { Alarm } from '../../src/lib/signal.ts';
import type { Clock } from '../../src/workers/shard/ports.ts';
import type { Random } from '../kit/chance/random.ts';
import type { Link, Purpose } from './memory/link.ts';
import type { Plan } from './plan.ts';
import type { Scheduler } from './scheduler.ts';
import { type Servers, START } from './servers.ts';
import type { Trace } from './trace.ts';

export interface ProcessOptions {
  readonly id: string;
  readonly scheduler: Scheduler;
  readonly dice: Random;
  readonly plan: Plan;
  readonly servers: Servers;
  readonly trace: Trace;
  /** Counts a fault; false when faults are over. */
  readonly happens: (fault: string) => boolean;
  readonly onDeath: () => void;
}

type Fate = 'done' | 'lost' | 'answer_lost' | 'late' | 'slow' | 'crash_before' | 'crash_after';

const MOST_SLOW_MS = 1_500;
const MOST_TIMEOUT_MS = 400;
const MOST_LATE_MS = 2_000;

export class SimProcess implements Link {
  readonly id: string;
  readonly clock: Clock;
  readonly alarm: Alarm;
  /** How far its wall clock is from the simulated time. */
  skewMs = 0;
  readonly #options: ProcessOptions;
  #state: 'running' | 'stopped' | 'dead' = 'running';
  #backlog: (() => void)[] = [];
  /** What was sent on one connection arrives in order. */
  readonly #lastArrival = { commit: 0, read: 0, lease: 0, log: 0, publish: 0 };
  #lastPush = 0;

  constructor(options: ProcessOptions) {
    const { scheduler } = options;
    this.#options = options;
    this.id = options.id;
    this.alarm = (ms, ring) => {
      const timer = scheduler.after(ms, () => this.enter(ring));
      return () => timer.cancel();
    };
    this.clock = {
      now: () => START + Math.floor(scheduler.now) + this.skewMs,
      monotonic: () => scheduler.now,
      sleep: (ms, signal) => this.#sleep(ms, signal),
    };
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Runs code of the process: now, or when it goes on, or never. */
  enter(run: () => void): void {
    if (this.#state === 'dead') return;
    if (this.#state === 'stopped') {
      this.#backlog.push(run);
      return;
    }
    run();
    this.#options.scheduler.settled();
  }

  kill(why: string): void {
    if (this.#state === 'dead') return;
    this.#options.trace.note(this.id, `dies: ${why}`);
    this.#state = 'dead';
    this.#backlog = [];
    this.#options.onDeath();
  }

  /** SIGSTOP, or an event loop that is blocked. */
  stopFor(ms: number): void {
    if (this.#state !== 'running') return;
    this.#state = 'stopped';
    this.#options.scheduler.after(ms, () => this.goOn());
  }

  goOn(): void {
    if (this.#state !== 'stopped') return;
    this.#state = 'running';
    this.#options.trace.note(this.id, `goes on, with ${this.#backlog.length} things to hear of`);
    for (const run of this.#backlog.splice(0)) this.#options.scheduler.after(0, () => this.enter(run));
  }

  request<T>(purpose: Purpose, effect: () => T): Promise<T> {
    const { scheduler, servers, dice } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.isDead) return;
      const fate = this.#fateOf(purpose);
      const fail = (): void => this.#failSoon(reject);
      if (fate === 'crash_before') return this.kill(`before a ${purpose}`);
      if (fate === 'lost') return fail();
      const arrive = (): void => {
        if (servers.isDown(purpose)) {
          fail();
          return;
        }
        const answer = attempt(effect);
        if (fate === 'late') return;
        if (fate === 'crash_after') {
          this.kill(`after a ${purpose}`);
          return;
        }
        if (fate === 'answer_lost') {
          fail();
          return;
        }
        scheduler.after(this.#latency(), () =>
          this.enter(() => ('value' in answer ? resolve(answer.value) : reject(answer.error))),
        );
      };
      if (fate === 'late') {
        fail();
        scheduler.after(dice.span(0, MOST_LATE_MS), arrive);
      } else this.#at(purpose, fate === 'slow' ? dice.span(0, MOST_SLOW_MS) : 0, arrive);
    });
  }

  sequence(purpose: Purpose, effects: readonly (() => void)[]): Promise<void> {
    const { scheduler, servers, dice } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.isDead) return;
      const fate = this.#fateOf(purpose);
      const fail = (): void => this.#failSoon(reject);
      if (fate === 'crash_before') return this.kill(`before a ${purpose}`);
      // The connection breaks in the middle: what was sent behind that place is lost, or arrives when nobody expects it.
      const reached =
        fate === 'done' || fate === 'slow' || fate === 'answer_lost'
          ? effects.length
          : dice.integer(effects.length + 1);
      let refusal: unknown;
      const last = (): void => {
        if (fate === 'crash_after') {
          this.kill(`in the middle of a ${purpose}`);
          return;
        }
        if (reached < effects.length || fate === 'answer_lost' || fate === 'lost') {
          fail();
          return;
        }
        scheduler.after(this.#latency(), () =>
          this.enter(() => (refusal === undefined ? resolve() : reject(refusal))),
        );
      };
      const arrive = (i: number): void => {
        if (servers.isDown(purpose)) {
          fail();
          return;
        }
        for (let at = i; at < reached; at++) {
          const answer = attempt(() => effects[at]?.());
          if ('error' in answer) refusal ??= answer.error;
          // Others are served in between.
          if (at + 1 < reached && dice.chance(0.1)) {
            this.#at(purpose, 0, () => arrive(at + 1));
            return;
          }
        }
        last();
        if (fate !== 'late') return;
        const rest = effects.slice(reached);
        scheduler.after(dice.span(0, MOST_LATE_MS), () => {
          for (const effect of rest) attempt(effect);
        });
      };
      this.#at(purpose, fate === 'slow' ? dice.span(0, MOST_SLOW_MS) : 0, () => arrive(0));
    });
  }

  send(effect: () => void): void {
    const { dice, plan, servers, happens } = this.#options;
    if (this.isDead) return;
    if (dice.chance(plan.resultsLost) && happens('result_lost')) return;
    this.#at('publish', 0, () => {
      if (!servers.isNatsDown) effect();
    });
  }

  push(arrive: () => void): void {
    const { scheduler, dice, plan, servers, happens } = this.#options;
    const { lost, doubled, delayed } = plan.deliveries;
    if (this.isDead || servers.isNatsDown) return;
    if (dice.chance(lost) && happens('delivery_lost')) return;
    const isDelayed = dice.chance(delayed) && happens('delivery_delayed');
    const at = isDelayed
      ? scheduler.now + dice.span(0, 500)
      : Math.max(this.#lastPush, scheduler.now + this.#latency());
    if (!isDelayed) this.#lastPush = at;
    const times = dice.chance(doubled) && happens('delivery_doubled') ? 2 : 1;
    for (let i = 0; i < times; i++) scheduler.after(at - scheduler.now, () => this.enter(arrive));
  }

  #fateOf(purpose: Purpose): Fate {
    const { dice, plan, happens } = this.#options;
    const { lost, answerLost, late, slow, crash } = plan.requests[purpose];
    let draw = dice.next();
    const falls = (chance: number, fault: string): boolean => {
      draw -= chance;
      return draw < 0 && draw >= -chance && happens(`${purpose}_${fault}`);
    };
    if (falls(lost, 'lost')) return 'lost';
    if (falls(answerLost, 'answer_lost')) return 'answer_lost';
    if (falls(late, 'late')) return 'late';
    if (falls(slow, 'slow')) return 'slow';
    if (falls(crash / 2, 'crash_before')) return 'crash_before';
    if (falls(crash / 2, 'crash_after')) return 'crash_after';
    return 'done';
  }

  #at(purpose: Purpose, extraMs: number, arrive: () => void): void {
    const { scheduler } = this.#options;
    const at = Math.max(this.#lastArrival[purpose], scheduler.now + this.#latency() + extraMs);
    this.#lastArrival[purpose] = at;
    scheduler.after(at - scheduler.now, arrive);
  }

  #latency(): number {
    const { dice, plan } = this.#options;
    return dice.next() * plan.latencyMs;
  }

  #failSoon(reject: (error: Error) => void): void {
    const { scheduler, dice } = this.#options;
    scheduler.after(dice.span(1, MOST_TIMEOUT_MS), () =>
      this.enter(() => reject(new UnavailableError('the connection was reset'))),
    );
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#options.scheduler.after(ms, () =>
        this.enter(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        }),
      );
      const onAbort = (): void => {
        timer.cancel();
        resolve();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

function attempt<T>(effect: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: effect() };
  } catch (error) {
    return { error };
  }
}
