/** Which machine this process runs on: processes of one machine have one clock, and agree about it whatever it says. */
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';

export interface Machine {
  readonly machine: string;
  /** Where it is reached from others; without loopback, which is everyone's. */
  readonly addresses: readonly string[];
}

let known: string | undefined;

export function whereIs(): Machine {
  known ??= bootId() ?? hostname();
  const addresses = Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).filter(({ internal }) => !internal).map(({ address }) => address),
  );
  return { machine: known, addresses };
}

/** One for all containers of a machine, which share its clock though each has a name of its own. */
function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}
