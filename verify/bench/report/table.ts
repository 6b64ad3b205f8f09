/** The report for people. */
import type { NotMeasured } from '../sections/section.ts';
import type { SideResult } from '../support/rounds.ts';
import type { Report } from './report.ts';
import type { Target } from './targets.ts';

export function tableOf(report: Report): string {
  const parts = [
    environmentLines(report),
    throughputLines(report),
    costLines(report),
    latencyLines(report),
    floodLines(report),
    storedLines(report),
    growthLines(report),
    scaleOutLines(report),
    targetLines(report),
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function environmentLines({ environment, plan, seconds }: Report): string[] {
  const { cpu, cores, node, redis, nats, postgres, persistence, loadAverage, warning } = environment;
  return [
    `${cpu}, ${cores} cores; Node ${node}, ${redis}, ${nats}, PostgreSQL: ${postgres}`,
    `Redis: ${persistence.redis}`,
    `NATS: ${persistence.nats}`,
    `PostgreSQL: ${persistence.postgres}`,
    `load ${loadAverage.before} before, ${loadAverage.after} after; ${Math.round(seconds)} s${plan.quick ? ', quick' : ''}`,
    ...(warning === undefined ? [] : [`WARNING: ${warning}`]),
  ];
}

const SIDE_HEADS = ['per s', 'min', 'max', 'decisions/s'] as const;

function throughputLines({ throughput }: Report): string[] {
  if (throughput === null) return [];
  return sideTable('lifecycles', throughput.sides);
}

function sideTable(head: string, sides: Readonly<Record<string, SideResult | NotMeasured>>): string[] {
  const rows = Object.entries(sides).map(([name, side]) =>
    'notMeasured' in side ? [`${name}: not measured: ${side.notMeasured}`] : sideRow(side),
  );
  return columns([[head, ...SIDE_HEADS], ...rows]);
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

function latencyLines({ latency }: Report): string[] {
  if (latency === null) return [];
  const rows = Object.entries(latency.rates).flatMap(([perS, sides]) =>
    Object.entries(sides).map(([side, { p50Ms, p99Ms, p999Ms, kept }]) => [
      `${side} at ${whole(Number(perS))}/s`,
      ...[p50Ms, p99Ms, p999Ms].map(String),
      kept ? '' : 'rate not kept',
    ]),
  );
  return columns([['latency, ms', 'p50', 'p99', 'p99.9', ''], ...rows]);
}

function floodLines({ flood }: Report): string[] {
  if (flood === null) return [];
  const sides = { 'quota, ': flood.withQuota, 'no quota, ': flood.withoutQuota };
  const rows = Object.entries(sides).flatMap(([side, rates]) =>
    Object.entries(rates).map(([perS, figures]) => [
      `${side}${whole(Number(perS))}/s`,
      ...[figures.calmP50Ms, figures.floodedP50Ms, figures.p50Ratio, figures.floodedP99Ms].map(String),
      `${Math.round(figures.limitedShare * 100)} % refused`,
    ]),
  );
  return columns([
    ['one agent floods, the others wait, ms', 'p50 without', 'p50 with', 'ratio', 'p99 with', ''],
    ...rows,
  ]);
}

function storedLines({ growth }: Report): string[] {
  return growth === null ? [] : sideTable('growth: lifecycles', growth.stored.sides);
}

function growthLines({ growth }: Report): string[] {
  if (growth === null) return [];
  const { pending, takeOver, stored } = growth;
  const { few, many } = pending.pendingTasks;
  const { heapBytesPerLiveTask, rssBytesPerLiveTask } = takeOver.memory;
  return [
    ...columns([
      ['ms', `p50 of ${whole(few)}`, 'p99', `p50 of ${whole(many)}`, 'p99'],
      ...(['pendingTasksQuery', 'claimNext'] as const).map((name) => {
        const times = pending[name];
        return [name, ...[times.few, times.many].flatMap(({ p50Ms, p99Ms }) => [p50Ms, p99Ms]).map(String)];
      }),
    ]),
    `take-over of ${whole(takeOver.liveTasks)} live tasks: loaded in ${takeOver.loadMs.median} ms; from the kill to ` +
      `the next outcome ${takeOver.killToOutcomeMs.median} ms (the lease is ${takeOver.leaseMs} ms)`,
    `a live task takes ${heapBytesPerLiveTask} bytes of heap, ${rssBytesPerLiveTask} of resident memory`,
    `an idle worker takes ${stored.idleCpuPercent.few ?? '-'} % of a core, with many stored tasks ` +
      `${stored.idleCpuPercent.many ?? '-'} %`,
  ];
}

function scaleOutLines({ scaleOut }: Report): string[] {
  if (scaleOut === null) return [];
  return 'notMeasured' in scaleOut
    ? [`scale-out: not measured: ${scaleOut.notMeasured}`]
    : sideTable('scale-out: lifecycles', scaleOut.sides);
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
