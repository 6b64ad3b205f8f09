/** The matrix for people: a line for each subject, a column for each one who tries. */
import { aligned } from '../../src/cli/text.ts';
import type { AttackCase } from './attacks/index.ts';
import { NAMES } from './expectations.ts';
import type { Case } from './matrix.ts';
import type { PrivateCase } from './private/index.ts';

const COLUMNS: readonly string[] = NAMES;

type AnyCase = Case | AttackCase | PrivateCase;

/** Kinds that have a line each, and no columns. */
const SINGLE: ReadonlySet<string> = new Set([
  'attack',
  'connect',
  'private pool',
] satisfies AnyCase['kind'][]);

const MARKS: Readonly<Record<string, string>> = { allowed: 'yes', denied: '-' };

export function tableOf(cases: readonly AnyCase[]): string {
  const tried = cases.filter((each): each is Case => !SINGLE.has(each.kind));
  const single = cases.filter((each) => SINGLE.has(each.kind));
  const rows = new Map<string, string[]>();
  for (const each of tried) {
    const key = `${each.kind} ${each.row}`;
    const row = rows.get(key) ?? [each.kind, each.row, ...NAMES.map(() => '')];
    row[2 + COLUMNS.indexOf(each.who)] = markOf(each);
    rows.set(key, row);
  }
  const wrong = cases.filter(({ expected, found }) => expected !== found).length;
  return [
    aligned([['', '', ...NAMES], ...rows.values()]),
    '',
    aligned(single.map((each) => [each.kind, `${each.who} ${each.subject}`.trim(), markOf(each)])),
    '',
    `${cases.length} cases, ${cases.length - wrong} as expected, ${wrong} wrong`,
    '',
  ].join('\n');
}

function markOf({ expected, found }: AnyCase): string {
  const mark = MARKS[found] ?? found;
  return expected === found ? mark : `${mark} (NOT ${MARKS[expected] ?? expected})`;
}
