/** One life of a server, from its start to its end; a restart begins another one. */
import { within } from '../lib/within.ts';

/** How a server ended whose data folder another one uses. */
export const ENDED_BY_USED_FOLDER = 'ended because its data folder is in use by another server';

export type Life = ProcessLife | ContainerLife;

interface AnyLife {
  readonly running: boolean;
  /** Resolves when the server has ended and tells how, e.g. `ended with exit code 1`. Never rejects. */
  readonly ended: Promise<string>;
  /** Does nothing if it has ended. */
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, synchronously, for a parent that is exiting. */
  killNow(): void;
  /** The last lines that the server printed in this life. */
  logTail(): Promise<string>;
}

export interface ProcessLife extends AnyLife {
  readonly type: 'process';
  readonly pid: number;
}

export interface ContainerLife extends AnyLife {
  readonly type: 'container';
  /** Runs a command in the container and gives its stdout. */
  execute(command: readonly string[]): Promise<string>;
}

const graceMs = 10_000;
const killMs = 5_000;

/** Asks the server to end, then insists. */
export async function endLife(life: Life): Promise<void> {
  if (!life.running) return;
  life.signal('SIGTERM');
  if (await endsWithin(life, graceMs)) return;
  await killLife(life);
}

/** Resolves when the server is gone. A process that not even SIGKILL ends hangs in the kernel, and that is an error. */
export async function killLife(life: Life): Promise<void> {
  life.signal('SIGKILL');
  if (!(await endsWithin(life, killMs)))
    throw new Error(`a server is still there ${killMs} ms after SIGKILL`);
}

/** False if it is still running after this time. */
export async function endsWithin(life: Life, ms: number): Promise<boolean> {
  return await within(
    ms,
    life.ended.then(() => true),
    () => false,
  );
}
