/** Holds processes to a part of a core, by a control group: version 1 or 2, which needs root. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../src/lib/errors.ts';
import type { NotMeasured } from '../sections/section.ts';
import type { Stoppable } from './stops.ts';

/** Short, so that a process that has used up its part waits milliseconds and not a tenth of a second. */
const PERIOD_US = 10_000;

interface Hierarchy {
  readonly version: 1 | 2;
  readonly root: string;
}

export interface CpuQuota extends Stoppable {
  /** From now on the process, with all its threads, has at most the share. */
  limit(pid: number, share: number): void;
  readonly how: string;
}

export function cpuQuota(): CpuQuota | NotMeasured {
  const hierarchy = hierarchyOf(readFile('/proc/mounts'));
  if (hierarchy === undefined) return { notMeasured: 'no control groups for CPU are mounted' };
  try {
    const quota = new ControlGroups(hierarchy);
    quota.check();
    return quota;
  } catch (error) {
    return { notMeasured: `control groups cannot be made here: ${messageOf(error)}` };
  }
}

/** Where CPU quotas are set: version 1 where it has the CPU controller, because then version 2 has not. */
export function hierarchyOf(mounts: string): Hierarchy | undefined {
  const lines = mounts.split('\n').map((line) => line.split(' '));
  const v1 = lines.find(([, , type, options]) => type === 'cgroup' && options?.split(',').includes('cpu'));
  if (v1?.[1] !== undefined) return { version: 1, root: v1[1] };
  const v2 = lines.find(([, , type]) => type === 'cgroup2');
  return v2?.[1] === undefined ? undefined : { version: 2, root: v2[1] };
}

class ControlGroups implements CpuQuota {
  readonly how: string;
  readonly #hierarchy: Hierarchy;
  readonly #groups: string[] = [];

  constructor(hierarchy: Hierarchy) {
    this.#hierarchy = hierarchy;
    this.how = `control groups version ${hierarchy.version}, period ${PERIOD_US / 1_000} ms`;
    process.once('exit', () => this.#removeAtExit());
  }

  /** Throws when groups cannot be made. */
  check(): void {
    this.#newGroup(1);
    this.#remove();
  }

  limit(pid: number, share: number): void {
    writeFileSync(join(this.#newGroup(share), 'cgroup.procs'), String(pid));
  }

  /** After the processes have ended. */
  async stop(): Promise<void> {
    for (let tries = 0; this.#groups.length > 0 && tries < 20; tries++) {
      this.#remove();
      await delay(50);
    }
  }

  #newGroup(share: number): string {
    const { version, root } = this.#hierarchy;
    if (version === 2) writeFileSync(join(root, 'cgroup.subtree_control'), '+cpu');
    const group = join(root, `converge-bench-${process.pid}-${this.#groups.length}`);
    mkdirSync(group);
    this.#groups.push(group);
    const quota = Math.round(PERIOD_US * share);
    if (version === 2) writeFileSync(join(group, 'cpu.max'), `${quota} ${PERIOD_US}`);
    else {
      writeFileSync(join(group, 'cpu.cfs_period_us'), String(PERIOD_US));
      writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quota));
    }
    return group;
  }

  /** The processes were killed this very moment, by a net that was there before this one. */
  #removeAtExit(): void {
    const never = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; this.#groups.length > 0 && tries < 20; tries++) {
      this.#remove();
      if (this.#groups.length > 0) Atomics.wait(never, 0, 0, 50);
    }
  }

  /** A group can be removed when its processes are gone; what cannot is tried again. */
  #remove(): void {
    for (const group of this.#groups.splice(0)) {
      try {
        rmdirSync(group);
      } catch {
        this.#groups.push(group);
      }
    }
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
