import { isObject } from '../../protocol/json.ts';
import { subjects } from '../../protocol/subjects.ts';
import { timeText } from '../answer-text.ts';
import { cell } from '../text.ts';
import { coreSource, jsonOf } from './core-source.ts';
import type { Source, SourceOptions } from './source.ts';

export async function resultSource({ connection, namespace, pool, agent }: SourceOptions): Promise<Source> {
  const names = subjects(namespace);
  const subject = agent === undefined ? names.allResults : names.resultsOf(agent);
  return await coreSource(connection, subject, (message) => {
    const outcome = jsonOf(message);
    // Others can have answers to their own questions sent here (docs/security.md): those are no outcomes.
    if (!isObject(outcome) || typeof outcome.decisionId !== 'string') return undefined;
    if (message.subject !== names.result(String(outcome.agent), outcome.decisionId)) return undefined;
    if (pool !== undefined && outcome.pool !== pool) return undefined;
    return { value: outcome, line: lineOf(outcome) };
  });
}

function lineOf(outcome: { readonly [field: string]: unknown }): string {
  const { at, pool, status, type, agent, decisionId, code, message, data } = outcome;
  const rest = status === 'rejected' ? `${cell(code)}: ${cell(message)}` : cell(data);
  const time = typeof at === 'number' ? timeText(at) : '';
  return [time, pool, status, type, `by ${cell(agent)}`, decisionId, rest]
    .map((part) => cell(part))
    .join('  ')
    .trimEnd();
}
