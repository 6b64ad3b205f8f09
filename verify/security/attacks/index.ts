/** What somebody with an agent's credentials may try, each with the outcome that it has to have. */
import type { NatsConnection } from 'nats';
import type { SecuritySystem } from '../system.ts';
import type { Attack, Listener, Scene } from './attack.ts';
import { WITH_FORGED_REPLIES } from './forged-replies.ts';
import { WITH_HEADERS } from './headers.ts';
import { ON_MEMORY } from './memory.ts';
import { ON_RIGHTS } from './rights.ts';
import { ON_ROOM } from './room.ts';

export interface AttackCase {
  readonly who: string;
  readonly kind: 'attack';
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
}

const ATTACKS: readonly Attack[] = [...ON_RIGHTS, ...WITH_FORGED_REPLIES, ...WITH_HEADERS, ...ON_ROOM];

export async function runAttacks(system: SecuritySystem): Promise<readonly AttackCase[]> {
  return await runAll(system, ATTACKS);
}

/** On a system of its own, with {@link FLOODED_SETTINGS}: what they fill is missing to everybody else. */
export async function runFloods(system: SecuritySystem): Promise<readonly AttackCase[]> {
  return await runAll(system, ON_MEMORY);
}

async function runAll(system: SecuritySystem, attacks: readonly Attack[]): Promise<readonly AttackCase[]> {
  const ann = await system.client('ann');
  const listeners: [Listener, NatsConnection][] = [];
  for (const name of ['ann', 'olga', 'otto'] as const) listeners.push([name, await system.connect(name)]);
  const scene: Scene = {
    system,
    ann,
    bob: await system.client('bob'),
    rawBob: await system.connect('bob'),
    listeners,
  };
  const cases: AttackCase[] = [];
  for (const { what, expected, run } of attacks) {
    const found = await run(scene).catch((error) => String(error));
    cases.push({ who: 'bob', kind: 'attack', subject: what, expected, found });
  }
  return cases;
}
