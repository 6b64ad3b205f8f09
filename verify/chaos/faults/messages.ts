/** Faults of those who send: the same again, and what nobody should send. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.ts';

const RECOVERS_WITHIN_MS = 15_000;
const MANY = 60;
const BETWEEN_MS = 1_000;

const atOnce: Fault = {
  kind: 'resent-at-once',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject({ load }) {
    await load.sendAgain(MANY);
    return Date.now();
  },
};

/** Twice, with other decisions between. */
const later: Fault = {
  kind: 'resent-later',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject({ load }) {
    await load.sendAgain(MANY);
    await delay(BETWEEN_MS);
    await load.sendAgain(MANY);
    return Date.now();
  },
};

const poisoned: Fault = {
  kind: 'poison',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject({ load }) {
    await load.poisonNow(MANY);
    return Date.now();
  },
};

export const MESSAGE_FAULTS: readonly Fault[] = [atOnce, later, poisoned];
