/** Outcomes as people read them, and what they mean for the exit code. */

import { EXIT } from '../lib/program/exit.ts';
import { isNotFound } from '../protocol/codes.ts';
import { isObject } from '../protocol/json.ts';
import { pushAll } from '../protocol/lists.ts';
import type { Outcome } from '../protocol/outcome.ts';
import { cell, indented } from './text.ts';

export function outcomeText(outcome: Outcome): string {
  const { status, type, pool, agent, decisionId, shard, seq, code, message, data } = outcome;
  const where = shard < 0 ? '' : `, shard ${shard}, position ${seq}`;
  const lines = [`${status}  ${type} in ${pool} by ${agent}  (decision ${decisionId}${where})`];
  if (status === 'rejected') lines.push(`${code}: ${message}`);
  if (isObject(data) && Array.isArray(data.outcomes)) pushAll(lines, data.outcomes.map(memberText));
  else if (data !== undefined) lines.push(dataText(data));
  const [first = '', ...rest] = lines;
  return [first, ...rest.map((line) => indented(line))].join('\n');
}

const ONE_LINE_CHARS = 100;

function dataText(data: unknown): string {
  const line = JSON.stringify(data);
  return line.length <= ONE_LINE_CHARS ? line : JSON.stringify(data, undefined, 2);
}

function memberText(member: unknown, index: number): string {
  if (!isObject(member)) return cell(member);
  const { status, type, code, message, data } = member;
  const rest = status === 'rejected' ? `${cell(code)}: ${cell(message)}` : cell(data);
  return `[${index}] ${cell(status)}  ${cell(type)}  ${rest}`.trimEnd();
}

/**
 * 3 when something was rejected, members of a Batch among it; 4 when all that was rejected was so because it asked for
 * what does not exist.
 */
export function exitCodeFor(outcomes: readonly Outcome[]): number {
  const codes = outcomes.flatMap(rejectionsOf);
  if (codes.length === 0) return EXIT.ok;
  return codes.every(isNotFound) ? EXIT.notFound : EXIT.rejected;
}

function rejectionsOf({ status, code, data }: Outcome): string[] {
  if (status === 'rejected') return [String(code)];
  if (!isObject(data) || !Array.isArray(data.outcomes)) return [];
  return data.outcomes.flatMap((member) =>
    isObject(member) && member.status === 'rejected' ? [String(member.code)] : [],
  );
}
