import { isName, isReserved } from '../../src/protocol/names.ts';
import type { CsvRow } from '../csv.ts';
import type { PlannedAgent } from '../workload.ts';

export const NODE_COLUMNS = ['sn', 'gpu', 'model'] as const;

const MOST_GPUS = 128;

/** Every node is an agent: its GPU model and size are its capabilities, its GPUs (at least one) its claims at once. */
export function agentsOf(rows: readonly CsvRow[]): PlannedAgent[] {
  const names = new Set<string>();
  return rows.map((row) => {
    const name = row.text('sn');
    if (!isName(name) || isReserved(name)) {
      throw row.fault(`sn is ${JSON.stringify(name)}, not 1 to 64 letters, digits, - and _`);
    }
    if (names.has(name)) throw row.fault(`a second node named ${name}`);
    names.add(name);
    const gpus = row.wholeNumber('gpu', MOST_GPUS);
    const model = row.text('model');
    if (model.length > 128) throw row.fault('model is longer than 128 characters');
    const sizes = Array.from({ length: gpus }, (_, i) => atLeastGpus(i + 1));
    return {
      name,
      capabilities: gpus > 0 && model !== '' ? [model, ...sizes] : sizes,
      slots: Math.max(1, gpus),
    };
  });
}

/** The capability of having so many GPUs or more. */
export function atLeastGpus(count: number): string {
  return `gpus>=${count}`;
}
