/**
 * The way from a worker to its servers and back. The servers in memory do what they are asked; whether, when and how
 * often they are reached is the link's concern: a direct one for the tests that they share with Redis and JetStream,
 * one that fails on purpose for the simulation.
 */
import type { Alarm } from '../../../src/lib/signal.ts';

/** What a request is for: some are worth a fault of their own. */
export type Purpose = 'commit' | 'read' | 'lease' | 'log' | 'publish';

export interface Link {
  /** One request and its answer. What the effect throws is the answer, too. */
  request<T>(purpose: Purpose, effect: () => T): Promise<T>;
  /** Several messages, in this order, confirmed together. */
  sequence(purpose: Purpose, effects: readonly (() => void)[]): Promise<void>;
  /** A message that nobody confirms. */
  send(effect: () => void): void;
  /** What a server delivers without being asked, in order. */
  push(arrive: () => void): void;
  readonly alarm: Alarm;
}

/** Every request is answered at once. */
export const DIRECT_LINK: Link = {
  async request(_purpose, effect) {
    return effect();
  },
  async sequence(_purpose, effects) {
    for (const effect of effects) effect();
  },
  send: (effect) => effect(),
  push: (arrive) => queueMicrotask(arrive),
  alarm: (ms, ring) => {
    const timer = setTimeout(ring, ms);
    return () => clearTimeout(timer);
  },
};
