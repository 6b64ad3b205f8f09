import { isObject } from '../../protocol/json.ts';
import { subjects } from '../../protocol/subjects.ts';
import { timeText } from '../answer-text.ts';
import { formatDuration } from '../durations.ts';
import { coreSource, jsonOf } from './core-source.ts';
import type { Source, SourceOptions } from './source.ts';

export async function sweepSource({ connection, namespace, pool, agent }: SourceOptions): Promise<Source> {
  return await coreSource(connection, subjects(namespace).sweeps, (message) => {
    const summary = jsonOf(message);
    if (!isObject(summary) || typeof summary.sweeps !== 'number' || !concerns(summary, pool, agent))
      return undefined;
    return { value: summary, line: lineOf(summary) };
  });
}

type Summary = { readonly [field: string]: unknown };

/** A sweep is of all shards: it is shown when any of what it found is of the pool and the agent. */
function concerns(summary: Summary, pool: string | undefined, agent: string | undefined): boolean {
  if (pool === undefined && agent === undefined) return true;
  return Object.values(summary)
    .flatMap((found) => (Array.isArray(found) ? found : []))
    .some(
      (found) =>
        isObject(found) &&
        (pool === undefined || found.pool === pool) &&
        (agent === undefined || found.agent === agent),
    );
}

function lineOf(summary: Summary): string {
  const { at, durationMs, sweeps } = summary;
  const counts = Object.entries(summary).flatMap(([name, found]) => {
    if (name === 'at' || name === 'durationMs' || name === 'sweeps') return [];
    const count = Array.isArray(found) ? found.length : Number(found);
    return count > 0 ? [`${name} ${count}`] : [];
  });
  const time = typeof at === 'number' ? timeText(at) : '';
  return `${time}  ${String(sweeps)} sweeps in ${formatDuration(Number(durationMs))}  ${counts.join(', ')}`;
}
