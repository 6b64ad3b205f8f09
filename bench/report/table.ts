/** The report for people. */
import type { SideResult } from '../support/rounds.ts';
import type { Target } from './ratios.ts';
import type { Report } from './report.ts';

export function tableOf(report: Report): string {
  return [environmentLines(report), throughputLines(report), costLines(report), targetLines(report)]
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function environmentLines({ environment, plan, seconds }: Report): string[] {
  const { cpu, cores, node, redis, nats, postgres, persistence, loadAverage } = environment;
  return [
    `${cpu}, ${cores} cores; Node ${node}, ${redis}, ${nats}, PostgreSQL: ${postgres}`,
    `Redis: ${persistence.redis}`,
    `NATS: ${persistence.nats}`,
    `PostgreSQL: ${persistence.postgres}`,
    `load ${loadAverage.before} before, ${loadAverage.after} after; ${Math.round(seconds)} s${plan.quick ? ', quick' : ''}`,
  ];
}

function throughputLines({ throughput }: Report): string[] {
  if (throughput === null) return [];
  const rows = Object.values(throughput.sides).map((side) =>
    'notMeasured' in side ? [`not measured: ${side.notMeasured}`] : sideRow(side),
  );
  return columns([['lifecycles', 'per s', 'min', 'max', 'decisions/s'], ...rows]);
}

function sideRow({ title, lifecyclesPerS, decisionsPerS }: SideResult): string[] {
  const { median, min, max } = lifecyclesPerS;
  return [
    title,
    whole(median),
    whole(min),
    whole(max),
    decisionsPerS === undefined ? '' : whole(decisionsPerS.median),
  ];
}

function costLines({ cost }: Report): string[] {
  if (cost === null) return [];
  const names = [
    ...new Set(Object.values(cost).flatMap((each) => Object.keys(each.cpuSecondsPerMillionLifecycles))),
  ];
  const rows = Object.entries(cost).map(([side, { cpuSecondsPerMillionLifecycles: cpu }]) => [
    side,
    ...names.map((name) => (cpu[name] === undefined ? '-' : String(cpu[name]))),
  ]);
  return columns([['CPU seconds per million lifecycles', ...names], ...rows]);
}

function targetLines({ targets }: Report): string[] {
  return columns([['targets', 'value', 'wanted', ''], ...Object.values(targets).map(targetRow)]);
}

function targetRow({ what, value, comparison, target, met }: Target): string[] {
  const sign = comparison === 'atLeast' ? '≥' : '≤';
  const verdict = met === null ? 'not measured' : met ? 'reached' : 'MISSED';
  return [what, value === null ? '-' : String(value), `${sign} ${target}`, verdict];
}

/** The first column to the left, the others to the right. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
