/** Faults of those who send: the same again, and what nobody should send. */
import { setTimeout as delay } from 'node:timers/promises';
import { DEDUPE_WINDOW_MS } from '../system/system.ts';
import type { Fault } from './fault.ts';

const RECOVERS_WITHIN_MS = 15_000;
const MANY = 60;

const inside: Fault = {
  kind: 'resent-inside-window',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject({ load }) {
    await load.sendAgain(MANY, true);
    return Date.now();
  },
};

/** The broker has forgotten the ids, or was never told of them. */
const outside: Fault = {
  kind: 'resent-outside-window',
  recoversWithinMs: RECOVERS_WITHIN_MS,
  async inject({ load }) {
    await load.sendAgain(MANY, false);
    await delay(DEDUPE_WINDOW_MS);
    await load.sendAgain(MANY, true);
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

export const MESSAGE_FAULTS: readonly Fault[] = [inside, outside, poisoned];
