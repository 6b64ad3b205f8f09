/** The report of an error that ends a call. */
import { CommanderError } from 'commander';
import { EXIT, exitCodeOf } from '../lib/program/exit.ts';
import { shortened } from '../lib/shortened.ts';

export interface Failure {
  readonly name: string;
  readonly message: string;
  /** The rule that was broken, where the system said so. */
  readonly code?: string;
  readonly exitCode: number;
  /** Only of what can only be a mistake in this program. */
  readonly stack?: string;
}

/** The arguments do not say what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly kind = 'usage';
}

/** Messages quote what was typed, which can be of any length: all that matters of them is at their beginning. */
const MAX_MESSAGE_CHARS = 4_000;

export function describeFailure(error: unknown): Failure {
  const failure = failureOf(error);
  const { message } = failure;
  return { ...failure, message: shortened(message, MAX_MESSAGE_CHARS) };
}

function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '');
    return { name: 'UsageError', message, exitCode: EXIT.usage };
  }
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), exitCode: EXIT.failure };
  }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const stack = isMistake(error) && error.stack !== undefined ? { stack: error.stack } : {};
  return { name: error.name, message: wordsOf(error), ...code, exitCode: exitCodeOf(error), ...stack };
}

/** Node puts several refused connections into an error without a message of its own. */
function wordsOf(error: Error): string {
  if (error.message !== '') return error.message;
  if (error instanceof AggregateError) return error.errors.map(String).join('; ');
  return error.name;
}

function isMistake(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}
