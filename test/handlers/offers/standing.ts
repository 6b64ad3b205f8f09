/** Shorthands for scenarios about standing offers. */
import { expect } from 'vitest';
import type { DecisionInput } from '../../../src/protocol/decisions/index.ts';
import type { Offer } from '../../../src/protocol/offers.ts';
import { by, joins, pool, type Scenario, type Step, given as scenario } from '../scenario.ts';
import { unmatched } from './unmatched.ts';

type Fields<T extends DecisionInput['type']> = Omit<Extract<DecisionInput, { type: T }>, 'type'>;

/** The id of the decision is `offer-of-<agent>` where none is given, so that claims name that. */
export function standsBy(agent: string, fields: Fields<'StandBy'> = {}): Step {
  return by(agent, { type: 'StandBy', id: `offer-of-${agent}`, ...fields });
}

export function standsDown(agent: string, fields: Fields<'StandDown'> = {}): Step {
  return by(agent, { type: 'StandDown', ...fields });
}

/** A pool, and members that stand by for any task, one after the other. */
export function waiting(...agents: readonly string[]): readonly Step[] {
  return [pool(), ...agents.flatMap((agent) => [joins(agent), standsBy(agent)])];
}

export function given(...steps: readonly Step[]): Scenario {
  return scenario(...steps);
}

export function releases(agent: string, taskId: string): Step {
  return by(agent, { type: 'ReleaseTask', taskId });
}

export function renews(agent: string, taskId: string): Step {
  return by(agent, { type: 'RenewClaim', taskId });
}

/** Who holds a task, through an offer or not. */
export function holderOf(story: Scenario, taskId: string): string | undefined {
  return story.task(taskId)?.claim?.agent;
}

export function offerOf(story: Scenario, agent: string, offerId = 'main'): Offer | undefined {
  return story.world.pool('work')?.offers.get(agent, offerId);
}

/** Nothing waits in vain: see `unmatched.ts`. */
export function thenNothingWaits(story: Scenario): void {
  expect(unmatched(story.world, story.now)).toEqual([]);
}
