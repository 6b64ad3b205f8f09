/**
 * Sends a script that writes: the one way in which commits and restores write (a rebuild commits). Failures are
 * distinguished by how far the write came, because the reaction depends on it.
 */
import { createHash } from 'node:crypto';
import { messageOf, WriteFailedError } from '../lib/errors.ts';
import type { Redis } from './redis.ts';

/** Maximum size of one write: Redis does nothing else while it runs, and others wait. */
export interface WriteBounds {
  readonly bytes: number;
  /** Keys and arguments of the script. */
  readonly arguments: number;
}

export const WRITE_BOUNDS: WriteBounds = { bytes: 16 * 1024 * 1024, arguments: 100_000 };

export interface ScriptInput {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** How large a write was. */
export interface WriteSize {
  readonly bytes: number;
  readonly arguments: number;
}

export interface Written {
  readonly answer: unknown;
  readonly size: WriteSize;
}

export class ScriptWriter {
  readonly #redis: Redis;
  readonly #script: string;
  readonly #sha: string;
  readonly #bounds: WriteBounds;

  /** A connection that never repeats a command by itself: whether to send a write again is the caller's to know. */
  constructor(redis: Redis, script: string, bounds = WRITE_BOUNDS) {
    this.#redis = redis;
    this.#script = script;
    this.#sha = createHash('sha1').update(script).digest('hex');
    this.#bounds = bounds;
  }

  /** Throws a {@link WriteFailedError}. */
  async write(input: ScriptInput): Promise<Written> {
    const size = measured(input, this.#bounds);
    let answer: unknown;
    try {
      answer = await this.#send('EVALSHA', this.#sha, input);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw failureOf(error);
      answer = await this.#send('EVAL', this.#script, input).catch((failed) => {
        throw failureOf(failed);
      });
    }
    return { answer, size };
  }

  /** One array, however long: a call with as many arguments ends in the engine, at some 120,000 of them. */
  async #send(command: 'EVALSHA' | 'EVAL', script: string, { keys, args }: ScriptInput): Promise<unknown> {
    return await this.#redis.call(command, [script, String(keys.length)].concat(keys, args));
  }
}

/** Throws a {@link WriteFailedError} when it is larger than the bounds. */
export function measured({ keys, args }: ScriptInput, bounds = WRITE_BOUNDS): WriteSize {
  let bytes = 0;
  for (const key of keys) bytes += Buffer.byteLength(key);
  for (const arg of args) bytes += Buffer.byteLength(arg);
  const size = { bytes, arguments: keys.length + args.length };
  if (size.bytes <= bounds.bytes && size.arguments <= bounds.arguments) return size;
  throw new WriteFailedError(
    'unsent',
    `could not write ${size.arguments} arguments of ${size.bytes} bytes at once: ${bounds.arguments} of ${bounds.bytes} is the most`,
  );
}

/**
 * Replies with which Redis refuses a script before it has written anything: no memory, a replica, another node's key,
 * still loading, another script that runs, a disk that takes nothing, too few replicas. Before version 7 they stand in
 * the middle of the message.
 */
const REFUSED =
  /(?:^|[\s:]-?)(?:OOM|READONLY|MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN|BUSY|MISCONF|NOREPLICAS)\b/;

function failureOf(error: unknown): WriteFailedError {
  const message = messageOf(error);
  const options = { cause: error };
  if (error instanceof Error && error.name === 'ReplyError') {
    return new WriteFailedError(REFUSED.test(message) ? 'refused' : 'broken', message, options);
  }
  // A command that our side cannot encode is never sent; every other error is about the connection.
  const isOurs = error instanceof RangeError || error instanceof TypeError || isTooLong(error);
  return new WriteFailedError(isOurs ? 'unsent' : 'unanswered', message, options);
}

function isTooLong(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STRING_TOO_LONG';
}
