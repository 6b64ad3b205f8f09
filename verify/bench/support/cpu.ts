/** CPU time of processes, all their threads together, as Linux counts it. */
import { readFileSync } from 'node:fs';

/** USER_HZ: what /proc counts in, on every Linux that Node runs on. */
const TICKS_PER_S = 100;
const UTIME = 11;
const STIME = 12;

/** Undefined where there is no /proc, or no such process: a figure nobody measured is not a figure. */
export function cpuSecondsOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program may hold spaces and brackets; what comes after it does not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
    return Number.isFinite(ticks) ? ticks / TICKS_PER_S : undefined;
  } catch {
    return undefined;
  }
}

/** Who is measured: name → process ids. */
export type Processes = Readonly<Record<string, readonly number[]>>;

/** CPU seconds by name; what cannot be measured is left out. */
export type CpuSeconds = Readonly<Record<string, number>>;

export class CpuMeter {
  readonly #processes: Processes;
  readonly #before: CpuSeconds;

  constructor(processes: Processes) {
    this.#processes = processes;
    this.#before = readAll(processes);
  }

  /** Since the meter was made. */
  used(): CpuSeconds {
    const after = readAll(this.#processes);
    return Object.fromEntries(
      Object.entries(after).flatMap(([name, seconds]) => {
        const before = this.#before[name];
        return before === undefined ? [] : [[name, seconds - before]];
      }),
    );
  }
}

function readAll(processes: Processes): CpuSeconds {
  return Object.fromEntries(
    Object.entries(processes).flatMap(([name, pids]) => {
      const seconds = pids.map(cpuSecondsOf);
      const known = seconds.filter((each) => each !== undefined);
      return known.length < seconds.length ? [] : [[name, known.reduce((sum, each) => sum + each, 0)]];
    }),
  );
}
