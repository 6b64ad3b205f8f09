/** Which of the levels of docs/guarantees.md the servers at hand give together. */
import type { LogDurability } from '../../bus/log-durability.ts';
import type { StateDurability } from '../../state/state-durability.ts';
import { durabilityOf, durabilityText } from '../../workers/process/durability.ts';
import { type Check, fail, ok, warn } from './check.ts';

export function durabilityCheck(log: LogDurability, state: StateDurability): Check {
  const durability = durabilityOf(log, state);
  const text = durabilityText(durability);
  if (durability.survives === 'nothing') return fail('durability', text);
  return log.missing.length > 0 ? warn('durability', text) : ok('durability', text);
}
