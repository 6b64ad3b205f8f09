/** Asks for every outcome that nobody heard, and again for some that were: they have to be the same. */

import { parseDecisionSubject } from '../../../src/protocol/subjects.ts';
import type { Random } from '../../kit/chance/random.ts';
import { type Key, keyOf } from '../checker/testimony.ts';
import type { OutcomeWatch } from '../load/outcome-watch.ts';
import type { Sender } from '../load/sender.ts';
import type { ChaosSystem } from '../system/system.ts';
import { readStream } from './take-streams.ts';

const ASKED_AGAIN = 1_000;
const AT_ONCE = 16;
const WITHIN_MS = 20_000;
const ANSWER_WITHIN_MS = 3_000;

export async function askForMissing(
  { connection, subjects, namespace }: ChaosSystem,
  sender: Sender,
  outcomes: OutcomeWatch,
  random: Random,
): Promise<void> {
  const keys = new Map<string, Key>();
  await readStream(connection, subjects.streams.decisions, (message) => {
    const address = parseDecisionSubject(namespace, message.subject);
    const id = idOf(message.string());
    if (address === undefined || id === undefined) return;
    const { pool, agent } = address;
    keys.set(keyOf({ pool, agent, id }), { pool, agent, id });
  });
  const known: Key[] = [];
  const missing: Key[] = [];
  for (const key of keys.values()) (outcomes.knows(key) ? known : missing).push(key);
  const queue = [...missing, ...random.shuffled(known).slice(0, ASKED_AGAIN)];
  const deadline = Date.now() + WITHIN_MS;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let key = queue.shift(); key !== undefined && Date.now() < deadline; key = queue.shift())
        await sender.ask(key, ANSWER_WITHIN_MS);
    }),
  );
}

function idOf(text: string): string | undefined {
  try {
    const body: unknown = JSON.parse(text);
    const id: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'id') : undefined;
    return typeof id === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
