import { ConfigurationError } from '../../lib/errors.ts';

/** A time to wait for something, milliseconds: more than none, and endless if need be. Throws a {@link ConfigurationError}. */
export function timeoutOption(name: string, ms: number): number {
  if (typeof ms === 'number' && ms > 0) return ms;
  throw new ConfigurationError(`${name}: milliseconds, more than 0 (Infinity: no limit), not ${ms}`);
}
