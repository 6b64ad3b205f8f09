import { spawn } from 'node:child_process';
import { after } from '../lib/timers.ts';
import type { Environment } from './running-server.ts';

interface CommandOptions {
  readonly env: Environment;
  /** After this the command is ended with SIGTERM, and counts as failed. */
  readonly timeoutMs: number;
  /** Gets each line of stdout and stderr as it comes. */
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface CommandResult {
  /** Undefined if the command could not be started or was ended by a signal. */
  readonly code: number | undefined;
  readonly stdout: string;
  /** The end of what it wrote to stderr, or why it could not be started. */
  readonly stderr: string;
}

export type RunCommand = (
  command: string,
  args: readonly string[],
  options: CommandOptions,
) => Promise<CommandResult>;

/** Output beyond this is forgotten from the front: what matters of a failure stands at the end. */
const keptCharacters = 16_384;

/** Runs a short command to its end, without a terminal. Never rejects: failing is one of its results. */
export const runCommand: RunCommand = (command, args, options) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { env: { ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout = new Output(options.onLine);
    const stderr = new Output(options.onLine);
    const timer = after(options.timeoutMs, () => {
      child.kill('SIGTERM');
      // A descendant that keeps the pipes open must not keep us waiting: without the pipes, 'close' follows the exit.
      child.stdout.destroy();
      child.stderr.destroy();
    });

    for (const [stream, output] of [
      [child.stdout, stdout],
      [child.stderr, stderr],
    ] as const) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => output.add(text));
      stream.on('error', (error) => output.add(`${error.message}\n`));
    }
    child.on('error', (error) => {
      timer.cancel();
      resolve({ code: undefined, stdout: stdout.text, stderr: error.message });
    });
    child.on('close', (code) => {
      timer.cancel();
      stdout.end();
      stderr.end();
      resolve({ code: code ?? undefined, stdout: stdout.text, stderr: stderr.text });
    });
  });

/** Output of a command: its end as text, and every line as it comes. */
class Output {
  text = '';
  #unfinished = '';
  readonly #onLine: ((line: string) => void) | undefined;

  constructor(onLine: ((line: string) => void) | undefined) {
    this.#onLine = onLine;
  }

  add(text: string): void {
    this.text = (this.text + text).slice(-keptCharacters);
    const lines = (this.#unfinished + text).split(/\r?\n|\r/);
    this.#unfinished = (lines.pop() ?? '').slice(-keptCharacters);
    for (const line of lines) this.#onLine?.(line);
  }

  end(): void {
    if (this.#unfinished !== '') this.#onLine?.(this.#unfinished);
  }
}
