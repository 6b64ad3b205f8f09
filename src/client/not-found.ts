import { QueryError } from '../errors.ts';
import { isNotFound } from '../protocol/codes.ts';

/** What there is none of is not an error to whoever asks whether there is one. */
export async function undefinedIfNotFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof QueryError && isNotFound(error.code)) return undefined;
    throw error;
  }
}
