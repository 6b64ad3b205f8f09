/** Replies to queries as people read them: lists as tables, one thing as its fields. */
import { isObject } from '../protocol/json.ts';
import type { QueryName } from '../protocol/queries.ts';
import { aligned, cell, indented } from './text.ts';

/** Which fields of the items of a list are worth a column; all of those that are not objects, where it is not said. */
const COLUMNS: { readonly [name in QueryName]?: readonly string[] } = {
  tasks: ['taskId', 'state', 'priority', 'submitter', 'claim.agent', 'objective'],
  'pending-tasks': ['pool', 'taskId', 'priority', 'requiredCapabilities', 'submitter', 'objective'],
  pools: ['pool', 'state', 'owner', 'admission.kind', 'topics'],
  members: ['agent', 'capabilities', 'joinedAt'],
};

/** Times, as fields name them. */
const TIMES = /(At|^at|notBefore|deadline|closesAt)$/;
const WIDEST = 60;

export function answerText(name: QueryName, answer: unknown): string {
  if (!isObject(answer)) return cell(answer);
  if (Array.isArray(answer.items)) {
    const more = answer.cursor === undefined ? '' : `\nmore: cursor=${cell(answer.cursor)}`;
    return tableText(answer.items, COLUMNS[name]) + more;
  }
  return fieldsText(answer);
}

function tableText(items: readonly unknown[], columns: readonly string[] = scalarFields(items)): string {
  if (items.length === 0) return '(none)';
  const rows = items.map((item) => columns.map((column) => fieldText(column, at(item, column), WIDEST)));
  return aligned([[...columns], ...rows]);
}

function fieldsText(answer: { readonly [field: string]: unknown }): string {
  const scalars: string[][] = [];
  const tables: string[] = [];
  for (const [name, value] of Object.entries(answer)) {
    if (Array.isArray(value) && value.length > 0 && value.every(isObject)) {
      tables.push(`${name}\n${indented(tableText(value))}`);
    } else scalars.push([name, fieldText(name, value)]);
  }
  return [aligned(scalars), ...tables].join('\n');
}

function fieldText(name: string, value: unknown, most?: number): string {
  if (typeof value === 'number' && value > 0 && TIMES.test(name)) return timeText(value);
  return cell(value, most);
}

/** RFC 3339, and the number itself where it is beyond what a date can be. */
export function timeText(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString();
}

/** Fields of the items, and those of small objects in them, like the counts of tasks by state. */
function scalarFields(items: readonly unknown[]): string[] {
  const names = new Set<string>();
  for (const item of items) {
    if (!isObject(item)) continue;
    for (const [name, value] of Object.entries(item)) {
      if (!isObject(value)) names.add(name);
      else if (isCounts(value)) for (const inner of Object.keys(value)) names.add(`${name}.${inner}`);
    }
  }
  return [...names];
}

const MOST_COUNTS = 12;

function isCounts(value: object): boolean {
  const counts = Object.values(value);
  return counts.length <= MOST_COUNTS && counts.every((count) => typeof count === 'number');
}

/** `claim.agent` of an item. */
function at(item: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), item);
}
