/** What happens when a program is told to stop before its end: everything that it started is ended, and then itself. */
import { after, every } from '../timers.ts';

export interface InterruptOptions {
  /** npm and its shell do not hand every signal on; then their own end is the sign. */
  readonly startedByNpm: boolean;
  readonly say: (line: string) => void;
  readonly stop: () => Promise<void>;
}

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const SIGNAL_EXIT = 128;
const STOP_WITHIN_MS = 5_000;
const WATCH_MS = 500;

export interface Interruption {
  /** It was told to stop, and is about to exit. */
  readonly isStopping: boolean;
  /** Listens no more. */
  unlisten(): void;
}

/** A second signal does not wait for anything. */
export function onInterrupt(
  process: NodeJS.Process,
  { startedByNpm, say, stop }: InterruptOptions,
): Interruption {
  let isStopping = false;
  const interrupt = (why: string, exitCode: number): void => {
    // What still runs then is ended by the nets that listen to our exit.
    if (isStopping) process.exit(exitCode);
    isStopping = true;
    say(`${why}: stopping everything`);
    after(STOP_WITHIN_MS, () => process.exit(exitCode));
    stop().then(
      () => process.exit(exitCode),
      () => process.exit(exitCode),
    );
  };
  const listeners = Object.entries(NUMBERS).map(([signal, number]) => {
    const listener = (): void => interrupt(signal, SIGNAL_EXIT + number);
    process.on(signal, listener);
    return { signal, listener };
  });
  const parent = process.ppid;
  const watch = every(WATCH_MS, () => {
    if (startedByNpm && process.ppid !== parent && !isStopping) {
      interrupt('npm is gone', SIGNAL_EXIT + NUMBERS.SIGTERM);
    }
  });
  return {
    get isStopping() {
      return isStopping;
    },
    unlisten() {
      watch.cancel();
      for (const { signal, listener } of listeners) process.off(signal, listener);
    },
  };
}
