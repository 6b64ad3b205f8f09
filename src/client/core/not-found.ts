import { QueryError } from '../../lib/errors.ts';
import { isNotFound } from '../../protocol/codes.ts';

/** A missing entity is no error for a caller that asks whether it exists. */
export async function undefinedIfNotFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof QueryError && isNotFound(error.code)) return undefined;
    throw error;
  }
}
